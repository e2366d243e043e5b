"""DICOM files: tell, read, decode and write one."""

import os
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.uid import (
    JPEG2000,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    JPEGLSNearLossless,
)

from magic_model.errors import DataError

UNREADABLE = (
    AttributeError,
    BytesLengthException,
    EOFError,
    InvalidDicomError,
    KeyError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)
"""What pydicom and its decoders raise on files that break the standard."""

_DECODERS = {
    JPEGLSLossless: "pyjpegls",
    JPEGLSNearLossless: "pyjpegls",
    JPEG2000Lossless: "pylibjpeg",
    JPEG2000: "pylibjpeg",
}
"""Taken before GDCM, which ends the whole process on some damaged frames."""

_FIRST_GROUPS = (b"\x02\x00", b"\x08\x00")
"""Of the first element of a file without preamble: meta header or none."""

_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")


@contextmanager
def naming(name: Path | str) -> Iterator[None]:
    """Name the file when an element of it turns out damaged.

    Elements are decoded when they are first asked for, so a file that could be read may
    still fail later.

    Raises:
        DataError: In place of what pydicom raises.
    """
    try:
        yield
    except DataError:
        raise
    except UNREADABLE as error:
        msg = f"{name}: damaged header ({error})"
        raise DataError(msg) from error


def read_header(path: Path) -> Dataset:
    """Read a file without its pixels.

    Raises:
        DataError: If it is missing or not DICOM.
    """
    return _read(path, header_only=True)


def read_dataset(path: Path) -> Dataset:
    """Read a file that holds an image.

    Raises:
        DataError: If it is missing, not DICOM, truncated, or holds no pixels.
    """
    dataset = _read(path, header_only=False)
    if not any(keyword in dataset for keyword in _PIXELS):
        msg = f"{path}: has no pixels, it may be truncated or no image"
        raise DataError(msg)
    return dataset


def decode_frames(dataset: Dataset, path: Path) -> NDArray[np.number]:
    """Decode the stored values, `(frames, rows, columns)`, or `(..., 3)` for colour.

    Raises:
        DataError: If they are truncated or in a form that no decoder reads.
    """
    n_frames = int(dataset.get("NumberOfFrames", None) or 1)
    try:
        syntax = dataset.file_meta.TransferSyntaxUID
        dataset.pixel_array_options(decoding_plugin=_DECODERS.get(syntax, ""))
        pixels = np.asarray(dataset.pixel_array)
        shape = (n_frames, int(dataset.Rows), int(dataset.Columns))
        return pixels.reshape(*shape, *([3] if is_colour(dataset) else []))
    except UNREADABLE as error:
        msg = f"{path}: pixels cannot be decoded, is it truncated? ({error})"
        raise DataError(msg) from error


def is_colour(dataset: Dataset) -> bool:
    """Return whether a pixel has three samples."""
    return int(dataset.get("SamplesPerPixel", 1)) == 3


def require_grey(dataset: Dataset, path: Path) -> None:
    """Refuse colour, whose values are a picture and no measurement.

    Raises:
        DataError: Naming the file.
    """
    photometric = str(dataset.get("PhotometricInterpretation", "MONOCHROME2"))
    if is_colour(dataset) or not photometric.startswith("MONOCHROME"):
        msg = f"{path}: must be grey, got a colour picture ({photometric})"
        raise DataError(msg)


def write_dataset(dataset: Dataset, path: Path) -> None:
    """Write a file in one step: it is whole or not there.

    Raises:
        DataError: If it cannot be written.
    """
    staged = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        dataset.save_as(staged, enforce_file_format=True)
        staged.replace(path)
    except OSError as error:
        staged.unlink(missing_ok=True)
        msg = f"{path}: cannot be written ({error.strerror or error})"
        raise DataError(msg) from error


def is_dicom(path: Path) -> bool:
    """Tell from its content whether a file is DICOM.

    Files without the 128-byte preamble, as old archives hold them, count too: they
    start with an element of group 0002 or 0008 and name their object and series.
    """
    try:
        with path.open("rb") as file:
            start = file.read(132)
    except OSError:
        return False
    if start[128:] == b"DICM":
        return True
    if start[:2] not in _FIRST_GROUPS:
        return False
    try:
        dataset = read_header(path)
    except DataError:
        return False
    return "SOPInstanceUID" in dataset and "SeriesInstanceUID" in dataset


def _read(path: Path, *, header_only: bool) -> Dataset:
    try:
        with warnings.catch_warnings():
            # Also said of files cut short, which are refused for want of pixels.
            warnings.filterwarnings("ignore", category=UserWarning)
            dataset = pydicom.dcmread(
                path, stop_before_pixels=header_only, force=_lacks_preamble(path)
            )
            _name_syntax(dataset)
    except FileNotFoundError as error:
        msg = f"{path}: no such file"
        raise DataError(msg) from error
    except UNREADABLE as error:
        msg = f"{path}: not a readable DICOM file ({error})"
        raise DataError(msg) from error
    return dataset


def _lacks_preamble(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) in _FIRST_GROUPS


def _name_syntax(dataset: Dataset) -> None:
    """Name the transfer syntax of a file without meta header, as it was parsed.

    Pixels are then what the standard says of such files: not compressed.
    """
    if "TransferSyntaxUID" in dataset.file_meta:
        return
    is_implicit, is_little = dataset.original_encoding
    if is_implicit:
        syntax = ImplicitVRLittleEndian
    else:
        syntax = ExplicitVRLittleEndian if is_little else ExplicitVRBigEndian
    dataset.file_meta.TransferSyntaxUID = syntax
