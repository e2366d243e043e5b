"""The reading room: the study that this process serves, its store and its clock."""

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from reader_study.building.study import Study, open_study
from reader_study.clock import Clock, SystemClock
from reader_study.formats.protocol import Protocol
from reader_study.reading.reader_state import ReaderState
from reader_study.reading.reading_session import ReadingSession
from reader_study.reading.training import TrainingSession
from reader_study.running.study_store import open_study_store
from reader_study.store.milestones import (
    Phase,
    effective_protocol,
    find_milestones,
    phase_of,
)
from reader_study.store.store import Store

STUDY = "READING_STUDY"
"""Environment variable: folder of the study."""

DATABASE = "READING_DATABASE"
"""Environment variable: URL of the database; empty for the study's own."""


@dataclass(frozen=True)
class Room:
    """What every screen needs."""

    study: Study
    store: Store
    clock: Clock

    def session_of(self, reader: str) -> ReadingSession:
        """Give the way of a reader, who has been let in, through the study."""
        return ReadingSession(self.study, self.store, reader, clock=self.clock)

    def training_of(self, reader: str) -> TrainingSession:
        """Give the way of a reader, who has been let in, through the training."""
        return TrainingSession(self.study, self.store, reader, self.clock)

    def state(self) -> tuple[Phase, Protocol]:
        """Say how far the study has come, and give its protocol as amended."""
        with self.store.reading() as connection:
            milestones = find_milestones(connection)
        return phase_of(milestones), effective_protocol(self.study.protocol, milestones)


@dataclass(frozen=True)
class Standing:
    """Where a reader stands in a study, as the store says now."""

    progress: ReaderState
    phase: Phase
    protocol: Protocol


def standing(room: Room, reader: str) -> Standing:
    """Ask the store where a reader stands.

    Raises:
        StudyError: If the reader takes no part, or the store cannot be read.
    """
    return Standing(room.session_of(reader).progress(), *room.state())


def open_room(folder: Path, url: str | None = None) -> Room:
    """Open a study and its store.

    Raises:
        StudyError: If one of them cannot be used.
    """
    study, clock = open_study(folder), SystemClock()
    return Room(study, open_study_store(study, url, clock=clock), clock)


@cache
def served_room() -> Room:
    """Give the room that the environment names; opened once in a process.

    Raises:
        StudyError: If it cannot be opened.
    """
    return open_room(Path(os.environ[STUDY]), os.environ.get(DATABASE) or None)
