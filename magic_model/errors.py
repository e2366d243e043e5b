"""The error that a user can mend, and the words that messages are made of."""

from os import PathLike
from pathlib import Path

EXTRAS = {
    "highdicom": "dicom",
    "onnxruntime": "onnx",
    "onnxscript": "onnx",
    "pydicom": "dicom",
    "safetensors": "model",
    "tensorboard": "tensorboard",
    "torch": "model",
}
"""Which extra brings a package that may be missing."""


class DataError(ValueError):
    """A file, a patient's data or an option cannot be used; the message says why."""


def missing_extra(error: ModuleNotFoundError) -> str | None:
    """Return a sentence that names the extra to install; None if none brings it."""
    name = (error.name or "").partition(".")[0]
    if name not in EXTRAS:
        return None
    return f"{name} is not installed; install magic-ctp[{EXTRAS[name]}]"


def as_path(value: object) -> Path:
    """Return a path, whichever way it was written.

    Raises:
        DataError: If the value is no path.
    """
    if isinstance(value, (str, PathLike)) and str(value) != "":
        return Path(value)
    msg = f"A path must be a str or Path that is not empty, got {value!r}"
    raise DataError(msg)


def pluralize(count: int, noun: str) -> str:
    """Say how many there are of something.

    Examples:
        >>> pluralize(1, "patient"), pluralize(20, "patient")
        ('1 patient', '20 patients')
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
