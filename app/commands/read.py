"""`magic-app read`: check the study, then serve it."""

import os
import socket
from pathlib import Path

from app.room import DATABASE, STUDY, open_room
from reader_study.errors import StudyError


def prepare(folder: Path, port: int, database: str | None) -> str:
    """Open a study once, so that faults are told before a server runs.

    Returns:
        Where readers find it.

    Raises:
        StudyError: If the study, its database or the port cannot be used.
    """
    room = open_room(folder, database)
    phase, protocol = room.state()
    room.store.close()
    _require_free(port)
    return (
        f"{protocol.title}\n"
        f"The study is {phase}. Readers find it at http://127.0.0.1:{port}"
    )


def prepare_demo(folder: Path, port: int) -> str:
    """Make a demonstration unless it is there, and give a code to enter it.

    Raises:
        StudyError: If the folder cannot be used.
    """
    from app.demo import READER, make_demo, new_code

    study = folder / "STUDY"
    if not study.exists():
        make_demo(folder)
    text = prepare(study, port, None)
    return f"{text}\nDrawn pictures, no patients. Name {READER}, code {new_code(study)}"


def run(folder: Path, port: int, database: str | None) -> None:
    """Serve a study until stopped."""
    os.environ[STUDY] = str(folder.resolve())
    os.environ[DATABASE] = database or ""

    from app.server import serve

    serve(port)


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            msg = f"Port {port} must be free, got {error.strerror}"
            raise StudyError(msg) from error
