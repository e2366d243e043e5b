"""A line in which writers of an SQLite file wait for their turn."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from sqlalchemy import Engine


@contextmanager
def wait_for_turn(engine: Engine) -> Iterator[None]:
    """Hold the turn while the block runs.

    BEGIN IMMEDIATE alone keeps the data right, but SQLite waits by trying again and
    again, so that some of many writers wait for seconds while others overtake them.
    The system's file lock wakes the next one at once. Where it cannot be had, SQLite's
    own waiting remains.
    """
    path = engine.url.database or ""
    with ExitStack() as stack:
        if engine.dialect.name == "sqlite" and not path.startswith("file:"):
            with suppress(OSError):
                _lock(stack.enter_context(Path(f"{path}-turn").open("ab")))
        yield


def _lock(file: IO[bytes]) -> None:
    if sys.platform != "win32":
        from fcntl import LOCK_EX, flock

        flock(file, LOCK_EX)
