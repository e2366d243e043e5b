"""Checks of a patient's images by arithmetic: central volume, ranges, flips, overlap.

The central volume principle is CBV = s x CBF x MTT / 60. In the units of
`magic_model.maps` s is 1. A wrong unit shows as another s, a swapped or shifted map as
a low correlation.

References:
    Meier P, Zierler KL. J Appl Physiol 1954;6:731. doi:10.1152/jappl.1954.6.12.731
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from magic_model.data.alignment import outlines
from magic_model.data.flips import flip_findings, odd_map_findings
from magic_model.data.grid import map_support
from magic_model.data.lesion.masks import mask_findings
from magic_model.data.map_values import map_findings
from magic_model.data.ncct_values import ncct_findings
from magic_model.data.volume import FloatArray, Kind, Volume
from magic_model.errors import pluralize
from magic_model.maps import MAP_SPECS, PAPER_MAPS, PerfusionMap
from magic_model.metrics import correlation

_Mask = NDArray[np.bool_]

_CENTRAL = (Kind.CBF, Kind.CBV, Kind.MTT)
_SCALE_BOUND = 0.05
_CORRELATION_BOUND = 0.99
_SHARED = 20  # voxels
_SHARED_PART = 0.002
_FEWEST_VOXELS = 100
"""Fewer voxels are not fitted or compared."""

_LIKELY_UNITS = {
    60.0: "CBF in mL/100g/s, or MTT in minutes",
    1 / 60: "CBV in other units, or MTT in 1/60 s",
    100.0: "CBV in percent of another scale, or CBF in mL/g/min",
    0.01: "CBV in mL/g",
    10.0: "a map scaled by 10",
    0.1: "a map scaled by 10",
    1000.0: "MTT in ms divided the wrong way, or CBV in uL/100g",
    0.001: "MTT in ms",
}


@dataclass(frozen=True)
class CentralVolume:
    """Fit of CBV = s x CBF x MTT / 60.

    Attributes:
        scale: s by least squares through the origin, NaN where nothing can be fitted.
        correlation: Pearson correlation of both sides.
        n_voxels: Voxels in which all three maps are positive and not cut off.
    """

    scale: float
    correlation: float
    n_voxels: int


def central_volume(
    maps: Mapping[Kind, FloatArray], inside: _Mask | None
) -> CentralVolume:
    """Fit s over the voxels in which CBF, CBV and MTT are positive.

    Maps that came as pictures are cut off at the top of their grey scale. Where many
    voxels share the largest value of a map they are left out, since the product of the
    other two says nothing about them.

    Args:
        maps: Arrays of one shape.
        inside: Where to look; everywhere if None.
    """
    if any(kind not in maps for kind in _CENTRAL):
        return CentralVolume(math.nan, math.nan, 0)
    cbf, cbv, mtt = (maps[kind].astype(np.float64) for kind in _CENTRAL)
    used = (cbf > 0) & (cbv > 0) & (mtt > 0)
    if inside is not None:
        used &= inside
    for values in (cbf, cbv, mtt):
        used &= ~_cut_off(values)
    n_voxels = int(used.sum())
    if n_voxels < _FEWEST_VOXELS:
        return CentralVolume(math.nan, math.nan, n_voxels)
    expected, found = (cbf * mtt / 60)[used], cbv[used]
    scale = float(expected @ found / (expected @ expected))
    return CentralVolume(scale, correlation(expected, found), n_voxels)


def scale_differs(scales: Sequence[float]) -> str | None:
    """Say so if s is not the same for all patients: their maps share no scale.

    Args:
        scales: s of each patient; NaN where unknown.
    """
    known = [scale for scale in scales if not math.isnan(scale)]
    if len(known) < 2 or max(known) <= min(known) * (1 + _SCALE_BOUND):
        return None
    return (
        f"s differs between patients, {min(known):.3f} to {max(known):.3f}: "
        "their maps are not on one scale"
    )


_OVERLAP_BOUND = 0.8
_OFFSET_BOUND_MM = 5.0
_BESIDE_BOUND = 0.01
_FEW_SLICES = 3


@dataclass(frozen=True)
class PatientChecks:
    """Findings of the checks of one patient.

    Attributes:
        central_volume: Fit of the central volume principle.
        overlap: Dice of brain and map support in the slices that have support.
        findings: What to look at, in words; empty if nothing.
        offset_mm: How far the outline of the maps lies off that of the brain.
    """

    central_volume: CentralVolume
    overlap: float
    findings: Sequence[str] = field(default_factory=tuple)
    offset_mm: float = math.nan


def check_patient(images: Mapping[Kind, Volume], brain: Volume | None) -> PatientChecks:
    """Run every check.

    Args:
        images: All images of a patient; the maps must share one grid.
        brain: Brain mask on the grid of the maps, None where there is none.
    """
    maps = {
        kind: images[kind].array for kind in Kind if kind in _MAP_KINDS & set(images)
    }
    inside = None if brain is None else brain.array > 0
    central = central_volume(maps, inside)
    support = map_support({kind: images[kind] for kind in maps}) if maps else None
    overlap = dice_in_supported_slices(support, inside)
    offset = _outline_offset(support, inside, images)
    findings = [
        *_missing(images),
        *map_findings(maps, inside),
        *_central_volume_findings(central, maps, inside),
        *_support_findings(support, overlap),
        *_offset_findings(offset),
        *_odd_place_findings({kind: images[kind] for kind in maps}),
        *(flip_findings(images, brain) if maps and brain is not None else ()),
        *odd_map_findings(images),
        *_ncct_findings(images, brain),
        *mask_findings(images),
    ]
    return PatientChecks(central, overlap, findings, offset.mm)


_MAP_KINDS = {Kind(name.value) for name in PerfusionMap}


def dice_in_supported_slices(support: _Mask | None, inside: _Mask | None) -> float:
    """Dice of map support and brain over the axial slices that have support."""
    if support is None or inside is None or not support.any():
        return math.nan
    slices = support.any(axis=(0, 1))
    a, b = support[..., slices], inside[..., slices]
    return float(2 * (a & b).sum() / max(1, a.sum() + b.sum()))


def _cut_off(values: NDArray[np.float64]) -> _Mask:
    """Voxels at the largest value, if too many share it to be chance.

    A map in which half of the voxels share it is flat, not cut off.
    """
    at_top = values == values.max()
    n_top, n_values = int(at_top.sum()), np.count_nonzero(values)
    clipped = max(_SHARED, _SHARED_PART * n_values) < n_top < n_values / 2
    return at_top if clipped else np.zeros_like(at_top)


def _central_volume_findings(
    central: CentralVolume, maps: Mapping[Kind, FloatArray], inside: _Mask | None
) -> Iterator[str]:
    """Say what the fit tells about units and swapped maps."""
    if math.isnan(central.scale):
        return
    if abs(central.scale - 1) > _SCALE_BOUND:
        yield (
            f"CBV = s x CBF x MTT / 60 gives s = {central.scale:.3g}, not 1"
            f"{_likely_unit(central.scale)}"
        )
    if central.correlation < _CORRELATION_BOUND:
        yield (
            f"CBV and CBF x MTT correlate with r = {central.correlation:.3f} only"
            f"{_likely_swap(central, maps, inside)}"
        )
    if float(np.median(maps[Kind.MTT][maps[Kind.MTT] > 0])) > float(
        np.median(maps[Kind.CBF][maps[Kind.CBF] > 0])
    ):
        yield "MTT is mostly larger than CBF: the two may be swapped"


def _likely_unit(scale: float) -> str:
    for factor, words in _LIKELY_UNITS.items():
        if abs(scale / factor - 1) < _SCALE_BOUND:
            return f": {words}?"
    return ""


def _likely_swap(
    central: CentralVolume, maps: Mapping[Kind, FloatArray], inside: _Mask | None
) -> str:
    """Name an order of the three maps that fits better, if there is one."""
    for order in permutations(_CENTRAL):
        if order[1] == Kind.CBV:
            continue
        renamed = {
            kind: maps[other] for kind, other in zip(_CENTRAL, order, strict=True)
        }
        if central_volume(renamed, inside).correlation > max(
            _CORRELATION_BOUND, central.correlation
        ):
            return f"; it fits if {order[1].value.upper()} is really CBV: swapped?"
    return ""


def _ncct_findings(images: Mapping[Kind, Volume], brain: Volume | None) -> list[str]:
    if Kind.NCCT not in images:
        return []
    given = Kind.BRAIN_MASK in images
    return ncct_findings(images[Kind.NCCT], brain, mask_given=given)


def _missing(images: Mapping[Kind, Volume]) -> Iterator[str]:
    if Kind.NCCT not in images:
        yield "NCCT is missing"
    missing = [MAP_SPECS[name].title for name in PAPER_MAPS if Kind(name) not in images]
    if missing:
        yield f"missing maps: {', '.join(missing)}"


def _support_findings(support: _Mask | None, overlap: float) -> Iterator[str]:
    if support is None:
        return
    filled = np.flatnonzero(support.any(axis=(0, 1)))
    if not filled.size:
        yield "the maps are empty"
        return
    if filled.size < _FEW_SLICES:
        yield f"the maps hold values in {pluralize(filled.size, 'slice')} only"
    empty = filled[-1] - filled[0] + 1 - filled.size
    if empty:
        yield f"{empty} empty slices between slices with values"
    if overlap < _OVERLAP_BOUND:
        yield f"NCCT brain and maps overlap with a Dice of {overlap:.2f} only"


def _outline_offset(
    support: _Mask | None, inside: _Mask | None, images: Mapping[Kind, Volume]
) -> outlines.Offset:
    if support is None or inside is None:
        return outlines.UNKNOWN
    affine = next(v.affine for kind, v in images.items() if kind in _MAP_KINDS)
    return outlines.outline_offset(support, inside, affine)


def _offset_findings(offset: outlines.Offset) -> Iterator[str]:
    if offset.mm > _OFFSET_BOUND_MM:
        yield (
            f"the outline of the maps lies {offset} off the brain of the NCCT: import "
            "with --register, or see whether the affines are right"
        )


def _odd_place_findings(maps: Mapping[Kind, Volume]) -> Iterator[str]:
    """Name the map that was moved alone: it holds values beside all others."""
    supports = {kind: map_support({kind: volume}) for kind, volume in maps.items()}
    found = []
    for kind, own in supports.items():
        others = map_support({k: v for k, v in maps.items() if k is not kind} or maps)
        if (own & ~others).sum() > _BESIDE_BOUND * own.sum():
            offset = outlines.outline_offset(own, others, maps[kind].affine)
            if offset.mm > _OFFSET_BOUND_MM:
                found.append((offset.mm, str(kind), offset))
    for _, name, offset in sorted(found)[-1:]:
        yield (
            f"the outline of {name} lies {offset} off the other maps: mend its affine, "
            "or export it again"
        )
