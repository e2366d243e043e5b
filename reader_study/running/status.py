"""Status of a study: counts and times of every reader, never an answer."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from reader_study.building.study import Study
from reader_study.clock import seconds_between
from reader_study.formats.flow import ProgramAt, programs_in_words
from reader_study.reading.recording import short_code
from reader_study.store import milestones as store_milestones
from reader_study.store import readings
from reader_study.store.readers import Reader, all_readers
from reader_study.store.transaction import Head, read_head

if TYPE_CHECKING:
    from reader_study.frames import DataFrame


@dataclass(frozen=True)
class TrialStatus:
    """How far a reader has come in a trial.

    Attributes:
        reader: Name of the reader.
        trial: Number of the trial.
        n_assigned: Readings of the trial.
        n_opened: Readings seen at least once.
        n_submitted: Readings answered.
        n_declined: Readings left unanswered with a reason.
        n_corrected: Readings answered and corrected later.
        signed_at: Time of the signature; empty if there is none.
        seconds: Median from opening to submitting, by the server; None if none.
        active_seconds: Median by the readers' browsers; None if none.
        last_at: Time of the last answer; empty if there is none.
    """

    reader: str
    trial: int
    n_assigned: int
    n_opened: int
    n_submitted: int
    n_declined: int
    n_corrected: int
    signed_at: str
    seconds: float | None
    active_seconds: float | None
    last_at: str = ""

    @property
    def n_missing(self) -> int:
        """Readings without an answer."""
        return self.n_assigned - self.n_submitted


@dataclass(frozen=True, repr=False)
class StudyStatus:
    """How far a study has come.

    Attributes:
        title: Title of the study.
        phase: How far it has come as a whole.
        simulated: Whether bots have read.
        washout_days: Least time between two trials, as amended.
        n_planned: Readers of the protocol, as amended.
        readers: All who were added.
        trials: Counts, one per reader and trial.
        n_deviations: Recorded deviations.
        head: Last entry of the log.
        closing_missing: Active readers who have signed all trials but not answered
            the closing questions; empty if the protocol asks none.
        withdrawn: Pseudo-IDs under which cases were withdrawn.
        programs: Versions of the program by milestone; empty of studies built by a
            version that did not say so.
    """

    title: str
    phase: store_milestones.Phase
    simulated: bool
    washout_days: float
    n_planned: int
    readers: tuple[Reader, ...]
    trials: tuple[TrialStatus, ...]
    n_deviations: int
    head: Head
    closing_missing: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()
    programs: tuple[ProgramAt, ...] = ()

    def __repr__(self) -> str:
        assigned = sum(trial.n_assigned for trial in self.trials)
        submitted = sum(trial.n_submitted for trial in self.trials)
        simulated = ", SIMULATED" if self.simulated else ""
        return (
            f"<StudyStatus {self.title!r}: {self.phase}{simulated}, "
            f"{submitted} of {assigned} readings answered>"
        )

    def to_frame(self) -> "DataFrame":
        """Return one row per reader and trial."""
        from reader_study.frames import frame_of

        names = tuple(TrialStatus.__dataclass_fields__)
        return frame_of(map(vars, self.trials), names)

    def to_text(self) -> str:
        """Return the counts as a text to read."""
        simulated = ", SIMULATED" if self.simulated else ""
        active = sum(reader.active for reader in self.readers)
        lines = [
            f"{self.title}: {self.phase}{simulated}",
            f"{active} of {self.n_planned} readers, {self.n_deviations} deviations, "
            f"washout {self.washout_days:g} days, log {short_code(self.head)}",
            f"{'reader':<16}trial assigned opened submitted declined corrected missing "
            "median s  active s  signed",
            *map(_line, self.trials),
            self.missing_closing_text(),
            f"Withdrawn: {', '.join(self.withdrawn)}" if self.withdrawn else "",
            programs_in_words(self.programs),
        ]
        return "\n".join(line for line in lines if line)

    def missing_closing_text(self) -> str:
        """Return who has not answered the closing questions; empty if nobody."""
        names = ", ".join(self.closing_missing)
        return f"Closing questions not answered by {names}" if names else ""

    def of(self, reader: str) -> tuple[TrialStatus, ...]:
        """Return the trials of a reader."""
        return tuple(trial for trial in self.trials if trial.reader == reader)


def read_status(
    study: Study,
    connection: Connection,
    *,
    lost: Collection[tuple[str, str]] = (),
) -> StudyStatus:
    """Count what readers have done; what they answered is not looked at.

    Args:
        study: The built study.
        connection: Reading the state of one moment.
        lost: Readings, by reader and token, whose rows are damaged; not counted.
    """
    milestones = store_milestones.find_milestones(connection)
    protocol = store_milestones.effective_protocol(study.protocol, milestones)
    readers = all_readers(connection)
    trials = _trials(study, connection, readers, lost)
    asked = readings.find_closings(connection) if protocol.closing else None
    return StudyStatus(
        title=protocol.title,
        phase=store_milestones.phase_of(milestones),
        simulated=store_milestones.is_simulated(milestones)
        or any(r.simulated for r in readers),
        washout_days=protocol.least_washout,
        n_planned=protocol.n_readers,
        readers=readers,
        trials=trials,
        n_deviations=len(store_milestones.find_deviations(connection)),
        head=read_head(connection),
        closing_missing=()
        if asked is None
        else _closing_missing(readers, trials, asked),
        withdrawn=tuple(
            study.manifest.presentation(token).pseudo_id
            for token in sorted(store_milestones.withdrawn_tokens(milestones))
        ),
        programs=_programs(study, milestones),
    )


def _programs(
    study: Study, milestones: Iterable[store_milestones.Milestone]
) -> tuple[ProgramAt, ...]:
    """Return versions by milestone, of studies that tell with which they were built."""
    built = study.manifest.program
    if not built:
        return ()
    created = (
        store_milestones.MilestoneKind.CREATED
    )  # of the database, at its first use
    later = [
        ProgramAt(milestone=m.kind.value, program=m.program, recorded_at=m.recorded_at)
        for m in milestones
        if m.kind is not created
    ]
    return (ProgramAt(milestone="built", program=built), *later)


def _closing_missing(
    readers: Iterable[Reader], trials: Iterable[TrialStatus], answered: Collection[str]
) -> tuple[str, ...]:
    unsigned = {trial.reader for trial in trials if not trial.signed_at}
    done = {*answered, *unsigned}
    return tuple(r.name for r in readers if r.active and r.name not in done)


def _trials(
    study: Study,
    connection: Connection,
    readers: Iterable[Reader],
    lost: Collection[tuple[str, str]],
) -> tuple[TrialStatus, ...]:
    opened = readings.find_opened(connection)
    counted = readings.latest(readings.find_responses(connection, lost=lost))
    signed = readings.find_signatures(connection)
    found = []
    for reader in readers:
        for trial, order in sorted(study.manifest.slot(reader.slot).orders.items()):
            keys = [(reader.name, token) for token in order]
            there = [counted[key] for key in keys if key in counted]
            signature = signed.get((reader.name, trial))
            n_opened = sum(key in opened for key in keys)
            signed_at = signature.signed_at if signature else ""
            found.append(
                _count(reader.name, trial, there, len(order), n_opened, signed_at)
            )
    return tuple(found)


def _count(
    reader: str,
    trial: int,
    there: list[readings.Response],
    n: int,
    n_opened: int,
    signed: str,
) -> TrialStatus:
    answered = [response for response in there if response.answers]
    active = [r.active_seconds for r in answered if r.active_seconds is not None]
    # A correction comes long after the reading; its time is no reading time.
    first = [r for r in answered if r.revision == 1]
    taken = [seconds_between(r.opened_at, r.submitted_at) for r in first]
    return TrialStatus(
        reader=reader,
        trial=trial,
        n_assigned=n,
        n_opened=n_opened,
        n_submitted=len(answered),
        n_declined=len(there) - len(answered),
        n_corrected=sum(response.revision > 1 for response in there),
        signed_at=signed,
        seconds=median(taken) if taken else None,
        active_seconds=median(active) if active else None,
        last_at=max((response.submitted_at for response in there), default=""),
    )


def _line(trial: TrialStatus) -> str:
    t = trial
    return (
        f"{t.reader:<16}{t.trial:>5}{t.n_assigned:>9}{t.n_opened:>7}"
        f"{t.n_submitted:>10}{t.n_declined:>9}{t.n_corrected:>10}{t.n_missing:>8}"
        f"{_seconds(t.seconds):>9}{_seconds(t.active_seconds):>10}  "
        f"{t.signed_at or '-'}"
    )


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"
