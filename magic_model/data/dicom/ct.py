"""Read a CT series in Hounsfield units."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from magic_model.data.dicom.frames import Frame, read_frames, stack_frames
from magic_model.data.straight import AIR
from magic_model.data.volume import FloatArray, Kind, Volume
from magic_model.errors import DataError

_TRANSFORMATION = "PixelValueTransformationSequence"
_IN_HU = ("", "HU", "US")  # DICOM PS3.3 C.11.1.1.2; US: unspecified, so CT's default


def read_ct_series(paths: Sequence[Path], *, joined: bool = False) -> Volume:
    """Read the slices of one CT series, classic or enhanced.

    Args:
        paths: Its files in any order; transfer syntaxes may be compressed.
        joined: The files may be of several series that are parts of one head.

    Returns:
        Volume in HU; the third axis runs along the normal of the slices, upwards for
        axial ones.

    Raises:
        DataError: Naming the file, if one is no CT, truncated, a localizer, colour or
            without rescale; or if they make no even, straight stack (see
            `stack_planes`).
    """
    frames = read_frames(paths, require_ct, several_series=joined)
    return stack_frames(frames, hounsfield, Kind.NCCT)


def require_ct(dataset: Dataset, path: Path) -> None:
    """Refuse what is no slice of a CT.

    Raises:
        DataError: Naming the file.
    """
    modality = str(dataset.get("Modality", None) or "")
    if modality != "CT":
        msg = f"{path}: modality must be CT, got {modality!r}"
        raise DataError(msg)
    if "LOCALIZER" in (dataset.get("ImageType", None) or ()):
        msg = f"{path}: is a localizer, no slice"
        raise DataError(msg)


def hounsfield(frame: Frame) -> FloatArray:
    """Convert stored values to HU, `(rows, columns)`; padding becomes air.

    Raises:
        DataError: If the file does not tell how.
    """
    (slope,) = frame.required("RescaleSlope", _TRANSFORMATION, 1)
    (intercept,) = frame.required("RescaleIntercept", _TRANSFORMATION, 1)
    unit = frame.text("RescaleType", _TRANSFORMATION).upper()
    if unit not in _IN_HU:
        msg = f"{frame.name}: RescaleType must be HU, got {unit}"
        raise DataError(msg)
    values = frame.stored.astype(np.float64) * slope + intercept
    return np.where(frame.is_padding(), AIR, values).astype(np.float32)
