"""Maps of a series too large for memory: vessels from a coarse copy, maps by slabs."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from magic_model.data.straight import AIR
from magic_model.data.volume import FloatArray, Volume
from magic_model.maps import PerfusionMap
from magic_model.perfusion import compute, denoising, vessels
from magic_model.perfusion.compute import Choices, Found, Perfusion
from magic_model.perfusion.denoising import Mask
from magic_model.perfusion.look import Look, frame_noise, slice_of
from magic_model.perfusion.motion import Motion, find_motion, put_back
from magic_model.perfusion.series import Series, doubts, require_alike, require_in_hu
from magic_model.perfusion.stored import StoredSeries
from magic_model.perfusion.vessels import Vessel, Voxel

IN_MEMORY = 200 << 20
"""Bytes of a series, as float32, above which it is computed slab by slab."""

_SLAB = 240 << 20  # bytes, halo included; a thinner slab would be mostly halo
_COARSE = 100 << 20
_COARSE_MM = 1.4  # an artery of the brain is 2 to 3 mm wide
_HALO_MM, _MOST_HALO = 10.0, 6  # nearly all that denoising takes from neighbours

Progress = Callable[[int, int], None]
"""Told how many parts of how many are done."""


def compute_stored(
    stored: StoredSeries, choices: Choices, progress: Progress = lambda _a, _b: None
) -> tuple[Perfusion, Look]:
    """Return the maps of a series on disk, and what a report shows of it.

    Brain: on the mean of the first frames. Artery, vein and baseline: in a copy whose
    voxels are means over about 1.4 mm. Maps: in slabs of full resolution, each with
    some slices more on both sides, which are then cut off. Memory is that of a slab
    and of the coarse copy, whatever the number of slices, and of the maps themselves.

    Args:
        stored: The series.
        choices: What is not left to the program.
        progress: Told how far it is.

    Raises:
        DataError: As `compute_perfusion`.
    """
    halo = min(_MOST_HALO, math.ceil(_HALO_MM / stored.spacing[2]))
    parts = list(stored.slabs(_SLAB, halo))
    coarse = _coarse(stored, lambda done, all_: progress(done, all_ + len(parts)))
    motion = find_motion(coarse.series.array, coarse.series.spacing)
    if motion.moved:
        stored = _steady(stored, motion)
        coarse = _coarse(stored, lambda _done, _all: None)
    choices = replace(choices, motion=motion)
    rest = stored.mean(compute.FIRST_LOOK)
    require_in_hu(rest, stored.name)
    brain, notes = compute.find_brain(rest, choices.brain)
    found = _found(stored, brain, coarse, choices)
    collected = _Collected.empty(stored, found, coarse, motion)
    steps = coarse.steps
    for done, (start, stop) in enumerate(parts, 1):
        low, high = max(0, start - halo), min(stored.shape[2], stop + halo)
        slab = stored.slab(low, high)
        collected.look(slab, low, start, stop)
        if brain[:, :, start:stop].any():
            box = _box(brain[:, :, low:high])
            part = replace(choices, brain=brain[:, :, low:high][box], found=found)
            slab = _within(slab, box)
            taken = compute.compute_perfusion(slab, part)
            collected.take(taken, box, low, start, stop)
        progress(steps + done, steps + len(parts))
    notes = (*stored.notes, *coarse.notes, *motion.notes(), *notes)
    result = collected.result(brain, choices, notes)
    slab, inside = _fullest(stored, brain)
    return result, collected.pictures(frame_noise(slab.array, inside, found.frames))


def _steady(stored: StoredSeries, motion: Motion) -> StoredSeries:
    """Return a series whose slices are read with frames put back in place."""
    own = motion.on(stored.spacing)
    more = own.margin(stored.shape)

    def read(start: int, stop: int) -> FloatArray:
        low, high = max(0, start - more), min(stored.shape[2], stop + more)
        slices = put_back(stored.read(low, high), own, low)
        return slices[:, :, start - low : stop - low]

    return replace(stored, read=read)


_Box = tuple[slice, slice]


def _box(inside: Mask) -> _Box:
    """Return the rows and columns that hold brain."""
    x, y = (np.flatnonzero(inside.any(axis=axes)) for axes in ((1, 2), (0, 2)))
    return slice(int(x[0]), int(x[-1]) + 1), slice(int(y[0]), int(y[-1]) + 1)


def _within(slab: Series, box: _Box) -> Series:
    """Return what lies within some rows and columns, alone in memory."""
    affine = slab.affine.copy()
    affine[:3, 3] += affine[:3, :2] @ [side.start for side in box]
    return Series(slab.array[box].copy(), affine, slab.times)


@dataclass(frozen=True, eq=False)
class _Coarse:
    """The copy, the voxels that make one of it along each axis, and what was seen."""

    series: Series
    factors: Voxel
    notes: tuple[str, ...]
    steps: int

    def mask(self, mask: Mask) -> Mask:
        """Return a mask on its grid."""
        share = _blocks(mask.astype(np.float32), self.factors)
        most = np.asarray(share >= 0.5)
        return most if most.any() else np.asarray(share > 0)

    def voxel(self, voxel: Voxel | None) -> Voxel | None:
        """Return the voxel that one of the series lies in."""
        if voxel is None:
            return None
        i, j, k = (at // n for at, n in zip(voxel, self.factors, strict=True))
        return i, j, k

    def of_series(self, vessel: Vessel) -> Vessel:
        """Return a vessel with its voxel in the series."""
        i, j, k = (
            at * n + n // 2 for at, n in zip(vessel.voxel, self.factors, strict=True)
        )
        return replace(vessel, voxel=(i, j, k))


def _coarse(stored: StoredSeries, progress: Progress) -> _Coarse:
    factors = _factors(stored)
    x, y, z = (n // f for n, f in zip(stored.shape, factors, strict=False))
    whole = np.empty((x, y, z, stored.shape[3]), np.float32)
    cut: list[tuple[float, int]] = []
    together = max(1, _SLAB // stored.slice_bytes // factors[2])
    for start in range(0, z, together):
        stop = min(start + together, z)
        array = stored.slab(start * factors[2], stop * factors[2]).array
        clipped = vessels.clipped(array)
        soft = array[..., : compute.FIRST_LOOK].mean(axis=-1) < vessels.REST_HU[1]
        cut.append((float(array.max()), int(np.count_nonzero(clipped & soft))))
        whole[:, :, start:stop] = _blocks(array, factors)
        whole[:, :, start:stop][_blocks(clipped.astype(np.float32), factors) > 0] = AIR
        progress(stop, z)
    affine = stored.affine.copy()
    affine[:3, 3] += affine[:3, :3] @ [(f - 1) / 2 for f in factors]
    affine[:3, :3] *= factors
    series = Series(whole, affine, stored.times)
    require_alike(whole, stored.name)
    top = max(height for height, _ in cut)
    saturated = sum(count for height, count in cut if height == top)
    return _Coarse(series, factors, tuple(doubts(series, saturated, top)), z)


def _factors(stored: StoredSeries) -> Voxel:
    factors = [max(1, round(_COARSE_MM / mm)) for mm in stored.spacing]
    size = 4 * math.prod(stored.shape) / math.prod(factors)
    if size > _COARSE:  # thick voxels dilute an artery less than wide ones
        factors[2] = min(stored.shape[2], math.ceil(factors[2] * size / _COARSE))
    i, j, k = factors
    return i, j, k


def _blocks(array: FloatArray, factors: Voxel) -> FloatArray:
    """Return the means of blocks of voxels; what fills no block is left out."""
    shape = [n // f for n, f in zip(array.shape, factors, strict=False)]
    held = tuple(slice(0, n * f) for n, f in zip(shape, factors, strict=True))
    split = [size for n, f in zip(shape, factors, strict=True) for size in (n, f)]
    parts = array[held].reshape(*split, *array.shape[3:])
    return np.asarray(parts.mean(axis=(1, 3, 5)), np.float32)


def _found(
    stored: StoredSeries, brain: Mask, coarse: _Coarse, choices: Choices
) -> Found:
    """Find the vessels in the coarse copy, and the noise of the series itself."""
    given = replace(
        choices, aif=coarse.voxel(choices.aif), vof=coarse.voxel(choices.vof)
    )
    series, mask = coarse.series, coarse.mask(brain)
    found = compute.find_vessels(series, mask, given)
    delay = compute.usual_delay(series, mask, found)
    artery, vein = coarse.of_series(found.artery), found.vein
    vein = None if vein is None else coarse.of_series(vein)
    if choices.aif is not None:
        artery = replace(artery, voxel=choices.aif)
    if vein is not None and choices.vof is not None:
        vein = replace(vein, voxel=choices.vof)
    slab, inside = _fullest(stored, brain)
    noise = denoising.noise_of(slab.array, inside, found.frames)
    return Found(artery, vein, found.frames, noise, delay)


def _fullest(stored: StoredSeries, brain: Mask) -> tuple[Series, Mask]:
    """Return some slices around the one with most brain."""
    k = int(brain.sum(axis=(0, 1)).argmax())
    reach = max(1, min(4, _SLAB // stored.slice_bytes // 4))
    low, high = max(0, k - reach), min(stored.shape[2], k + reach)
    return stored.slab(low, high), brain[:, :, low:high]


@dataclass(eq=False)
class _Collected:
    """What slabs give, put together."""

    found: Found
    coarse: _Coarse
    motion: Motion
    baseline: FloatArray
    affine: np.ndarray[tuple[int, ...], np.dtype[np.float64]]
    maps: dict[PerfusionMap, FloatArray]
    vessels: Mask
    blurred: Mask
    tissue: denoising.Array
    slices: dict[int, Volume]
    voxels: int = 0
    of_tissue: int = 0
    gain: float = 0.0
    strength: float = math.nan

    @classmethod
    def empty(
        cls, stored: StoredSeries, found: Found, coarse: _Coarse, motion: Motion
    ) -> "_Collected":
        """Return what is there before the first slab."""
        shape = stored.shape[:3]
        return cls(
            found,
            coarse,
            motion,
            np.empty(shape, np.float32),
            stored.affine,
            {name: np.zeros(shape, np.float32) for name in PerfusionMap},
            np.zeros(shape, bool),
            np.zeros(shape, bool),
            np.zeros(stored.shape[3]),
            {},
        )

    def look(self, slab: Series, low: int, start: int, stop: int) -> None:
        """Take what the report shows of a slab."""
        mean = slab.mean(self.found.frames).array
        self.baseline[:, :, start:stop] = mean[:, :, start - low : stop - low]
        for vessel in (self.found.artery, self.found.vein):
            if vessel is not None and start <= vessel.voxel[2] < stop:
                k = vessel.voxel[2]
                highest = slab.array[:, :, k - low].max(axis=-1)
                self.slices[k] = slice_of(highest, k, self.affine)

    def take(self, part: Perfusion, box: _Box, low: int, start: int, stop: int) -> None:
        """Take the maps of a slab, without its halo."""
        inner = slice(start - low, stop - low)
        for name, volume in part.maps.items():
            self.maps[name][*box, start:stop] = volume.array[:, :, inner]
        self.vessels[*box, start:stop] = part.vessels[:, :, inner]
        self.blurred[*box, start:stop] = part.blurred[:, :, inner]
        tissue = part.brain & ~part.vessels
        some = int(np.count_nonzero(tissue[:, :, inner]))
        self.tissue += some * part.tissue
        self.of_tissue += some
        count = int(np.count_nonzero(part.brain[:, :, inner]))
        self.gain += count * part.gain
        self.voxels += count
        self.strength = part.strength

    def result(
        self, brain: Mask, choices: Choices, notes: tuple[str, ...]
    ) -> Perfusion:
        """Return all maps."""
        tissue = self.tissue / max(1, self.of_tissue)
        grid = Volume(self.baseline, self.affine, "ncct")
        return Perfusion(
            maps={
                name: grid.with_array(array, name.value)
                for name, array in self.maps.items()
            },
            series=self.coarse.series,
            brain=brain,
            artery=self.found.artery,
            vein=self.found.vein,
            vessels=self.vessels,
            blurred=self.blurred,
            tissue=tissue,
            baseline_frames=self.found.frames,
            noise_hu=self.found.noise,
            gain=self.gain / self.voxels,
            method=choices.method,
            strength=self.strength,
            motion=self.motion,
            notes=(*notes, *compute.warnings_of(self.found, tissue)),
        )

    def pictures(self, noise_hu: denoising.Array) -> Look:
        """Return what the report shows."""
        vein = self.found.vein
        return Look(
            Volume(self.baseline, self.affine, "ncct"),
            self.slices[self.found.artery.voxel[2]],
            None if vein is None else self.slices[vein.voxel[2]],
            noise_hu,
        )
