"""Zipped studies: unpacked into a folder that goes when the program ends."""

import shutil
import tempfile
import zipfile
import zlib
from functools import cache
from pathlib import Path

from magic_model.errors import DataError

_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
_OPEN: list["tempfile.TemporaryDirectory[str]"] = []
"""Kept from being collected, and removed at exit."""


def is_zip(path: Path) -> bool:
    """Tell a ZIP archive from its content."""
    return path.is_file() and zipfile.is_zipfile(path)


def unpacked(path: Path) -> Path:
    """Unpack a ZIP archive.

    Returns:
        A folder of the archive's name, outside the data; removed when the program ends.

    Raises:
        DataError: If it is damaged, encrypted or larger than the room on the disk.
    """
    try:
        state = path.stat()
    except OSError as error:
        msg = f"{path}: {error.strerror}"
        raise DataError(msg) from error
    return _unpack(path.resolve(), state.st_size, state.st_mtime_ns)


@cache
def _unpack(path: Path, _size: int, _modified: int) -> Path:
    holder = tempfile.TemporaryDirectory(prefix="magic-ctp-")
    folder = Path(holder.name) / path.name
    try:
        with zipfile.ZipFile(path) as archive:
            _require_room(archive, path, Path(holder.name))
            folder.mkdir()
            archive.extractall(folder)
    except _BROKEN as error:
        holder.cleanup()
        msg = f"{path}: must be a whole ZIP archive without password ({error})"
        raise DataError(msg) from error
    except OSError as error:
        holder.cleanup()
        msg = f"{path}: cannot be unpacked into {folder} ({error.strerror or error})"
        raise DataError(msg) from error
    _OPEN.append(holder)
    return folder


def _require_room(archive: zipfile.ZipFile, path: Path, place: Path) -> None:
    needed = sum(item.file_size for item in archive.infolist())
    free = shutil.disk_usage(place).free
    if needed > free:
        msg = (
            f"{path}: holds {needed / 1e9:.1f} GB, but {place.parent} has room for "
            f"{free / 1e9:.1f}; unpack it elsewhere, or set TMPDIR"
        )
        raise DataError(msg)
