"""The flow of readings from assigned to analysed, and what GRRAS asks of a report."""

from dataclasses import asdict, dataclass

from sqlalchemy import Connection

from reader_study.building.study import Study
from reader_study.clock import seconds_between
from reader_study.formats.flow import (
    STEPS,
    FlowDeviation,
    FlowReader,
    StudyFlow,
    TrialFlow,
)
from reader_study.running.grras import grras_items
from reader_study.running.status import StudyStatus, TrialStatus, read_status
from reader_study.store.milestones import Deviation, find_deviations
from reader_study.store.readers import Reader


@dataclass(frozen=True)
class Flow:
    """How many readings came how far.

    Attributes:
        status: Counts by reader and trial.
        deviations: What went otherwise than planned.
        items: Items of GRRAS that the study knows, by number.
    """

    status: StudyStatus
    deviations: tuple[Deviation, ...]
    items: dict[int, str]

    def analysed(self, trial: TrialStatus) -> int:
        """Give how many readings of a trial count in the analysis."""
        active = {reader.name for reader in self.status.readers if reader.active}
        return trial.n_submitted if trial.reader in active else 0

    def to_record(self) -> StudyFlow:
        """Return the content of flow.json."""
        return StudyFlow(
            title=self.status.title,
            phase=self.status.phase,
            simulated=self.status.simulated,
            readings=tuple(self._counts(trial) for trial in self.status.trials),
            readers=tuple(
                FlowReader(
                    **asdict(reader) | {"interval_days": self._interval_days(reader)}
                )
                for reader in self.status.readers
            ),
            closing_missing=self.status.closing_missing,
            deviations=tuple(FlowDeviation(**asdict(d)) for d in self.deviations),
            grras=self.items,
        )

    def to_text(self) -> str:
        """Give the same to read."""
        lines = [f"{'reader':<16}trial" + "".join(f"{name:>11}" for name in STEPS)]
        for trial in self.status.trials:
            counts = self._counts(trial)
            numbers = "".join(f"{getattr(counts, name):>11}" for name in STEPS)
            lines.append(f"{trial.reader:<16}{trial.trial:>5}{numbers}")
        gone = [reader for reader in self.status.readers if not reader.active]
        lines += [f"{reader.name}: {reader.status}, {reader.reason}" for reader in gone]
        lines += ["", "GRRAS (Kottner 2011), items that the study knows"]
        lines += [f"{number:>3}  {text}" for number, text in self.items.items()]
        return "\n".join(lines)

    def _counts(self, trial: TrialStatus) -> TrialFlow:
        return TrialFlow(
            reader=trial.reader,
            trial=trial.trial,
            assigned=trial.n_assigned,
            opened=trial.n_opened,
            submitted=trial.n_submitted,
            declined=trial.n_declined,
            corrected=trial.n_corrected,
            analysed=self.analysed(trial),
            signed_at=trial.signed_at,
        )

    def _interval_days(self, reader: Reader) -> float | None:
        return interval_days(self.status, reader.name)


def read_flow(study: Study, connection: Connection) -> Flow:
    """Count the readings of a study."""
    status = read_status(study, connection)
    intervals = [
        days
        for reader in status.readers
        if (days := interval_days(status, reader.name)) is not None
    ]
    deviations = find_deviations(connection)
    return Flow(status, deviations, grras_items(study.protocol, status, intervals))


def interval_days(status: StudyStatus, reader: str) -> float | None:
    """Give the days between the end of a reader's first trial and of the last."""
    signed = [trial.signed_at for trial in status.of(reader)]
    if len(signed) < 2 or not all(signed):
        return None
    return seconds_between(min(signed), max(signed)) / 86400
