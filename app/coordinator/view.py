"""The monitor's view of a study: counts, times and names, and nothing else.

Answers, explanations, reasons and notes do not get past this file: what a page cannot
hold it cannot show.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

from app.accounts import require_coordinator
from app.room import Room
from app.times import sortable_time
from reader_study.clock import from_text, to_text
from reader_study.reading import reader_state
from reader_study.running.lifecycle import missing_readers, unsigned_trials
from reader_study.running.status import StudyStatus, TrialStatus, read_status
from reader_study.store.access import usable_codes
from reader_study.store.milestones import (
    MilestoneKind,
    Phase,
    find_deviations,
    find_milestones,
)

LATE_DAYS = 7
"""A reader who may read and has not for so long is late."""


@dataclass(frozen=True)
class DeviationNote:
    """That something went otherwise than planned; why is not told here."""

    kind: str
    reader: str
    trial: int
    recorded_by: str
    approved_by: str
    recorded_at: str


@dataclass(frozen=True)
class CoordinatorView:
    """What a coordinator may know at one moment.

    Attributes:
        status: Counts and times of all readers.
        readers: State of each active reader.
        opened_at: When readers could begin; empty if they cannot.
        now: Time of the server.
        codes: By reader, until when each unused code may be used.
        deviations: What went otherwise than planned.
    """

    status: StudyStatus
    readers: Mapping[str, reader_state.ReaderState]
    codes: Mapping[str, tuple[str, ...]]
    deviations: tuple[DeviationNote, ...]
    opened_at: str = ""
    now: str = ""

    @property
    def sites(self) -> tuple[str, ...]:
        """Sites of readers who take part, by name; the last is that of all others."""
        named = {reader.site for reader in self.status.readers if reader.active}
        return tuple(sorted(named - {""})) + (("",) if "" in named else ())

    @property
    def early(self) -> frozenset[tuple[str, int]]:
        """Readers and trials that may begin before the washout is over."""
        found = (d for d in self.deviations if d.kind == reader_state.EARLY_START)
        return frozenset((d.reader, d.trial) for d in found)

    @property
    def waits_for(self) -> list[str]:
        """Say what is missing before the study can be opened, or the data locked."""
        if self.status.phase is Phase.BUILT:
            return missing_readers(self.status)
        if self.status.phase is Phase.OPEN:
            return unsigned_trials(self.status)
        return []

    @property
    def late(self) -> list[tuple[TrialStatus, str]]:
        """Trials that wait for a reader who may read, and since when, too long ago."""
        if self.status.phase is not Phase.OPEN:
            return []
        limit = to_text(from_text(self.now) - timedelta(days=LATE_DAYS))
        waiting = [
            (trial, self._waits_since(trial))
            for trial in self.status.trials
            if self._waits_for(trial)
        ]
        return [(trial, since) for trial, since in waiting if since < limit]

    def _waits_for(self, trial: TrialStatus) -> bool:
        reader = self.readers.get(trial.reader)
        if reader is None or reader.finished or reader.washout_until is not None:
            return False
        return trial.trial == reader.trial

    def _waits_since(self, trial: TrialStatus) -> str:
        """Return the last thing that the reader did, or from when it could be done."""
        signed = self.readers[trial.reader].history.signed
        washout = timedelta(days=self.status.washout_days)
        free = [to_text(from_text(signed[n]) + washout) for n in signed]
        added = [r.added_at for r in self.status.readers if r.name == trial.reader]
        return max(self.opened_at, trial.last_at, *free, *added)


def find_coordinator_view(room: Room) -> CoordinatorView:
    """Read the state of one moment, for the coordinator at the browser.

    Raises:
        AccessError: If no coordinator is signed in.
        StudyError: If the store cannot be read.
    """
    require_coordinator(room)
    now = to_text(room.clock.now())
    with room.store.reading() as connection:
        status = read_status(room.study, connection)
        active = [reader.name for reader in status.readers if reader.active]
        opened = (
            m.recorded_at
            for m in find_milestones(connection)
            if m.kind is MilestoneKind.OPENED
        )
        return CoordinatorView(
            status,
            {
                n: reader_state.find_reader_state(room.study, connection, n, now)
                for n in active
            },
            {n: _expiries(connection, n, now) for n in active},
            tuple(
                DeviationNote(
                    d.kind,
                    d.reader,
                    d.trial,
                    d.recorded_by,
                    d.approved_by,
                    d.recorded_at,
                )
                for d in find_deviations(connection)
            ),
            next(opened, ""),
            now,
        )


def _expiries(connection: Connection, reader: str, now: str) -> tuple[str, ...]:
    return tuple(code.expires_at for code in usable_codes(connection, reader, now))


Row = dict[str, str | int | float | None]
"""Value by heading, in the order in which they are shown."""


def progress_rows(view: CoordinatorView, zone: str | None) -> list[Row]:
    """Return a row per reader and trial.

    Args:
        view: What is known.
        zone: Time zone of the browser.
    """
    return [
        {
            "Reader": trial.reader,
            "Trial": trial.trial,
            "Stands": _stands(view, trial, zone),
            "Assigned": trial.n_assigned,
            "Opened": trial.n_opened,
            "Submitted": trial.n_submitted,
            "Declined": trial.n_declined,
            "Missing": trial.n_missing,
            "Corrected": trial.n_corrected,
            "Signed": sortable_time(trial.signed_at, zone),
            "Seconds": _rounded(trial.seconds),
            "Active seconds": _rounded(trial.active_seconds),
        }
        for trial in view.status.trials
    ]


def reader_rows(view: CoordinatorView, zone: str | None) -> list[Row]:
    """Return a row per reader, with the codes that still let in."""
    return [
        {
            "Reader": reader.name,
            "Status": reader.status.value + (", bot" if reader.simulated else ""),
            "Unused codes": len(view.codes.get(reader.name, ())),
            "Usable until": sortable_time(
                max(view.codes.get(reader.name, ()), default=""), zone
            ),
            **({"Site": reader.site} if any(view.sites) else {}),
            "Specialty": reader.specialty,
            "Years": reader.years,
            "Place": reader.slot,
            "In place of": reader.replaces,
            "Added": sortable_time(reader.added_at, zone),
        }
        for reader in view.status.readers
    ]


def site_rows(view: CoordinatorView, zone: str | None) -> list[Row]:
    """Return a row per site; none where no reader has one.

    Args:
        view: What is known.
        zone: Time zone of the browser.
    """
    if not any(view.sites):
        return []
    late = {trial.reader for trial, _ in view.late}
    rows: list[Row] = []
    for site in view.sites:
        names = {r.name for r in view.status.readers if r.active and r.site == site}
        trials = [trial for trial in view.status.trials if trial.reader in names]
        rows.append(
            {
                "Site": site or "not given",
                "Readers": len(names),
                **{f"Trial {n}": _share(trials, n) for n in (1, 2)},
                "Declined": sum(trial.n_declined for trial in trials),
                "Trials signed": f"{sum(bool(t.signed_at) for t in trials)} "
                f"of {len(trials)}",
                "Late readers": ", ".join(sorted(names & late)),
                "Last answer": sortable_time(
                    max((trial.last_at for trial in trials), default=""), zone
                ),
            }
        )
    return rows


def _share(trials: Sequence[TrialStatus], n: int) -> str:
    """Say how many readings of a trial are answered, at one site."""
    of = [trial for trial in trials if trial.trial == n]
    done, assigned = (sum(t.n_submitted for t in of), sum(t.n_assigned for t in of))
    return f"{done} of {assigned}"


def deviation_rows(view: CoordinatorView, zone: str | None) -> list[Row]:
    """Return a row per deviation."""
    return [
        {
            "Recorded": sortable_time(deviation.recorded_at, zone),
            "Deviation": deviation.kind.replace("_", " ").capitalize(),
            "Reader": deviation.reader,
            "Trial": deviation.trial or None,
            "Recorded by": deviation.recorded_by,
            "Approved by": deviation.approved_by,
        }
        for deviation in view.deviations
    ]


def _stands(view: CoordinatorView, trial: TrialStatus, zone: str | None) -> str:
    progress = view.readers.get(trial.reader)
    if progress is None:
        return "takes no more part"
    if trial.signed_at:
        return "signed"
    if trial.trial > progress.trial:
        return "later"
    if progress.washout_until:
        return f"washout until {sortable_time(progress.washout_until, zone)}"
    early = (trial.reader, trial.trial) in view.early
    return _at_hand(trial, progress) + (", early start permitted" if early else "")


def _at_hand(trial: TrialStatus, progress: reader_state.ReaderState) -> str:
    if progress.may_sign:
        return "to be signed"
    if not trial.n_opened:
        return "not begun"
    return f"at {progress.position} of {progress.n_readings}"


def _rounded(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds)
