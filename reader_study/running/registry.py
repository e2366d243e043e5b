"""Registry of readers: add, exclude, replace; nothing of them is ever removed."""

import math
import unicodedata
from dataclasses import dataclass, replace

from reader_study.building.study import Study
from reader_study.clock import Clock
from reader_study.errors import StudyError
from reader_study.reading.answers import check_reason, check_text
from reader_study.store import milestones
from reader_study.store import readers as store_readers
from reader_study.store.access import revoke_codes
from reader_study.store.readings import find_opened
from reader_study.store.store import Store
from reader_study.store.tables import readers
from reader_study.store.transaction import Transaction

LONGEST_CAREER = 80
"""Years of experience that are believed."""

LONGEST_SITE = 60


@dataclass(frozen=True)
class Profile:
    """A reader to be added.

    Attributes:
        name: Short name, as in responses.csv.
        specialty: Specialty; one of the protocol's roles if it has any.
        years: Years of experience.
        slot: Place in the design; empty for the first that is free.
        simulated: Whether this is a bot.
        site: Where the reader reads, in a study of several hospitals; may be empty.
    """

    name: str
    specialty: str
    years: float
    slot: str = ""
    simulated: bool = False
    site: str = ""

    def __post_init__(self) -> None:
        name = unicodedata.normalize("NFC", self.name)
        object.__setattr__(self, "name", name)
        if not store_readers.is_reader_name(self.name):
            msg = f"A reader's name must be letters, digits, _ . -, got {self.name!r}"
            raise StudyError(msg)
        check_text(self.specialty, "specialty")
        object.__setattr__(self, "site", _checked_site(self.site))
        if not (math.isfinite(self.years) and 0 <= self.years <= LONGEST_CAREER):
            msg = f"years must be from 0 to {LONGEST_CAREER}, got {self.years}"
            raise StudyError(msg)


def add_reader(
    study: Study, store: Store, profile: Profile, *, by: str, clock: Clock
) -> store_readers.Reader:
    """Add a reader.

    Raises:
        StudyError: If the name or the slot is taken, there is no such slot or role, or
            the data are locked.
    """
    with store.writing(clock) as t:
        _require_not_locked(t)
        there = store_readers.all_readers(t.connection)
        if store_readers.match_reader(t.connection, profile.name) is not None:
            msg = f"There is a reader {profile.name} already"
            raise StudyError(msg)
        roles = study.protocol.roles
        if roles and profile.specialty not in roles and not profile.simulated:
            msg = f"specialty must be {' or '.join(roles)}, got {profile.specialty!r}"
            raise StudyError(msg)
        taken = {reader.slot for reader in there}
        reader = _reader(profile, _slot(study, t, profile.slot, taken), t.now)
        details = {"reader": reader.name, "slot": reader.slot}
        t.keep(readers, reader.row(), "reader.added", by, details)
        if reader.site:
            store_readers.keep_site(t, reader.name, reader.site, by)
    return reader


def set_site(store: Store, name: str, site: str, *, by: str, clock: Clock) -> None:
    """Say where a reader reads who was added without a site; once.

    Raises:
        StudyError: If there is no such reader, or the reader has a site, or the data
            are locked.
    """
    site = _checked_site(site)
    with store.writing(clock) as t:
        _require_not_locked(t)
        there = {r.name: r for r in store_readers.all_readers(t.connection)}
        if name not in there:
            msg = f"There is no reader {name!r}"
            raise StudyError(msg)
        if there[name].site or not site:
            got = repr(there[name].site) if there[name].site else "an empty name"
            msg = f"{name} must be given one site, once, got {got}"
            raise StudyError(msg)
        store_readers.keep_site(t, name, site, by)


def exclude_reader(
    store: Store, name: str, *, reason: str, by: str, clock: Clock
) -> None:
    """Exclude a reader: no further answers; those given are kept, but not analysed.

    Raises:
        StudyError: If there is no such active reader, or the data are locked.
    """
    with store.writing(clock) as t:
        _leave(t, name, store_readers.ReaderStatus.EXCLUDED, reason, by)


