"""Read a CT perfusion series: HU over time, with the times of its frames."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from magic_model.data.nifti import UNREADABLE, read_nifti
from magic_model.data.volume import Affine, FloatArray, Kind, Volume
from magic_model.errors import DataError, pluralize
from magic_model.perfusion.denoising import Array, Mask

LEAST_FRAMES = 10
_LEAST_S, _MOST_S = 10.0, 600.0
_LARGEST_GAP_S = 15.0
_SECONDS = {"sec": 1.0, "msec": 1e-3, "usec": 1e-6}
_AFFINE_MM = 1e-2


@dataclass(frozen=True, eq=False)
class Series:
    """A series on its own grid.

    Once constructed its values are finite, its times increase and span what a bolus
    takes.

    Attributes:
        array: `(x, y, z, frames)` in HU; indices as in the file.
        affine: `(4, 4)` from indices to mm in RAS+.
        times: Of the frames, in seconds.
        notes: What was assumed.

    Raises:
        DataError: If it is no series from which maps can be made.
    """

    array: FloatArray
    affine: Affine
    times: Array
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.array.ndim != 4:
            size = " x ".join(map(str, self.array.shape))
            msg = f"A CT perfusion series must have four axes, got {size} voxels"
            raise DataError(msg)
        frames = self.array.shape[3]
        if frames < LEAST_FRAMES:
            msg = (
                f"A series must have {LEAST_FRAMES} frames or more, got "
                f"{pluralize(frames, 'frame')}"
            )
            raise DataError(msg)
        _require_times(self.times, frames)
        bad = [i for i in range(frames) if not np.isfinite(self.array[..., i]).all()]
        if bad:
            first = f"{len(bad)} of {frames} frames, first frame {bad[0]} (from 0)"
            msg = (
                f"All values of a series must be finite, got NaN or infinity in {first}"
            )
            raise DataError(msg)

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Distance between voxels along each axis, in mm."""
        return self.mean(1).spacing

    def mean(self, frames: int) -> Volume:
        """Return the mean of the first frames: an NCCT with less noise."""
        mean = self.array[..., :frames].mean(axis=-1, dtype=np.float64)
        return Volume(mean, self.affine, Kind.NCCT)


def read_series(path: Path, frame_times: Path | None = None) -> Series:
    """Read a 4D NIfTI file in HU.

    Args:
        path: The file.
        frame_times: Text file of seconds, separated by white space; else the distance
            of frames that the file states.

    Raises:
        DataError: If the file cannot be read or is no series.
    """
    try:
        image: Any = nib.load(path)
        if len(image.shape) != 4 or image.shape[3] < 2:
            size = " x ".join(map(str, image.shape))
            msg = f"{path}: must be a 4D series over time, got one volume of {size}"
            raise DataError(msg)
        array = np.asarray(image.dataobj, dtype=np.float32)
    except FileNotFoundError as error:
        msg = f"{path}: no such file"
        raise DataError(msg) from error
    except DataError:
        raise
    except UNREADABLE as error:
        msg = f"{path}: not a readable NIfTI image ({error})"
        raise DataError(msg) from error
    notes: tuple[str, ...] = ()
    if frame_times is None:
        times, notes = _stated_times(image, path)
    else:
        times = _read_times(frame_times)
    try:
        return Series(array, np.asarray(image.affine, np.float64), times, notes)
    except DataError as error:
        msg = f"{path}: {error}"
        raise DataError(msg) from error


def read_mask(path: Path, series: Series) -> Mask:
    """Read a mask of the brain on the grid of a series.

    Raises:
        DataError: If it cannot be read, lies elsewhere or is empty.
    """
    volume = read_nifti(path, Kind.BRAIN_MASK).require_finite()
    shape = series.array.shape[:3]
    if volume.shape != shape:
        sizes = [" x ".join(map(str, size)) for size in (shape, volume.shape)]
        msg = f"{path}: must have the series' {sizes[0]} voxels, got {sizes[1]}"
        raise DataError(msg)
    apart = float(np.abs(volume.affine - series.affine).max())
    if apart > _AFFINE_MM:
        msg = (
            f"{path}: must lie where the series lies, got affines {apart:.3g} mm apart"
        )
        raise DataError(msg)
    mask = np.asarray(volume.array > 0.5)
    if not mask.any():
        msg = f"{path}: a mask of the brain must have voxels, got none"
        raise DataError(msg)
    return mask


def _require_times(times: Array, frames: int) -> None:
    if len(times) != frames:
        msg = f"Frame times must be one for each of {frames} frames, got {len(times)}"
        raise DataError(msg)
    steps = np.diff(times)
    if not np.isfinite(times).all() or (steps <= 0).any():
        msg = "Frame times must be finite and increase, got times that do not"
        raise DataError(msg)
    span = float(times[-1] - times[0])
    if not _LEAST_S <= span <= _MOST_S:
        msg = (
            f"Frame times must span {_LEAST_S:.0f} to {_MOST_S:.0f} seconds, got "
            f"{span:g} (are they in seconds?)"
        )
        raise DataError(msg)
    # A table may pause late, not while the bolus passes.
    widest = float(steps[: max(1, 2 * len(steps) // 3)].max())
    if widest > _LARGEST_GAP_S:
        msg = (
            f"Frames must follow within {_LARGEST_GAP_S:.0f} s while the bolus passes, "
            f"got a gap of {widest:g} s"
        )
        raise DataError(msg)


def _stated_times(image: Any, path: Path) -> tuple[Array, tuple[str, ...]]:  # noqa: ANN401 - nibabel
    """Return even times as the header states them, and what was assumed."""
    step = float(image.header.get_zooms()[3])
    unit = image.header.get_xyzt_units()[1]
    if not np.isfinite(step) or step <= 0:
        msg = (
            f"{path}: states no distance of frames (got {step:g}); give their times "
            "with --frame-times"
        )
        raise DataError(msg)
    if unit in _SECONDS:
        return np.arange(image.shape[3]) * step * _SECONDS[unit], ()
    note = f"the file states no unit of time; {step:g} was taken as seconds"
    return np.arange(image.shape[3]) * step, (note,)


def _read_times(path: Path) -> Array:
    try:
        words = path.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})"
        raise DataError(msg) from error
    for word in words:
        if not re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", word):
            msg = (
                f"{path}: must hold seconds separated by white space, got {word[:40]!r}"
            )
            raise DataError(msg)
    return np.array([float(word) for word in words])
