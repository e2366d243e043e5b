"""The reading room: the study that this process serves, its store and its clock."""

import os
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from app.configuration import DATABASE, STUDY, StrPath, as_path
from reader_study.building.study import Study, open_study
from reader_study.clock import Clock, SystemClock
from reader_study.errors import StudyError
from reader_study.formats.protocol import Protocol
from reader_study.reading.reading_session import ReadingSession
from reader_study.running.study_store import open_study_store
from reader_study.store import milestones as store_milestones
from reader_study.store.store import Store

DEMONSTRATIONS: set[Path] = set()
"""Studies that this process has made for anybody to look around."""


@dataclass(frozen=True)
class Room:
    """What every screen needs."""

    study: Study
    store: Store
    clock: Clock

    @property
    def is_demonstration(self) -> bool:
        """Whether this process has made the study for anybody to look around."""
        return self.study.folder in DEMONSTRATIONS

    def session_of(self, reader: str) -> ReadingSession:
        """Return the way of a reader, who has been let in, through the study."""
        return ReadingSession(self.study, self.store, reader, clock=self.clock)

    def state(self) -> tuple[store_milestones.Phase, Protocol]:
        """Say how far the study has come, and return its protocol as amended."""
        with self.store.reading() as connection:
            milestones = store_milestones.find_milestones(connection)
        return store_milestones.phase_of(
            milestones
        ), store_milestones.effective_protocol(self.study.protocol, milestones)


def open_room(folder: StrPath, url: str | None = None) -> Room:
    """Open a study and its store.

    Raises:
        StudyError: If one of them cannot be used.
        TypeError: If `folder` is no path.
    """
    study, clock = open_study(as_path(folder, "folder")), SystemClock()
    store = open_study_store(study, url, clock=clock)
    for fault in study.damage():
        report(StudyError(fault))
    return Room(study, store, clock)


@cache
def served_room() -> Room:
    """Return the room that the environment names; opened once in a process.

    Raises:
        StudyError: If it cannot be opened.
    """
    return open_room(Path(os.environ[STUDY]), os.environ.get(DATABASE) or None)


def report(error: StudyError) -> None:
    """Tell the server's operator; a page shows no message that may hold a path."""
    sys.stderr.write(f"magic-app: {error}\n")
