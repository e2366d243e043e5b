"""`magic-app monitor`: check the study, then serve the coordinator's desk."""

import os
from pathlib import Path

from app.configuration import require_free
from app.room import DATABASE, STUDY, open_room
from reader_study.errors import StudyError
from reader_study.store.coordinators import all_coordinators


def prepare(study: Path, port: int, database: str | None) -> str:
    """Open a study once, so that faults are told before a server runs.

    Returns:
        Where the coordinators find it.

    Raises:
        StudyError: If the study, its database or the port cannot be used, or nobody
            may sign in.
    """
    room = open_room(study, database)
    try:
        phase, protocol = room.state()
        with room.store.reading() as connection:
            active = [c.name for c in all_coordinators(connection) if c.active]
    finally:
        room.store.close()
    if not active:
        msg = (
            "A coordinator must be there to sign in, got none; add one with "
            "magic-study coordinator add"
        )
        raise StudyError(msg)
    require_free(port)
    return (
        f"{protocol.title}\n"
        f"The study is {phase}. {', '.join(active)} may sign in at "
        f"http://127.0.0.1:{port}"
    )


def run(study: Path, port: int, database: str | None) -> None:
    """Serve the coordinator's desk until stopped."""
    os.environ[STUDY] = str(study.resolve())
    os.environ[DATABASE] = database or ""

    from app.coordinator.server import serve

    serve(port)
