"""The error that a user can mend, and the words that messages are made of."""

from enum import StrEnum
from operator import index
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, SupportsIndex

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

EXTRAS = {
    "botocore": "s3",
    "dask": "dask",
    "dicomweb_client": "dicomweb",
    "distributed": "dask",
    "highdicom": "dicom",
    "onnxruntime": "onnx",
    "onnxscript": "onnx",
    "pydicom": "dicom",
    "requests": "dicomweb",
    "retrying": "dicomweb",
    "s3fs": "s3",
    "safetensors": "model",
    "tensorboard": "tensorboard",
    "torch": "model",
}
"""Which extra brings a package that may be missing."""


class DataError(ValueError):
    """A file, a patient's data or an option cannot be used; the message says why."""


class SeverityUnknownError(DataError):
    """Maps do not tell core and tissue at risk; the message says why."""


def missing_extra(error: ModuleNotFoundError) -> str | None:
    """Return a sentence that names the extra to install; None if none brings it."""
    name = (error.name or "").partition(".")[0]
    if name not in EXTRAS:
        return None
    return f"{name} is not installed; install magic-ctp[{EXTRAS[name]}]"


def is_a(value: object, kind: type) -> bool:
    """Return whether a value from outside is what its annotation says."""
    return isinstance(value, kind)


def as_path(value: object) -> Path:
    """Return a path, whichever way it was written.

    Raises:
        DataError: If the value is no path.
    """
    if isinstance(value, (str, PathLike)) and str(value) != "":
        return Path(value)
    msg = f"A path must be a str or Path that is not empty, got {value!r}"
    raise DataError(msg)


def as_numbers(value: "ArrayLike", what: str) -> "NDArray[np.float64]":
    """Return numbers in double precision.

    Raises:
        DataError: If the value is anything else.
    """
    import numpy as np

    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        msg = f"{what} must be numbers, got {type(value).__name__} ({error})"
        raise DataError(msg) from error


def require_whole(value: object, what: str, least: int = 0) -> int:
    """Return a whole number.

    Raises:
        DataError: If it is no whole number or less than `least`.
    """
    if isinstance(value, SupportsIndex) and not isinstance(value, bool):
        number = index(value)
        if number >= least:
            return number
    msg = f"{what} must be a whole number of {least} or more, got {value!r}"
    raise DataError(msg)


class Named(StrEnum):
    """Members known by their values; another value is refused with all of them.

    Raises:
        ValueError: If a member is asked for by a value that none has.
    """

    @classmethod
    def _missing_(cls, value: object) -> NoReturn:
        known = ", ".join(cls)
        msg = f"{cls.__name__} must be one of {known}, got {value!r}"
        raise ValueError(msg)


def pluralize(count: int, noun: str) -> str:
    """Say how many there are of something.

    Examples:
        >>> pluralize(1, "patient"), pluralize(20, "patient")
        ('1 patient', '20 patients')
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
