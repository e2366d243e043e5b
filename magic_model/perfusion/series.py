"""Read a CT perfusion series: HU over time, with the times of its frames."""

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np

from magic_model.data.ncct_values import require_hounsfield
from magic_model.data.nifti import UNREADABLE, read_nifti
from magic_model.data.volume import Affine, FloatArray, Kind, Volume
from magic_model.errors import DataError, pluralize
from magic_model.perfusion import vessels
from magic_model.perfusion.denoising import Array, Mask

if TYPE_CHECKING:
    from magic_model.data.dicom.dynamic import Dynamic
    from magic_model.perfusion.stored import StoredSeries

LEAST_FRAMES = 10
_LEAST_S, _MOST_S = 10.0, 600.0
_LARGEST_GAP_S = 15.0
_SECONDS = {"sec": 1.0, "msec": 1e-3, "usec": 1e-6}
_AFFINE_MM = 1e-2
_EVERY = 4  # voxels that are looked at where all frames are compared
_LOST_HU = 100.0
_MISSING = 1.7  # times the usual step


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
        # One layout and precision (that of NIfTI), so that maps do not depend on the
        # file that a series was read from.
        affine = np.asarray(self.affine, np.float32).astype(np.float64)
        object.__setattr__(self, "array", np.ascontiguousarray(self.array, np.float32))
        object.__setattr__(self, "affine", affine)
        bad = [i for i in range(frames) if not np.isfinite(self.array[..., i]).all()]
        if bad:
            first = f"{len(bad)} of {frames} frames, first frame {bad[0]} (from 0)"
            msg = (
                f"All values of a series must be finite, got NaN or infinity in {first}"
            )
            raise DataError(msg)

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along each axis, and frames."""
        return self.array.shape

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Distance between voxels along each axis, in mm."""
        return self.mean(1).spacing

    def mean(self, frames: int) -> Volume:
        """Return the mean of the first frames: an NCCT with less noise."""
        mean = self.array[..., :frames].mean(axis=-1, dtype=np.float64)
        return Volume(mean, self.affine, Kind.NCCT)


@dataclass(frozen=True, eq=False)
class Header:
    """What a NIfTI file says of the series in it, before its values are read.

    Attributes:
        image: As nibabel opens it.
        shape: Voxels along each axis, and frames.
        times: Of the frames, in seconds.
        notes: What was assumed.
    """

    image: Any
    shape: tuple[int, ...]
    times: Array
    notes: tuple[str, ...]


def read_header(
    path: Path, times: Array | None = None, usual_step_s: float | None = None
) -> Header:
    """Read the header of a 4D NIfTI file.

    Args:
        path: The file.
        times: Seconds of the frames; else what a JSON file beside it, or its header,
            states.
        usual_step_s: Taken, with a note, where neither states a distance of frames.

    Raises:
        DataError: If it cannot be read, is no series, or states no times.
    """
    try:
        image: Any = nib.load(path)
    except FileNotFoundError as error:
        msg = f"{path}: no such file"
        raise DataError(msg) from error
    except UNREADABLE as error:
        msg = f"{path}: not a readable NIfTI image ({error})"
        raise DataError(msg) from error
    shape = _over_time(image.shape)
    if len(shape) != 4 or shape[3] < 2:
        size = " x ".join(map(str, image.shape))
        msg = f"{path}: must be a 4D series over time, got one volume of {size}"
        raise DataError(msg)
    notes: tuple[str, ...] = ()
    if times is None:
        times, notes = _stated_times(image, path, shape[3], usual_step_s)
    if not (image.header.get("qform_code", 0) or image.header.get("sform_code", 0)):
        notes = (*notes, "the file states no place in space (neither qform nor sform)")
    return Header(image, shape, times, notes)


def read_series(path: Path, frame_times: Path | None = None) -> Series:
    """Read a 4D NIfTI file in HU into memory.

    Args:
        path: The file.
        frame_times: Text file of seconds, separated by white space; else as
            `read_header`.

    Raises:
        DataError: If it cannot be read or is no series.
    """
    times = None if frame_times is None else read_times(frame_times)
    return read_values(read_header(path, times), path)


def read_values(header: Header, path: Path) -> Series:
    """Read the values of a NIfTI file whose header was read.

    Raises:
        DataError: If they cannot be read, or no maps can be made of them.
    """
    try:
        array = np.asarray(header.image.dataobj, dtype=np.float32)
    except UNREADABLE as error:
        msg = f"{path}: not a readable NIfTI image ({error})"
        raise DataError(msg) from error
    affine = np.asarray(header.image.affine, np.float64)
    return _checked(
        array.reshape(header.shape), affine, header.times, header.notes, path
    )


def from_dicom(found: "Dynamic", path: Path) -> Series:
    """Make a series of what was read from DICOM.

    Raises:
        DataError: Naming the path, if no maps can be made of it.
    """
    return _checked(found.array, found.affine, found.times, found.notes, path)


def read_mask(path: Path, series: "Series | StoredSeries") -> Mask:
    """Read a mask of the brain on the grid of a series.

    Raises:
        DataError: If it cannot be read, lies elsewhere or is empty.
    """
    volume = read_nifti(path, Kind.BRAIN_MASK).require_finite()
    shape = series.shape[:3]
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


