"""What can be wrong with a patient's images, found by arithmetic."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from magic_model.data.central_volume import (
    FEWEST_VOXELS,
    CentralVolume,
    Mask,
    central_volume,
    central_volume_findings,
    correlation,
)
from magic_model.data.volume import FloatArray, Kind, Volume
from magic_model.maps import MAP_SPECS, PAPER_MAPS, PerfusionMap

_OVERLAP_BOUND = 0.8
_OUTSIDE_BOUND = 0.1
_FLIP_BOUND = -0.2


@dataclass(frozen=True)
class PatientChecks:
    """What the checks found for one patient.

    Attributes:
        central_volume: Fit of the central volume principle.
        overlap: Dice of brain and map support in the slices that have support.
        findings: What to look at, in words; empty if nothing.
    """

    central_volume: CentralVolume
    overlap: float
    findings: Sequence[str] = field(default_factory=tuple)


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
    support = map_support(maps)
    overlap = dice_in_supported_slices(support, inside)
    findings = [
        *_missing(images),
        *_ranges(maps, inside),
        *central_volume_findings(central, maps, inside),
        *_support_findings(support, overlap),
        *_flip_findings(support, inside),
    ]
    return PatientChecks(central, overlap, findings)


_MAP_KINDS = {Kind(name.value) for name in PerfusionMap}


def map_support(maps: Mapping[Kind, FloatArray]) -> Mask | None:
    """Voxels in which any map has a finite value other than 0; None without maps."""
    if not maps:
        return None
    used = [np.nan_to_num(array) != 0 for array in maps.values()]
    return np.asarray(np.any(used, axis=0))


def dice_in_supported_slices(support: Mask | None, inside: Mask | None) -> float:
    """Dice of map support and brain over the axial slices that have support."""
    if support is None or inside is None or not support.any():
        return math.nan
    slices = support.any(axis=(0, 1))
    a, b = support[..., slices], inside[..., slices]
    return float(2 * (a & b).sum() / max(1, a.sum() + b.sum()))


def _missing(images: Mapping[Kind, Volume]) -> Iterator[str]:
    if Kind.NCCT not in images:
        yield "NCCT is missing"
    missing = [MAP_SPECS[name].title for name in PAPER_MAPS if Kind(name) not in images]
    if missing:
        yield f"missing maps: {', '.join(missing)}"


def _ranges(maps: Mapping[Kind, FloatArray], inside: Mask | None) -> Iterator[str]:
    for kind, array in maps.items():
        spec = MAP_SPECS[PerfusionMap(kind)]
        values = array[inside] if inside is not None else array[array != 0]
        if not values.size:
            continue
        if not np.isfinite(values).all():
            n_bad = int((~np.isfinite(values)).sum())
            yield f"{spec.title} is NaN or infinite in {n_bad} voxels"
            continue
        low, high = spec.value_range
        negative = float((values < low).mean())
        if negative > 0:
            yield f"{spec.title} is negative in {100 * negative:.1f} % of the brain"
        above = float((values > high).mean())
        if above > _OUTSIDE_BOUND:
            yield (
                f"{spec.title} is above {high:g} {spec.unit} in {100 * above:.0f} % "
                "of the brain"
            )
        if float(np.max(values)) < high / 50:
            yield f"{spec.title} never exceeds {float(np.max(values)):.3g} {spec.unit}"


def _support_findings(support: Mask | None, overlap: float) -> Iterator[str]:
    if support is None:
        return
    filled = np.flatnonzero(support.any(axis=(0, 1)))
    if not filled.size:
        yield "the maps are empty"
        return
    empty = filled[-1] - filled[0] + 1 - filled.size
    if empty:
        yield f"{empty} empty slices between slices with values"
    if overlap < _OVERLAP_BOUND:
        yield f"NCCT brain and maps overlap with a Dice of {overlap:.2f} only"


def _flip_findings(support: Mask | None, inside: Mask | None) -> Iterator[str]:
    """Compare how brain and maps differ from their own mirror images."""
    if support is None or inside is None:
        return
    slices = support.any(axis=(0, 1))
    brain, maps = (x[..., slices].astype(np.float64) for x in (inside, support))
    asymmetry = [x - x[::-1] for x in (brain, maps)]
    if min(np.abs(x).sum() for x in asymmetry) < FEWEST_VOXELS:
        return
    alike = correlation(*(x.ravel() for x in asymmetry))
    if alike < _FLIP_BOUND:
        yield (
            f"left and right may be swapped between NCCT and maps (asymmetry "
            f"correlates with {alike:.2f})"
        )
