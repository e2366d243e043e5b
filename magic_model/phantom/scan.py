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

from magic_model.data.volume import Affine, FloatArray, Kind, Volume
from magic_model.maps import PerfusionMap
from magic_model.perfusion.compute import Choices, Perfusion, compute_perfusion
from magic_model.perfusion.series import Series
from magic_model.phantom import kinetics
from magic_model.phantom.grid import PIXEL_MM
from magic_model.phantom.supply import Supply

AIR_HU = -1000.0
LIMITS_HU = (-1024.0, 3071.0)

_GRAIN_PIXELS = 0.4  # of the noise, in plane
_AT_A_TIME = 20_000
_DEGREES_PER_MM = 0.3


@dataclass(frozen=True)
class Scan:
    """How a series is taken.

    Attributes:
        step_s: From frame to frame.
        duration_s: Of the series; the bolus reaches the brain 4 s after its start.
        dose: Relative to that which gives noise of 2 HU in a voxel of 1.8 x 1.8 x 5 mm;
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

    A pixel holds what its tissue, its large arteries and veins enhance by, beside the
    CT number at rest. Pixels are then averaged by two and two in plane, to 1.8 mm, as
    programs do before they compute maps; noise is a little alike from pixel to pixel,
    and CT numbers are whole.

    Args:
        rest: CT numbers without contrast and noise, on the grid of the maps.
        supply: Blood supply.
        scan: How it is scanned.
        rng: Source of chance, for noise and motion.
    """
    times = scan.times
    frames = np.repeat(halved(rest.array)[..., None], len(times), axis=3)
    box = _box(supply.brain)
    enhanced = np.zeros((*supply.brain[box].shape, len(times)), np.float32)
    enhanced[supply.brain[box]] = _enhancement(supply, times)
    frames[tuple(slice(s.start // 2, s.stop // 2) for s in box)] += halved(enhanced)
    if scan.motion_mm:
        _move(frames, scan, rng)
    noise = graininess(frames.shape, scan.noise_hu, rng, _GRAIN_PIXELS)
    frames += noise * (frames > AIR_HU)
    hu = np.rint(np.clip(frames, *LIMITS_HU))
    return Series(hu, _halved_affine(rest.affine), times)


def brain_of_series(brain: Volume) -> Volume:
    """Return a mask on the grid of a series: pixels that are brain by half or more."""
    share = halved((brain.array > 0).astype(np.float32))
    return Volume(share >= 0.5, _halved_affine(brain.affine), Kind.BRAIN_MASK)


def measured_maps(series: Series, brain: Volume) -> dict[Kind, Volume]:
    """Return the maps that `magic-model perfusion` makes of a series, on a finer grid.

    Args:
        series: HU over time, of `make_series`.
        brain: Mask of the brain on the grid of the maps.
    """
    choices = Choices(brain_of_series(brain).array > 0)
    found = interpolated(compute_perfusion(series, choices), brain)
    return {Kind(name.value): volume for name, volume in found.items()}


def interpolated(found: Perfusion, brain: Volume) -> dict[PerfusionMap, Volume]:
    """Return maps on a grid of twice as many pixels along each axis of a slice.

    They are interpolated linearly among the voxels that were computed, all but MTT,
    which is 60 CBV / CBF of the result; 0 outside the brain.

    Args:
        found: Maps on the grid of the series.
        brain: Mask of the brain on the finer grid.
    """
    inside = brain.array > 0
    weight = _doubled(found.brain.astype(np.float32))
    known = inside & (weight > 0)
    arrays = {}
    for name in PerfusionMap:
        fine = _doubled(found.maps[name].array * found.brain)
        arrays[name] = np.divide(fine, weight, where=known, out=np.zeros_like(fine))
    cbf, cbv = arrays[PerfusionMap.CBF], arrays[PerfusionMap.CBV]
    arrays[PerfusionMap.MTT] = np.divide(
        60 * cbv, cbf, where=cbf > 0, out=np.zeros_like(cbf)
    )
    return {
        name: Volume(array, brain.affine, Kind(name.value))
        for name, array in arrays.items()
    }


def halved(image: FloatArray) -> FloatArray:
    """Average pixels of a plane by two and two; their number is even."""
    x, y = image.shape[:2]
    blocks = image.reshape(x // 2, 2, y // 2, 2, *image.shape[2:])
    return np.asarray(blocks.mean(axis=(1, 3)), np.float32)


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
    shape: tuple[int, ...], sd: float, rng: np.random.Generator, pixels: float
) -> FloatArray:
    """Draw noise as a scanner's: a little alike from pixel to pixel of a slice.

    Args:
        shape: `(x, y, ...)`.
        sd: Its standard deviation.
        rng: Source of chance.
        pixels: Standard deviation of the grain.
    """
    noise = rng.standard_normal(shape, dtype=np.float32)
    for axis in (0, 1):
        noise = ndimage.gaussian_filter1d(noise, pixels, axis=axis, mode="wrap")
    noise *= np.float32(sd) / noise.std()
    return noise


def _halved_affine(affine: Affine) -> Affine:
    """Move the first voxel to the middle of the four that it stands for."""
    coarse = affine.copy()
    coarse[:3, :2] *= 2
    coarse[:3, 3] += affine[:3, :2].sum(axis=1) / 2
    return coarse


def _doubled(image: FloatArray) -> FloatArray:
    """Interpolate linearly in plane, as many pixels again along each axis."""
    for axis in (0, 1):
        rows = np.moveaxis(image, axis, 0)
        before = np.concatenate([rows[:1], rows[:-1]])
        after = np.concatenate([rows[1:], rows[-1:]])
        fine = np.empty((2 * len(rows), *rows.shape[1:]), np.float32)
        fine[0::2], fine[1::2] = 0.75 * rows + 0.25 * before, 0.75 * rows + 0.25 * after
        image = np.moveaxis(fine, 0, axis)
    return image


def _box(brain: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Return the columns and rows with brain, from an even to an even one."""
    columns, rows = (np.flatnonzero(brain.any(axis=a)) for a in ((1, 2), (0, 2)))
    x, y = (
        slice(int(at[0]) // 2 * 2, (int(at[-1]) // 2 + 1) * 2) for at in (columns, rows)
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
    """Shift and turn each frame but the first, in plane.

    By cubic splines: a scanner does not blur a head because it has moved.
    """
    middle = (np.array(part.shape[:2]) - 1) / 2
    for frame in range(1, part.shape[3]):
        shift = rng.normal(0, scan.motion_mm, 2) / (2 * PIXEL_MM)
        angle = math.radians(rng.normal(0, scan.motion_mm * _DEGREES_PER_MM))
        turn = np.array(
            [
                [math.cos(angle), -math.sin(angle)],
                [math.sin(angle), math.cos(angle)],
            ]
        )
        offset = middle - turn @ middle - shift
        for z in range(part.shape[2]):
            image = part[..., z, frame]
            moved = ndimage.affine_transform(image, turn, offset, order=3, cval=AIR_HU)
            part[..., z, frame] = np.clip(moved, AIR_HU, image.max())
