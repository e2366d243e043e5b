"""What the monitor knows of a study: counts, times and names, and nothing else.

Answers, explanations, reasons and notes do not get past this file: what a page cannot
hold it cannot show.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from app.coordinator.identity import require_coordinator
from app.room import Room
from reader_study.clock import to_text
from reader_study.reading.reader_state import (
    EARLY_START,
    ReaderState,
    find_reader_state,
)
from reader_study.running.lifecycle import missing_readers, unsigned_trials
from reader_study.running.status import StudyStatus, read_status
from reader_study.store.access import usable_codes
from reader_study.store.milestones import Phase, find_deviations


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
class Desk:
    """What a coordinator may know at one moment.

    Attributes:
        status: Counts and times of all readers.
        progress: Where each active reader stands.
        codes: By reader, until when each unused code may be used.
        deviations: What went otherwise than planned.
    """

    status: StudyStatus
    progress: Mapping[str, ReaderState]
    codes: Mapping[str, tuple[str, ...]]
    deviations: tuple[DeviationNote, ...]

    @property
    def early(self) -> frozenset[tuple[str, int]]:
        """Readers and trials that may begin before the washout is over."""
        found = (d for d in self.deviations if d.kind == EARLY_START)
        return frozenset((d.reader, d.trial) for d in found)

    @property
    def waits_for(self) -> list[str]:
        """Say what is missing before the study can be opened, or the data locked."""
        if self.status.phase is Phase.BUILT:
            return missing_readers(self.status)
        if self.status.phase is Phase.OPEN:
            return unsigned_trials(self.status)
        return []


def read_desk(room: Room) -> Desk:
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
        return Desk(
            status,
            {n: find_reader_state(room.study, connection, n, now) for n in active},
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
        )


def _expiries(connection: Connection, reader: str, now: str) -> tuple[str, ...]:
    return tuple(code.expires_at for code in usable_codes(connection, reader, now))
