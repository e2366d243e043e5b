"""Zipped studies: unpacked into a folder that goes when the program ends, or before."""

import shutil
import tempfile
import zipfile
import zlib
from pathlib import Path

from magic_model.errors import DataError
from magic_model.output import own_temporary_folder

_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
_Key = tuple[Path, int, int]
_OPEN: dict[_Key, tuple["tempfile.TemporaryDirectory[str]", Path]] = {}
"""What was unpacked, by archive, size and time; removed at exit at the latest."""


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
    key = path.resolve(), state.st_size, state.st_mtime_ns
    if key not in _OPEN:
        _OPEN[key] = _unpack(key[0])
    return _OPEN[key][1]


def release(place: Path) -> None:
    """Remove what was unpacked of an archive, or of all archives in a folder.

    Args:
        place: The archive or the folder.
    """
    outer = place.resolve()
    inner = [key for key in _OPEN if key[0].is_relative_to(outer)]
    for key in inner:
        holder, folder = _OPEN.pop(key)
        release(folder)  # archives in the archive
        holder.cleanup()


def _unpack(path: Path) -> tuple["tempfile.TemporaryDirectory[str]", Path]:
    holder = own_temporary_folder()
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
    return holder, folder


def _require_room(archive: zipfile.ZipFile, path: Path, place: Path) -> None:
    needed = sum(item.file_size for item in archive.infolist())
    free = shutil.disk_usage(place).free
    if needed > free:
        msg = (
            f"{path}: holds {needed / 1e9:.1f} GB, but {place.parent} has room for "
            f"{free / 1e9:.1f}; unpack it elsewhere, or set TMPDIR"
        )
        raise DataError(msg)
