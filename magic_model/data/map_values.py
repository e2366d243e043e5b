"""Whether the values of perfusion maps are in their units, whole and the right way up.

What the central volume principle cannot tell (`magic_model.data.checks`), since errors
of two maps can cancel: each map by itself, and times beside times.
"""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from magic_model.data.volume import FloatArray, Kind
from magic_model.maps import MAP_SPECS, PerfusionMap
from magic_model.metrics import correlation

_Mask = NDArray[np.bool_]

_OUTSIDE_BOUND = 0.1
_ZERO_SHARE = 0.25
_TOP_SHARE = 0.1
_OPPOSITE = -0.3
_PACE = (0.8, 2.2)
_LATE_S = 3.0
_FEWEST_VOXELS = 100


def map_findings(
    maps: Mapping[Kind, FloatArray], inside: _Mask | None
) -> Iterator[str]:
    """Say what about the values of maps has to be looked at.

    Args:
        maps: Arrays of one shape.
        inside: The brain; where a map holds values if None.
    """
    yield from _ranges(maps, inside)
    yield from _levels(maps, inside)
    yield from _zeros(maps, inside)
    yield from _tops(maps, inside)
    yield from _opposites(maps)
    yield from _paces(maps, inside)


def _ranges(maps: Mapping[Kind, FloatArray], inside: _Mask | None) -> Iterator[str]:
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


_LEVELS = (
    (Kind.CBF, 90, 33.0, 110.0),
    (Kind.CBV, 90, 2.0, 8.0),
    (Kind.MTT, 50, 2.4, 10.0),
    (Kind.TTP, 95, 3.0, 60.0),
    (Kind.TMAX, 50, 0.0, 8.0),
    (Kind.TMAX, 99, 1.0, 60.0),
)
"""Percentile of the brain, and between which values it lies in most patients.

The exact phantom's are 53, 3.3, 3.9, 14, 1.5 and 3 or more. The bounds are wide, as
deconvolution differs between programs: they show a factor of two, which s does not if
CBF and CBV share it. A bolus takes 3 s to its peak, and somewhere blood is late.
"""


def _levels(maps: Mapping[Kind, FloatArray], inside: _Mask | None) -> Iterator[str]:
    """Judge each map by itself: errors that cancel in CBF x MTT / CBV leave s at 1."""
    for kind, percentile, low, high in _LEVELS:
        if kind not in maps:
            continue
        array = maps[kind]
        values = array[np.isfinite(array) & (array != 0 if inside is None else inside)]
        if values.size < _FEWEST_VOXELS:
            continue
        level = float(np.percentile(values, percentile))
        if not low <= level <= high:
            spec = MAP_SPECS[PerfusionMap(kind)]
            where = "the median" if percentile == 50 else f"percentile {percentile}"
            yield (
                f"{spec.title} has {where} of the brain at {level:.3g} {spec.unit}, "
                f"usual are {low:g} to {high:g}: another scale or unit? "
                "s = 1 does not exclude it"
            )


def _zeros(maps: Mapping[Kind, FloatArray], inside: _Mask | None) -> Iterator[str]:
    """Name a map that is 0 where the others measured: times that were cut off at 0."""
    if inside is None or len(maps) < 2:
        return
    for kind, array in maps.items():
        measured = inside.copy()
        for other, values in maps.items():
            if other is not kind:
                measured &= values != 0
        n_measured = int(measured.sum())
        share = float((array[measured] == 0).mean()) if n_measured else 0.0
        if n_measured >= _FEWEST_VOXELS and share > _ZERO_SHARE:
            yield (
                f"{MAP_SPECS[PerfusionMap(kind)].title} is 0 in {100 * share:.0f} % of "
                "the brain that the other maps measure: cut off at 0, or not measured?"
            )


def _tops(maps: Mapping[Kind, FloatArray], inside: _Mask | None) -> Iterator[str]:
    """Name a map whose largest value many voxels share: a lesion may be beyond it."""
    for kind, array in maps.items():
        values = array[array != 0 if inside is None else inside & (array != 0)]
        if values.size < _FEWEST_VOXELS:
            continue
        top = float(values.max())
        share = float(np.mean(values == top))
        if share > _TOP_SHARE:
            spec = MAP_SPECS[PerfusionMap(kind)]
            yield (
                f"{spec.title} is {top:.3g} {spec.unit}, its largest value, in "
                f"{100 * share:.0f} % of the brain: cut off there, or flat?"
            )


def _opposites(maps: Mapping[Kind, FloatArray]) -> Iterator[str]:
    """Name times that fall where others rise: the bar of colours was turned round."""
    for other in (Kind.TMAX, Kind.MTT):
        if not {Kind.TTP, other} <= set(maps):
            continue
        ttp, times = maps[Kind.TTP], maps[other]
        both = np.isfinite(ttp) & np.isfinite(times) & (ttp != 0) & (times != 0)
        if both.sum() < _FEWEST_VOXELS:
            continue
        r = correlation(ttp[both], times[both])
        if r < _OPPOSITE:
            title = MAP_SPECS[PerfusionMap(other)].title
            yield (
                f"TTP is short where {title} is long (r = {r:.2f}): is one of them "
                "turned round?"
            )
            return


def _paces(maps: Mapping[Kind, FloatArray], inside: _Mask | None) -> Iterator[str]:
    """Compare by how much the latest tissue is late in TTP and in Tmax.

    A delay adds the same to both, a long transit more to TTP: 1.2 to 1.5 times as much
    in phantoms.
    """
    if not {Kind.TTP, Kind.TMAX} <= set(maps):
        return
    ttp, tmax = maps[Kind.TTP], maps[Kind.TMAX]
    both = np.isfinite(ttp) & np.isfinite(tmax) & (ttp != 0)
    both &= True if inside is None else inside
    if both.sum() < _FEWEST_VOXELS:
        return
    late, known = (
        float(np.subtract(*np.percentile(times[both], (99, 50))))
        for times in (ttp, tmax)
    )
    low, high = _PACE
    if min(late, known) >= _LATE_S and not low <= late / known <= high:
        yield (
            f"the latest hundredth of the brain is {late:.1f} s late in TTP and "
            f"{known:.1f} s in Tmax: is one in another unit, or counted in frames?"
        )
