"""Montages and cases.csv on disk."""

import csv
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO, StringIO
from pathlib import Path

from PIL import Image

from magic_model.colours import RgbArray
from magic_model.errors import DataError

FILE = "cases.csv"
FOLDER = "montages"

_COLUMNS = ("case", "severity", "reference_image", "test_image")


@dataclass(frozen=True)
class Case:
    """One row of cases.csv.

    Attributes:
        name: Study-local name of the patient.
        severity: Class, a value of `magic_model.severity.Severity`.
        reference_image: Montage of the measured maps, relative to the folder.
        test_image: Montage of the generated maps, relative to the folder.
    """

    name: str
    severity: str
    reference_image: Path
    test_image: Path


def encode_png(picture: RgbArray) -> bytes:
    """Encode `(height, width, 3)` without loss; the bytes depend on nothing else.

    No text, time or other metadata is in them.
    """
    out = BytesIO()
    Image.fromarray(picture).save(out, format="png")
    return out.getvalue()


def write_picture(folder: Path, name: str, picture: RgbArray) -> Path:
    """Write a montage in one step.

    Args:
        folder: Where cases.csv will be.
        name: File name without suffix.
        picture: `(height, width, 3)`.

    Returns:
        Its path, relative to the folder.

    Raises:
        DataError: If it cannot be written.
    """
    path = Path(FOLDER) / f"{name}.png"
    _write(folder / path, encode_png(picture))
    return path


def write_cases(folder: Path, cases: Sequence[Case]) -> None:
    """Write cases.csv in one step; the montages must be there already.

    Raises:
        DataError: If it cannot be written.
    """
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for case in cases:
        images = (case.reference_image.as_posix(), case.test_image.as_posix())
        writer.writerow([case.name, case.severity, *images])
    _write(folder / FILE, text.getvalue().encode())


def discard_cases(folder: Path) -> None:
    """Remove cases.csv of an earlier run: it must not name montages of two runs.

    Raises:
        DataError: If it cannot be removed.
    """
    try:
        (folder / FILE).unlink(missing_ok=True)
    except OSError as error:
        msg = f"{folder / FILE}: cannot be replaced ({error.strerror or error})"
        raise DataError(msg) from error


def _write(path: Path, content: bytes) -> None:
    staged = path.with_name(f".{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        staged.write_bytes(content)
        staged.replace(path)
    except OSError as error:
        with suppress(OSError):
            staged.unlink(missing_ok=True)
        msg = f"{path}: cannot be written ({error.strerror or error})"
        raise DataError(msg) from error
