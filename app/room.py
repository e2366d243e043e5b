"""The reading room: a study that this process serves, its store and its clock."""

import os
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from app.configuration import DATABASE, StrPath, as_path, served_folders
from reader_study.building.study import Study, open_study
from reader_study.clock import Clock, SystemClock
from reader_study.errors import StudyError
from reader_study.formats.protocol import Protocol
from reader_study.reading.reading_session import ReadingSession
from reader_study.running.study_store import note_program, open_study_store
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
def _served(folder: Path) -> Room:
    """Return the room of a study; opened once in a process."""
    room = open_room(folder, os.environ.get(DATABASE) or None)
    note_program(room.store, clock=room.clock)
    return room


def served_rooms() -> list[Room]:
    """Return the rooms of all studies that the environment names.

    One that cannot be opened keeps nobody from the others.

    Raises:
        StudyError: If none can be opened.
    """
    found, faults = [], []
    for folder in served_folders():
        try:
            found.append(_served(folder))
        except StudyError as error:
            faults.append(error)
    for fault in faults:
        if not found:
            raise fault
        report(fault)
    return found


def served_room() -> Room:
    """Return the room of a process that serves one study.

    Raises:
        StudyError: If it cannot be opened, or several are served.
    """
    n = len(served_folders())
    if n > 1:
        msg = f"One study must be served for this, got {n}"
        raise StudyError(msg)
    return served_rooms()[0]


def forget_rooms() -> None:
    """Open the rooms anew when they are asked for again."""
    _served.cache_clear()


def report(error: StudyError) -> None:
    """Tell the server's operator; a page shows no message that may hold a path."""
    sys.stderr.write(f"magic-app: {error}\n")
