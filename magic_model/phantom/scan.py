"""A CT perfusion series of a phantom, and the maps measured from it."""

import gzip
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from magic_model.data.volume import FloatArray, Kind, Volume
from magic_model.perfusion.compute import Choices, compute_perfusion
from magic_model.perfusion.series import Series
from magic_model.phantom import kinetics
from magic_model.phantom.grid import PIXEL_MM
from magic_model.phantom.supply import Supply

AIR_HU = -1000.0
LIMITS_HU = (-1024.0, 3071.0)

_GRAIN_PIXELS = 0.6  # of the noise, in plane
_MARGIN = 20  # pixels around the brain: skull, scalp, air
_AT_A_TIME = 20_000
_DEGREES_PER_MM = 0.3


@dataclass(frozen=True)
class Scan:
    """How a series is taken.

    Attributes:
        step_s: From frame to frame.
        duration_s: Of the whole series; the bolus reaches the brain 5 s after its start.
        dose: Relative to that which gives noise of 2 HU in a voxel of .9 x .9 x 5 mm;
            half the dose gives the square root of 2 times the noise.
        motion_mm: Standard deviation of the head's place from frame to frame, in plane;
            it turns by .3 degrees for each mm, too.
    """

    step_s: float = 1.5
    duration_s: float = 60.0
    dose: float = 1.0
    motion_mm: float = 0.0

    def __post_init__(self) -> None:
        if not (self.step_s > 0 and self.dose > 0 and self.motion_mm >= 0):
            msg = f"Step and dose must be above 0 and motion 0 or more, got {self}"
            raise ValueError(msg)

    @property
    def times(self) -> NDArray[np.float64]:
        """Seconds of the frames after the first."""
        return np.arange(0, self.duration_s, self.step_s)

    @property
    def noise_hu(self) -> float:
        """Standard deviation in a voxel and frame."""
        return 2.0 / math.sqrt(self.dose)


def make_series(
    rest: Volume, supply: Supply, scan: Scan, rng: np.random.Generator
) -> Series:
    """Scan a head while the bolus passes.

    A voxel holds what its tissue, its large arteries and veins enhance by, beside the
    CT number at rest; noise is grained and CT numbers are whole.

    Args:
        rest: CT numbers without contrast and noise, on the grid of the maps.
        supply: Blood supply.
        scan: How it is scanned.
        rng: Source of chance, for noise and motion.

    Returns:
        The series on the grid of the maps, with air outside a box around the head.
    """
    box = _box(supply.brain)
    brain, still = supply.brain[box], rest.array[box]
    times = scan.times
    part = np.repeat(still[..., None], len(times), axis=3)
    part[brain] += _enhancement(supply, times)
    if scan.motion_mm:
        _move(part, scan, rng)
    inside = part > AIR_HU
    noise = graininess(part.shape, scan.noise_hu, rng)
    part += noise * inside
    frames = np.full((*rest.shape, len(times)), AIR_HU, np.float32)
    frames[box] = np.rint(np.clip(part, *LIMITS_HU))
    return Series(frames, rest.affine, times)


def measured_maps(series: Series, brain: Volume) -> dict[Kind, Volume]:
    """Return the maps that `magic-model perfusion` makes of a series.

    Args:
        series: HU over time.
        brain: Mask of the brain, on its grid.
    """
    box = _box(brain.array > 0)
    part = Series(np.ascontiguousarray(series.array[box]), series.affine, series.times)
    found = compute_perfusion(part, Choices(brain.array[box] > 0)).maps
    maps = {}
    for name, volume in found.items():
        array = np.zeros(brain.shape, np.float32)
        array[box] = volume.array
        maps[Kind(name.value)] = Volume(array, brain.affine, Kind(name.value))
    return maps


def write_series(series: Series, path: Path, frame_times: Path) -> None:
    """Write a series as 4D NIfTI of whole HU, and the seconds of its frames beside it.

    The bytes depend on the series alone.

    Raises:
        OSError: If a file cannot be written.
    """
    image: Any = nib.Nifti1Image(np.rint(series.array).astype(np.int16), series.affine)
    image.header.set_xyzt_units("mm", "sec")
    image.header["pixdim"][4] = float(np.median(np.diff(series.times)))
    path.write_bytes(gzip.compress(image.to_bytes(), compresslevel=1, mtime=0))
    text = " ".join(f"{second:g}" for second in series.times)
    frame_times.write_text(f"{text}\n", encoding="utf-8")


def graininess(
    shape: tuple[int, ...], sd: float, rng: np.random.Generator
) -> FloatArray:
    """Draw noise as a scanner's: a little alike from pixel to pixel of a slice."""
    noise = rng.standard_normal(shape, dtype=np.float32)
    for axis in (0, 1):
        noise = ndimage.gaussian_filter1d(noise, _GRAIN_PIXELS, axis=axis, mode="wrap")
    noise *= np.float32(sd) / noise.std()
    return noise


def _box(brain: NDArray[np.bool_]) -> tuple[slice, slice]:
    columns, rows = (np.flatnonzero(brain.any(axis=a)) for a in ((1, 2), (0, 2)))
    x, y = (
        slice(max(0, int(at[0]) - _MARGIN), min(size, int(at[-1]) + _MARGIN + 1))
        for at, size in zip((columns, rows), brain.shape[:2], strict=True)
    )
    return x, y


def _enhancement(supply: Supply, times: NDArray[np.float64]) -> FloatArray:
    """Return HU above those at rest, `(voxels, frames)`."""
    return np.concatenate(list(_enhancements(supply, times)))


def _enhancements(supply: Supply, times: NDArray[np.float64]) -> Iterator[FloatArray]:
    flow, vein = supply.tissue, kinetics.venous(times).astype(np.float32)
    k = (flow.cbf * kinetics.HU_PER_FLOW)[:, None]
    mtt = np.divide(60 * flow.cbv, flow.cbf, where=flow.cbf > 0, out=flow.cbv + 4)
    for start in range(0, len(mtt), _AT_A_TIME):
        some = slice(start, start + _AT_A_TIME)
        hu = k[some] * kinetics.tissue_curves(times, mtt[some], flow.delay_s[some])
        hu += supply.veins[some, None] * vein
        arteries = supply.arteries[some]
        filled = arteries > 0
        late = supply.arteries_delay_s[some][filled]
        hu[filled] += arteries[filled, None] * kinetics.late_arterial(times, late)
        yield hu.astype(np.float32)


def _move(part: FloatArray, scan: Scan, rng: np.random.Generator) -> None:
    """Shift and turn each frame but the first, in plane."""
    middle = (np.array(part.shape[:2]) - 1) / 2
    for frame in range(1, part.shape[3]):
        shift = rng.normal(0, scan.motion_mm, 2) / PIXEL_MM
        angle = math.radians(rng.normal(0, scan.motion_mm * _DEGREES_PER_MM))
        turn = np.array(
            [
                [math.cos(angle), -math.sin(angle)],
                [math.sin(angle), math.cos(angle)],
            ]
        )
        offset = middle - turn @ middle - shift
        for z in range(part.shape[2]):
            part[..., z, frame] = ndimage.affine_transform(
                part[..., z, frame], turn, offset, order=1, cval=AIR_HU
            )
