"""Whether maps lie mirrored on the NCCT, or one on the others.

Left to right, front to back, upside down, or several of these.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, product
from typing import Self

import numpy as np

from magic_model.data.grid import (
    HALF,
    BoolArray,
    map_support,
    reorient_ras,
    resample,
)
from magic_model.data.volume import FloatArray, Kind, Volume
from magic_model.metrics import correlation

_Axes = tuple[int, ...]

FLIPS: tuple[_Axes, ...] = tuple(
    axes for count in (1, 2, 3) for axes in combinations(range(3), count)
)
"""Every way to mirror an image along right, anterior and superior."""

_WORDS = ("left and right", "front and back", "top and bottom")
_SIDE = 64  # voxels along each axis; more tell nothing more
_GAIN = 0.1  # of overlap plus correlation
_OVERLAP_GAIN = 0.02
_GAIN_AMONG_MAPS = 0.15
_ASYMMETRY_BOUND = -0.2
_FEWEST_VOXELS = 100
_HU = (0.0, 80.0)
_SHOWS_ANATOMY = (Kind.CBF, Kind.CBV)
"""Maps that are low in liquor, as the NCCT is."""


def flip_findings(images: Mapping[Kind, Volume], brain: Volume) -> Iterator[str]:
    """Say so if the maps fit the NCCT better when they are mirrored.

    For each flip, and without, the outline of the maps is compared with that of the
    brain (Dice), and CBF or CBV with the CT numbers (correlation: both are low in
    liquor). Middles are brought together within the slices first, so that a shift is
    not taken for a flip. Left and right, which are nearly alike, are also compared by
    how each differs from its own mirror image about its middle.

    Args:
        images: The maps, on one grid, and the NCCT if there is one.
        brain: Brain mask on the grid of the maps.
    """
    seen = _Anatomy.of(images, brain)
    if min(seen.brain.sum(), seen.support.sum()) < _FEWEST_VOXELS:
        return
    as_given = seen.fit(())
    best, axes = max((seen.fit(axes), axes) for axes in FLIPS)
    if best.total - as_given.total > _GAIN and (
        best.overlap - as_given.overlap > _OVERLAP_GAIN
    ):
        words = " and ".join(_WORDS[axis] for axis in axes)
        yield (
            f"{words} may be swapped between NCCT and maps (mirrored, their overlap is "
            f"{best.overlap:.2f} in place of {as_given.overlap:.2f}): "
            "look at the picture and mend the affine of the maps"
        )
        return
    alike = seen.asymmetry()
    if alike < _ASYMMETRY_BOUND:
        yield (
            f"left and right may be swapped between NCCT and maps (asymmetry "
            f"correlates with {alike:.2f})"
        )


def odd_map_findings(images: Mapping[Kind, Volume]) -> Iterator[str]:
    """Say so if one map fits the others better when it is mirrored.

    Maps of one scan hold values in the same voxels and show the same tissue: where the
    bolus is late flow is low. A map that was mirrored alone agrees with none.

    Args:
        images: The maps, on one grid; other images are not looked at.
    """
    seen = {k: _thinned(v) for k, v in images.items() if k in _MAPS}
    if len(seen) < 2:
        return
    held = {
        k: _coarse(v.with_array(map_support({k: v})).array) > HALF
        for k, v in seen.items()
    }
    alike = {k: _standardised(_coarse(v.array), held[k]) for k, v in seen.items()}
    gains = [found for kind in seen for found in _gains(kind, alike, held)]
    gain, kind, axes = max(gains, default=(0.0, Kind.NCCT, ()))
    if gain > _GAIN_AMONG_MAPS:
        words = " and ".join(_WORDS[axis] for axis in axes)
        yield (
            f"{words} may be swapped in {kind} alone (mirrored, it fits the other maps "
            "better): mend its affine, or export it again"
        )


def _gains(
    kind: Kind, alike: Mapping[Kind, FloatArray], held: Mapping[Kind, BoolArray]
) -> Iterator[tuple[float, Kind, _Axes]]:
    """Tell by how much a map fits the others better when it is mirrored."""
    others = [k for k in alike if k is not kind]
    around = np.logical_or.reduce([held[k] for k in others])
    like = [_sign(kind, k) * alike[k] for k in others if _sign(kind, k)]
    expected = np.mean(like or [np.zeros_like(alike[kind])], axis=0)
    fits = {}
    for axes in ((), *FLIPS):
        own, values = (np.flip(x, axes) for x in (held[kind], alike[kind]))
        both = own & around
        overlap = float(2 * both.sum() / max(1, own.sum() + around.sum()))
        close = both.sum() >= _FEWEST_VOXELS
        same = correlation(values[both], expected[both]) if close else np.nan
        fits[axes] = overlap + (same if same > 0 else 0.0)
    yield from ((fits[axes] - fits[()], kind, axes) for axes in FLIPS)


def _sign(kind: Kind, other: Kind) -> int:
    """Tell how two maps go together; CBV goes with CBF alone.

    Volume may rise or fall where the bolus is late.
    """
    if Kind.CBV in (kind, other):
        return int(Kind.CBF in (kind, other))
    return -1 if Kind.CBF in (kind, other) else 1


def _standardised(array: FloatArray, held: BoolArray) -> FloatArray:
    """Count values in standard deviations from their mean, 0 where there are none.

    Extreme ones, such as those of vessels, are cut off.
    """
    scaled = np.zeros_like(array)
    if held.any():
        values = array[held]
        values = np.clip(values, *np.percentile(values, (1, 99)))
        scaled[held] = (values - values.mean()) / (values.std() or 1.0)
    return scaled


@dataclass(frozen=True, order=True)
class _Fit:
    """How well brain and maps agree: sum, Dice of the outlines."""

    total: float
    overlap: float


@dataclass(frozen=True, eq=False)
class _Anatomy:
    """What is compared, on one coarse grid whose axes are right, anterior, superior.

    Attributes:
        brain: `(x, y, z)` share of brain in each voxel.
        support: Share of voxels in which maps hold values.
        ncct: CT numbers, all 0 where there is no NCCT.
        flow: A map that shows anatomy, all 0 where there is none.
    """

    brain: FloatArray
    support: FloatArray
    ncct: FloatArray
    flow: FloatArray

    @classmethod
    def of(cls, images: Mapping[Kind, Volume], brain: Volume) -> Self:
        """Bring everything onto the grid of the brain, and that to `_SIDE` voxels."""
        maps = {k: _thinned(v) for k, v in images.items() if k in _MAPS}
        mask = _thinned(brain)
        nothing = mask.with_array(np.zeros(mask.shape))
        ncct = images.get(Kind.NCCT)
        shown = next((maps[k] for k in _SHOWS_ANATOMY if k in maps), nothing)
        volumes = (
            mask,
            mask.with_array(map_support(maps)),
            nothing if ncct is None else resample(ncct, mask.affine, mask.shape),
            shown,
        )
        coarse = [_coarse(volume.array) for volume in volumes]
        return cls(coarse[0], coarse[1], np.clip(coarse[2], *_HU), coarse[3])

    def fit(self, axes: _Axes) -> _Fit:
        """Agreement once the maps are mirrored: in the grid, or within their slab."""
        filled = np.flatnonzero(self.support.any(axis=(0, 1)))
        in_slab = int(filled[0] + filled[-1] + 1 - self.support.shape[2])
        shifts = {0, in_slab if 2 in axes else 0}
        mirrored = [np.flip(image, axes) for image in (self.support, self.flow)]
        fits = []
        for dz, centred in product(shifts, (False, True)):
            support, flow = (_shifted(image, (0, 0, dz)) for image in mirrored)
            if centred:
                x, y = _to_middle(self.brain, support)
                support, flow = (_shifted(i, (x, y, 0)) for i in (support, flow))
            fits.append(self._agreement(support, flow))
        return max(fits)

    def asymmetry(self) -> float:
        """Correlate how brain and maps differ from their own left-right mirror."""
        slices = self.support.any(axis=(0, 1))
        differ = []
        for image in (self.brain[..., slices], self.support[..., slices]):
            centred = _shifted(image, (_off_centre(image), 0, 0))
            differ.append(centred - centred[::-1])
        if min(np.abs(x).sum() for x in differ) < _FEWEST_VOXELS:
            return 0.0
        return correlation(*(x.ravel() for x in differ))

    def _agreement(self, support: FloatArray, flow: FloatArray) -> _Fit:
        inside, held = self.brain > HALF, support > HALF
        both = inside & held
        slices = held.any(axis=(0, 1))
        n_each = inside[..., slices].sum() + held.sum()
        overlap = float(2 * both.sum() / max(1, n_each))
        if both.sum() < _FEWEST_VOXELS:
            return _Fit(overlap, overlap)
        alike = correlation(self.ncct[both], flow[both])
        return _Fit(overlap + (0.0 if np.isnan(alike) else alike), overlap)


_MAPS = frozenset({Kind.CBF, Kind.CBV, Kind.MTT, Kind.TTP, Kind.TMAX})


def _thinned(volume: Volume) -> Volume:
    """Turn to RAS and take every so many voxels: enough to average within slices."""
    upright = reorient_ras(volume)
    most = (4 * _SIDE, 4 * _SIDE, _SIDE)
    steps = [
        max(1, length // many) for length, many in zip(upright.shape, most, strict=True)
    ]
    cut = tuple(slice(None, None, step) for step in steps)
    affine = upright.affine @ np.diag([*steps, 1])
    return Volume(upright.array[cut], affine, volume.kind)


def _coarse(array: FloatArray) -> FloatArray:
    """Average blocks of voxels; what is left over at the end of an axis is cut off."""
    steps = [max(1, length // _SIDE) for length in array.shape]
    counts = [length // step for length, step in zip(array.shape, steps, strict=True)]
    cut = tuple(slice(n * step) for n, step in zip(counts, steps, strict=True))
    blocks = [n for pair in zip(counts, steps, strict=True) for n in pair]
    whole = np.nan_to_num(array[cut]).reshape(blocks)
    averaged: FloatArray = whole.mean(axis=(1, 3, 5), dtype=np.float32)
    return averaged


def _shifted(image: FloatArray, by: tuple[int, int, int]) -> FloatArray:
    """Move an image by whole voxels; what leaves the grid is lost."""
    moved = np.zeros_like(image)
    to, of = [], []
    for step, length in zip(by, image.shape, strict=True):
        to.append(slice(max(step, 0), max(0, length + min(step, 0))))
        of.append(slice(max(-step, 0), max(0, length - max(step, 0))))
    moved[tuple(to)] = image[tuple(of)]
    return moved


def _to_middle(brain: FloatArray, support: FloatArray) -> tuple[int, int]:
    """Steps within the slices that bring the middle of the maps to the brain's."""
    inside, held = brain > HALF, support > HALF
    both = inside.any(axis=(0, 1)) & held.any(axis=(0, 1))
    if not both.any():
        return 0, 0
    middles = [
        np.array([np.mean(x) for x in np.nonzero(mask[..., both])[:2]])
        for mask in (inside, held)
    ]
    x, y = np.rint(middles[0] - middles[1]).astype(int).tolist()
    return x, y


def _off_centre(image: FloatArray) -> int:
    """Steps along x that bring the middle of an image to that of its grid."""
    held = np.nonzero(image > HALF)[0]
    middle = (image.shape[0] - 1) / 2
    return round(middle - float(held.mean())) if held.size else 0