def _over_time(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Leave out a fourth axis of length 1: the fifth is then that of time."""
    return (*shape[:3], shape[4]) if len(shape) == 5 and shape[3] == 1 else shape


def _checked(
    array: FloatArray,
    affine: Affine,
    times: Array,
    notes: tuple[str, ...],
    path: Path,
) -> Series:
    try:
        series = Series(array, affine, times, notes)
    except DataError as error:
        msg = f"{path}: {error}"
        raise DataError(msg) from error
    require_alike(series.array, str(path))
    require_in_hu(series.mean(2), str(path))
    vessel = series.array[..., :2].mean(axis=-1) < vessels.REST_HU[1]
    cut = int(np.count_nonzero(vessels.clipped(series.array) & vessel))
    said = doubts(series, cut, float(series.array.max()))
    return replace(series, notes=(*notes, *said))


def require_in_hu(rest: Volume, name: str) -> None:
    """Refuse values that are certainly no HU.

    Raises:
        DataError: Saying what they seem to be.
    """
    try:
        require_hounsfield(rest)
    except DataError as error:
        msg = f"{name}: {str(error).replace('ncct', 'a series', 1)}"
        raise DataError(msg) from error


def require_alike(array: FloatArray, name: str) -> None:
    """Refuse a frame that is empty or in another unit than those beside it.

    Raises:
        DataError: Naming the series and the frame.
    """
    some = array[::_EVERY, ::_EVERY]
    levels = some.mean(axis=(0, 1, 2), dtype=np.float64)
    typical = float(np.median(levels))
    # A bolus raises the mean of a head by some HU, a lost frame by hundreds.
    least = max(_LOST_HU, 8 * float(np.median(np.abs(levels - typical))))
    lost = np.flatnonzero(np.abs(levels - typical) > least)
    if lost.size:
        msg = (
            f"{name}: all frames must be of one scan in one unit, got a mean of "
            f"{levels[lost[0]]:.0f} in frame {lost[0]} (from 0), {typical:.0f} in "
            "others: a frame may be empty or missing; leave it out, with its time"
        )
        raise DataError(msg)


def doubts(series: Series, cut: int, top: float) -> list[str]:
    """Say what in a series makes its maps less certain.

    Args:
        series: In HU.
        cut: Voxels of vessels that are cut off at the highest value.
        top: That value.
    """
    said = []
    steps = np.diff(series.times)
    usual = float(np.median(steps))
    wide = np.flatnonzero(steps[: 2 * len(steps) // 3] > _MISSING * usual)
    if wide.size and float(np.median(np.abs(steps - usual))) <= 0.1 * usual:
        said.append(
            f"frames {wide[0]} and {wide[0] + 1} (from 0) lie {steps[wide[0]]:g} s "
            f"apart, others {usual:.3g} s: a frame may be missing there"
        )
    some = series.array[::_EVERY, ::_EVERY]
    same = [i for i in range(len(steps)) if (some[..., i] == some[..., i + 1]).all()]
    if same:
        said.append(f"frame {same[0] + 1} (from 0) repeats the one before it")
    if cut:
        said.append(
            f"the enhancement of {pluralize(cut, 'voxel')} is cut off at {top:.0f} HU, "
            "the highest value of the file (saturated vessels): they serve as no "
            "artery or vein"
        )
    return said


def _evenly(frames: int, step: float) -> Array:
    return np.arange(frames, dtype=np.float64) * step


def _stated_times(
    image: Any,  # noqa: ANN401 - nibabel
    path: Path,
    frames: int,
    usual_step_s: float | None,
) -> tuple[Array, tuple[str, ...]]:
    """Return times as a JSON file or the header states them, and what was assumed."""
    beside = path.with_name(
        path.name.removesuffix(".gz").removesuffix(".nii") + ".json"
    )
    stated = _times_beside(beside, frames) if beside.is_file() else None
    if stated is not None:
        return stated, (f"frame times are those of {beside.name}",)
    header = image.header
    step = float(header.get_zooms()[-1])
    unit = header.get_xyzt_units()[1]
    if not np.isfinite(step) or step <= 0:
        if usual_step_s is None:
            msg = (
                f"{path}: states no distance of frames (got {step:g}); give their "
                "times with --frame-times"
            )
            raise DataError(msg)
        note = f"the file states no distance of frames; {usual_step_s:g} s was assumed"
        return _evenly(frames, usual_step_s), (note,)
    if unit in _SECONDS:
        return _evenly(frames, step * _SECONDS[unit]), ()
    note = f"the file states no unit of time; {step:g} was taken as seconds"
    return _evenly(frames, step), (note,)


def _times_beside(path: Path, frames: int) -> Array | None:
    """Return what BIDS calls FrameTimesStart, VolumeTiming or RepetitionTime."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        for key in ("FrameTimesStart", "VolumeTiming"):
            if key in told:
                return np.array(told[key], np.float64).ravel()
        if "RepetitionTime" in told:
            return _evenly(frames, float(told["RepetitionTime"]))
    except (OSError, ValueError, TypeError) as error:
        msg = f"{path}: not a readable description of a series ({error})"
        raise DataError(msg) from error
    return None


def read_times(path: Path) -> Array:
    """Read seconds separated by white space.

    Raises:
        DataError: If the file cannot be read or holds anything else.
    """
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
