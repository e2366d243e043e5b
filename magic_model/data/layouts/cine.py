"""A perfusion series taken apart into frames, and its frames before the contrast."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from magic_model.data.layouts.bolus import pre_contrast_frames
from magic_model.data.layouts.series import read_series
from magic_model.data.volume import FloatArray, Kind, Volume
from magic_model.errors import DataError

_GE_CINE_TIME = (0x0019, 0x1024)
_SOFT_TISSUE = (0.0, 100.0)  # HU

Frame = list[Path]
"""Files of one moment, one per slice."""


def time_frames(paths: Sequence[Path]) -> list[Frame]:
    """Group the files of a series by moment.

    Files at one height (`ImagePositionPatient[2]`) are put in order of time. GE cine
    series tell it in a private field, (0019,1024), while their AcquisitionTime is the
    same for all; where that is missing, InstanceNumber gives the order.

    Raises:
        DataError: If a file is no DICOM image or heights differ in their frames.
    """
    at_height: dict[float, list[tuple[float, int, Path]]] = defaultdict(list)
    for path in paths:
        height, time, number = _place(path)
        at_height[height].append((time, number, path))
    counts = {height: len(files) for height, files in at_height.items()}
    if len(set(counts.values())) > 1:
        msg = (
            f"each height must have as many frames, got {dict(sorted(counts.items()))}"
        )
        raise DataError(msg)
    columns = [[path for *_, path in sorted(files)] for files in at_height.values()]
    return [list(frame) for frame in zip(*columns, strict=True)]


def mean_before_contrast(frames: Sequence[Frame]) -> Volume:
    """Average the frames before the bolus arrives.

    Arrival is judged by `pre_contrast_frames` from the mean over soft tissue, that is
    voxels of 0 to 100 HU in the first frame. Frames are read one at a time.

    Raises:
        DataError: If a frame cannot be read, their grids differ, or no bolus is seen.
    """
    first = read_series(frames[0], Kind.NCCT)
    low, high = _SOFT_TISSUE
    tissue = (first.array > low) & (first.array < high)
    if not tissue.any():
        msg = f"the first frame must show soft tissue, {low:g} to {high:g} HU"
        raise DataError(msg)
    curve = [float(_array(f, first)[tissue].mean(dtype=np.float64)) for f in frames]
    kept = frames[: pre_contrast_frames(curve)]
    total = np.zeros(first.shape, dtype=np.float64)
    for frame in kept:
        total += _array(frame, first)
    return first.with_array(total / len(kept))


def _place(path: Path) -> tuple[float, float, int]:
    """Height in mm, time in GE's own unit and number of a file."""
    from magic_model.data.dicom.datasets import read_header

    header = read_header(path)
    try:
        height = round(float(header.ImagePositionPatient[2]), 2)
        time = header[_GE_CINE_TIME].value if _GE_CINE_TIME in header else 0
        number = header.get("InstanceNumber", None) or 0
        return height, float(time), int(number)
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        msg = f"{path}: must tell its position and time ({error})"
        raise DataError(msg) from error


def _array(frame: Frame, first: Volume) -> FloatArray:
    volume = read_series(frame, Kind.NCCT)
    if volume.shape != first.shape or not np.allclose(volume.affine, first.affine):
        msg = f"{frame[0]}: all frames must lie on one grid"
        raise DataError(msg)
    return volume.array
