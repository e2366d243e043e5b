"""Files: whether a folder can be written to, and the fingerprint of what is there."""

import hashlib
import tempfile
from pathlib import Path

from magic_model.errors import DataError


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