def replace_reader(
    store: Store, name: str, profile: Profile, *, reason: str, by: str, clock: Clock
) -> store_readers.Reader:
    """Give a reader's place in the design to another, who begins anew.

    Raises:
        StudyError: If there is no such active reader, the new name is taken, or the
            data are locked.
    """
    with store.writing(clock) as t:
        if store_readers.match_reader(t.connection, profile.name) is not None:
            msg = f"There is a reader {profile.name} already"
            raise StudyError(msg)
        left = _leave(t, name, store_readers.ReaderStatus.REPLACED, reason, by)
        reader = replace(_reader(profile, left.slot, t.now), replaces=name)
        details = {"reader": reader.name, "slot": reader.slot, "replaces": name}
        t.keep(readers, reader.row(), "reader.added", by, details)
        if reader.site:
            store_readers.keep_site(t, reader.name, reader.site, by)
    return reader


def _checked_site(site: str) -> str:
    """Return a site as it is kept: one line, without blanks around it."""
    kept = unicodedata.normalize("NFC", check_text(site, "site")).strip()
    if not kept.isprintable() or len(kept) > LONGEST_SITE:
        msg = (
            f"site must be one line of at most {LONGEST_SITE} letters, got {site!r:.90}"
        )
        raise StudyError(msg)
    return kept


def _reader(profile: Profile, slot: str, now: str) -> store_readers.Reader:
    p = profile
    return store_readers.Reader(
        p.name, slot, p.specialty, p.years, now, simulated=p.simulated, site=p.site
    )


def _slot(study: Study, t: Transaction, wanted: str, taken: set[str]) -> str:
    """Return a free place; an amendment opens those in reserve."""
    past = milestones.find_milestones(t.connection)
    amended = milestones.effective_protocol(study.protocol, past)
    n_open = max(study.protocol.n_readers, amended.n_readers)
    names = [slot.name for slot in study.manifest.slots]
    free = [name for name in names[:n_open] if name not in taken]
    if not wanted and free:
        return free[0]
    if wanted not in free:
        what = f"{wanted!r}" if wanted else "one more reader"
        msg = (
            f"A reader must have a free slot ({', '.join(free) or 'none'}), got {what}"
        )
        if names[n_open:]:
            msg += (
                f"; magic-study amend --set n_readers={n_open + 1} opens one in reserve"
            )
        raise StudyError(msg)
    return wanted


def _leave(
    t: Transaction, name: str, status: store_readers.ReaderStatus, reason: str, by: str
) -> store_readers.Reader:
    _require_not_locked(t)
    reader = store_readers.find_reader(t.connection, name)
    # Who was excluded may still be replaced.
    may_leave = (
        store_readers.ReaderStatus.ACTIVE,
        store_readers.ReaderStatus.EXCLUDED,
    )[: 1 + (status is store_readers.ReaderStatus.REPLACED)]
    if reader is None or reader.status not in may_leave:
        msg = f"{name!r} must be an active reader"
        raise StudyError(msg)
    kept = check_reason(reason)
    left = replace(reader, status=status, reason=kept)
    details = {
        "reader": name,
        "readings_opened": len(find_opened(t.connection, name)),
    }
    t.change(readers, left.row(), f"reader.{status}", by, details)
    milestones.add_deviation(
        t, milestones.Deviation(f"reader_{status}", name, 0, kept, by)
    )
    revoke_codes(t.connection, name, t.now)
    return left


def _require_not_locked(t: Transaction) -> None:
    if milestones.phase_of(milestones.find_milestones(t.connection)) in {
        milestones.Phase.LOCKED,
        milestones.Phase.UNBLINDED,
    }:
        msg = "The data are locked; readers stay as they are"
        raise StudyError(msg)
