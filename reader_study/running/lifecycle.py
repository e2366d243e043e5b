"""Lifecycle of a study: open, amend, permit an early start, lock the data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from reader_study.building.study import Study, remedy
from reader_study.clock import Clock
from reader_study.errors import StudyError, counted
from reader_study.reading.answers import check_reason, check_text
from reader_study.reading.reader_state import EARLY_START
from reader_study.running.status import StudyStatus, read_status
from reader_study.store import milestones as store_milestones
from reader_study.store.readers import find_reader
from reader_study.store.readings import count_responses
from reader_study.store.store import Store
from reader_study.store.stored import BACKUP
from reader_study.store.transaction import Head, Transaction
from reader_study.store.verifying import verify

DAMAGE_ACCEPTED = "damage_accepted"
"""Deviation that says why data are used although entries of the store are damaged."""

INCOMPLETE_LOCK = "incomplete_lock"
"""Deviation that says why data were locked before all trials were signed."""


@dataclass(frozen=True)
class Amendment:
    """A change of the protocol; study.toml itself stays as it was built.

    Attributes:
        change: What is done otherwise, in words.
        reason: Reason for it.
        by: Name of who decided.
        settings: Those of `AMENDABLE` that take effect by themselves.
    """

    change: str
    reason: str
    by: str
    settings: Mapping[str, float | bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for text in (self.change, self.reason, self.by):
            check_reason(text)
        unknown = sorted(set(self.settings) - set(store_milestones.AMENDABLE))
        if unknown:
            known = ", ".join(store_milestones.AMENDABLE)
            msg = f"Only {known} can be amended, got {unknown[0]}"
            raise StudyError(msg)


@dataclass(frozen=True)
class EarlyStart:
    """Leave to begin a trial before the washout is over.

    Attributes:
        reader: Name of the reader who may begin.
        trial: Number of the trial.
        reason: Reason for it.
        by: Name of who records it.
        second: Name of who approves it.
    """

    reader: str
    trial: int
    reason: str
    by: str
    second: str

    def __post_init__(self) -> None:
        check_reason(self.reason)
        require_two(self.by, self.second)


def amend(study: Study, store: Store, amendment: Amendment, *, clock: Clock) -> Head:
    """Record an amendment.

    Raises:
        StudyError: If the protocol cannot have such values, or the data are locked.
    """
    n_slots, wanted = len(study.manifest.slots), amendment.settings.get("n_readers", 0)
    if wanted > n_slots:
        msg = (
            f"n_readers must be at most {n_slots}, the places that the study was built "
            f"with, got {wanted:g}; a reader who left is replaced by reader replace, "
            "and [readers] reserve of study.toml has build draw places for later ones"
        )
        raise StudyError(msg)
    with store.writing(clock) as t:
        milestones = store_milestones.find_milestones(t.connection)
        if store_milestones.phase_of(milestones) in {
            store_milestones.Phase.LOCKED,
            store_milestones.Phase.UNBLINDED,
        }:
            msg = "The data are locked; the protocol stays as it is"
            raise StudyError(msg)
        head = store_milestones.add_milestone(
            t, store_milestones.MilestoneKind.AMENDED, amendment.by, vars(amendment)
        )
        store_milestones.effective_protocol(
            study.protocol, store_milestones.find_milestones(t.connection)
        )
        return head


def permit_early_start(
    study: Study, store: Store, start: EarlyStart, *, clock: Clock
) -> Head:
    """Record that a reader may begin early: a deviation that two people stand for.

    Raises:
        StudyError: If there is no such reader or trial, or the study is not open.
    """
    with store.writing(clock) as t:
        require_phase(t, store_milestones.Phase.OPEN, "deviated from")
        reader = find_reader(t.connection, start.reader)
        if reader is None:
            msg = f"There is no reader {start.reader!r}"
            raise StudyError(msg)
        study.manifest.orders(reader.slot, start.trial)
        deviation = store_milestones.Deviation(
            EARLY_START, start.reader, start.trial, start.reason, start.by, start.second
        )
        return store_milestones.add_deviation(t, deviation)


def require_two(first: str, second: str) -> None:
    """Refuse where two people must agree and there are not two names.

    Raises:
        StudyError: If a name is missing or both are the same.
    """
    names = [check_text(name, "A name").strip() for name in (first, second)]
    if not all(names) or names[0].casefold() == names[1].casefold():
        msg = f"Two different names must be given, got {names[0]!r} and {names[1]!r}"
        raise StudyError(msg)


def require_phase(t: Transaction, phase: store_milestones.Phase, what: str) -> None:
    """Refuse what a study may only be in one phase.

    Raises:
        StudyError: If it is in another one.
    """
    found = store_milestones.phase_of(store_milestones.find_milestones(t.connection))
    if found is not phase:
        msg = f"A study must be {phase} to be {what}, this one is {found}"
        raise StudyError(msg)


def readiness(study: Study, store: Store) -> list[str]:
    """Return why the study cannot be opened; empty if it can."""
    with store.reading() as connection:
        status = read_status(study, connection)
        faults = verify(connection).faults
        gone = store_milestones.withdrawn_tokens(
            store_milestones.find_milestones(connection)
        )
    problems = [*missing_readers(status), *faults]
    if status.phase is not store_milestones.Phase.BUILT:
        problems.append(f"it is {status.phase} already")
    hint = f"; {remedy(study.folder)}, or magic-study case withdraw takes it out"
    damaged = study.damaged_pictures()
    problems += [f"{why}{hint}" for token, why in damaged.items() if token not in gone]
    return problems


def open_for_reading(study: Study, store: Store, *, by: str, clock: Clock) -> Head:
    """Let readers begin.

    Raises:
        StudyError: If the study is not ready; every reason is named.
    """
    actor = check_reason(by)
    problems = readiness(study, store)
    if problems:
        raise StudyError("The study cannot be opened: " + "; ".join(problems))
    with store.writing(clock) as t:
        require_phase(t, store_milestones.Phase.BUILT, "opened")
        readers = [reader.name for reader in read_status(study, t.connection).readers]
        return store_milestones.add_milestone(
            t, store_milestones.MilestoneKind.OPENED, actor, {"readers": readers}
        )


def lock(
    study: Study,
    store: Store,
    *,
    by: str,
    clock: Clock,
    incomplete: str = "",
    accept_damage: str = "",
) -> Mapping[str, object]:
    """Freeze the data: no answer, reader or deviation is added any more.

    Args:
        study: The built study.
        store: Store of the study.
        by: Name of who locks.
        clock: The server's clock.
        incomplete: Why data are locked although trials are not signed; a deviation.
        accept_damage: Why data are locked although the log does not verify; a
            deviation, and the faults are part of the record.

    Returns:
        The lock record, to be kept elsewhere as an anchor.

    Raises:
        StudyError: If trials are not signed, or the log does not verify, and no reason
            is given.
    """
    actor = check_reason(by)
    with store.writing(clock) as t:
        require_phase(t, store_milestones.Phase.OPEN, "locked")
        faults = verify(t.connection).faults
        if faults and not accept_damage:
            raise StudyError("The data cannot be locked: " + with_remedy(faults))
        if faults:
            _deviate(t, DAMAGE_ACCEPTED, accept_damage, actor)
        unsigned = unsigned_trials(read_status(study, t.connection))
        if unsigned and not incomplete:
            msg = "The data cannot be locked: " + "; ".join(unsigned)
            raise StudyError(msg)
        if unsigned:
            _deviate(t, INCOMPLETE_LOCK, incomplete, actor)
        record: dict[str, object] = {
            "study_id": study.manifest.study_id,
            "data_sha256": store_milestones.data_sha256(t.connection),
            "n_responses": count_responses(t.connection),
            "by": actor,
            "locked_at": t.now,
            **({"accepted_faults": list(faults)} if faults else {}),
        }
        head = store_milestones.add_milestone(
            t, store_milestones.MilestoneKind.LOCKED, actor, record
        )
    return record | {"head": vars(head)}


def changes_since_lock(
    connection: Connection, milestones: Sequence[store_milestones.Milestone]
) -> list[str]:
    """Return that the data are others than those of the lock record; nothing if not."""
    kind = store_milestones.MilestoneKind.LOCKED
    locked = next((m for m in milestones if m.kind is kind), None)
    found = store_milestones.data_sha256(connection)
    if locked is None or found != locked.detail("data_sha256"):
        return ["they are not those of the lock record"]
    return []


def with_remedy(faults: Sequence[str]) -> str:
    """Return what is wrong with the store, and what to do about it."""
    hint = "or go on without what is named by --accept-damage REASON, which is kept"
    return f"{'; '.join(faults)}; {BACKUP}, {hint}"


def _deviate(t: Transaction, kind: str, reason: str, by: str) -> None:
    kept = check_reason(reason)
    store_milestones.add_deviation(t, store_milestones.Deviation(kind, "", 0, kept, by))


def missing_readers(status: StudyStatus) -> list[str]:
    """Return how many readers are missing before the study can be opened."""
    active = sum(reader.active for reader in status.readers)
    if active >= status.n_planned:
        return []
    return [f"{counted(status.n_planned, 'reader')} must be there, got {active}"]


def unsigned_trials(status: StudyStatus) -> list[str]:
    """Return the trials that must be signed before the data can be locked."""
    active = {reader.name for reader in status.readers if reader.active}
    return [
        f"{trial.reader} has not signed trial {trial.trial} "
        f"({trial.n_submitted + trial.n_declined} of {trial.n_assigned} answered)"
        for trial in status.trials
        if trial.reader in active and not trial.signed_at
    ]
