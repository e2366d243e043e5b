"""Files: folders written whole or not at all, and the fingerprint of what is there."""

import hashlib
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from magic_model.errors import DataError

_PLACES = "magic-source"


def require_writable(folder: Path) -> Path:
    """Return a folder that can be written to; it need not be there, and is not made.

    Raises:
        DataError: If it cannot.
    """
    place = folder.absolute()
    try:
        while not place.exists():
            place = place.parent
        if not place.is_dir():
            msg = f"{folder}: cannot be written ({place} is no folder)"
            raise DataError(msg)
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        msg = f"{folder}: cannot be written ({error.strerror or error})"
        raise DataError(msg) from error
    return folder


@contextmanager
def complete_or_untouched(folder: Path) -> Iterator[Path]:
    """Yield a folder to write into; its files move to `folder` when all are there.

    If anything fails before, nothing of it is left behind. Files of the same name are
    replaced, others stay.

    Raises:
        DataError: If `folder` is a file, or cannot be made or written.
    """
    if folder.exists() and not folder.is_dir():
        msg = f"{folder} is a file; the output needs a folder"
        raise DataError(msg)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        msg = f"{folder} cannot be made ({error.strerror})"
        raise DataError(msg) from error
    try:
        yield staging
        folder.mkdir(exist_ok=True)
        for path in sorted(staging.iterdir()):
            path.replace(folder / path.name)
    except OSError as error:
        msg = f"{folder} cannot be written ({error.strerror})"
        raise DataError(msg) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def own_temporary_folder() -> "tempfile.TemporaryDirectory[str]":
    """Make a temporary folder that only this user can read.

    What a killed process of this machine left of such folders is removed.
    """
    _remove_of_killed()
    owner = f"{_PLACES}-{socket.gethostname()}-{os.getpid()}-"
    return tempfile.TemporaryDirectory(prefix=owner)


def file_digest(path: Path) -> str:
    """Return the sha256 of a file.

    Raises:
        DataError: If it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        msg = f"{path}: cannot be read ({error.strerror})"
        raise DataError(msg) from error


def _remove_of_killed() -> None:
    here = f"{_PLACES}-{socket.gethostname()}-"
    for place in Path(tempfile.gettempdir()).glob(f"{here}*"):
        number = place.name.removeprefix(here).partition("-")[0]
        if number.isdecimal() and not _is_running(int(number)):
            shutil.rmtree(place, ignore_errors=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True
