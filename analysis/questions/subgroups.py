"""Agreement in subgroups of cases or of readers, and what differs between them."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from analysis.arrays import BoolArray, FloatArray, IntArray
from analysis.multireader.clusters import Clusters
from analysis.multireader.estimate import (
    ClusteredEstimate,
    Linearised,
    Variance,
    with_variance,
)
from analysis.multireader.kappa import Coefficient, linearise
from analysis.multireader.pairs import Pairs
from reader_study.formats.responses import Reading

MOST_VALUES = 8
Unit = Literal["case", "reader"]


@dataclass(frozen=True)
class Subgroups:
    """What a column of responses.csv says of each case, or of each reader.

    Attributes:
        column: Its name.
        unit: Whether it is about cases or readers.
        value_of: Value by the name of the case or reader; those without one are left
            out.
    """

    column: str
    unit: Unit
    value_of: Mapping[str, str]

    @property
    def levels(self) -> tuple[str, ...]:
        """Values in the order in which they first occur."""
        return tuple(dict.fromkeys(self.value_of.values()))

    def of_pairs(self, pairs: Pairs) -> list[str | None]:
        """Return the value of each pair, None where there is none."""
        by_case = self.unit == "case"
        names = pairs.cases if by_case else pairs.readers
        values = [self.value_of.get(name) for name in names]
        return [values[place] for place in (pairs.case if by_case else pairs.reader)]


def subgroups_by(readings: Iterable[Reading], column: str) -> Subgroups:
    """Return the subgroups that a column makes.

    Raises:
        ValueError: If no reading has a value, a value is the same neither in all
            readings of a case nor in all of a reader, or there are one or more than
            eight.
    """
    given = [(reading, reading.column(column)) for reading in readings]
    known = [(reading, value) for reading, value in given if value]
    if not known:
        msg = "no reading has a value: responses.csv has no such column, or it is empty"
        raise ValueError(msg)
    values = dict.fromkeys(value for _, value in known)
    if not 2 <= len(values) <= MOST_VALUES:
        msg = f"subgroups must be 2 to {MOST_VALUES}, got {len(values)} values"
        raise ValueError(msg)
    for unit, name_of in _UNITS.items():
        found = {(name_of(reading), value) for reading, value in known}
        if len(found) == len({name for name, _ in found}):
            in_order = {name_of(reading): value for reading, value in known}
            return Subgroups(column, unit, in_order)
    msg = "it must be the same in all readings of a case, or in all of a reader"
    raise ValueError(msg)


_UNITS: Mapping[Unit, Callable[[Reading], str]] = {
    "case": lambda reading: reading.case,
    "reader": lambda reading: reading.reader,
}


def subgroup_difference(
    pairs: Pairs,
    inside: BoolArray,
    coefficient: Coefficient,
    unit: Unit = "case",
    variance: Variance = "crossed",
) -> ClusteredEstimate:
    """Return the coefficient inside a subgroup minus that outside.

    The subgroup may share its readers with the rest, or its cases: each pair counts
    with its influence on the difference. Where one side is small its influence is
    scaled up by what its own mean takes from it, and the degrees of freedom are no more
    than Welch's.

    Args:
        pairs: All pairs of both sides.
        inside: `(n,)` those of the subgroup.
        coefficient: Which coefficient.
        unit: What the subgroups are of.
        variance: What varies from study to study.

    References:
        Welch BL. Biometrika 1947;34:28. doi:10.1093/biomet/34.1-2.28
    """
    sides = [linearise(pairs.subset(kept), coefficient) for kept in (inside, ~inside)]
    units = pairs.case if unit == "case" else pairs.reader
    reason = _why_not(sides, [units[inside], units[~inside]], unit)
    influence = np.zeros(pairs.n)
    spreads = []
    for linear, kept, sign in zip(sides, (inside, ~inside), (1, -1), strict=True):
        if reason:
            break
        m = len(np.unique(units[kept]))
        own = linear.influence * math.sqrt(m / (m - 1))
        influence[kept] = sign * own * pairs.n / kept.sum()
        spreads.append((_variance_of_units(own, units[kept]), m - 1))
    n_units = max(2, len(np.unique(units)))
    linear = Linearised(
        sides[0].estimate - sides[1].estimate,
        influence * math.sqrt((n_units - 1) / n_units),
        Clusters(pairs.reader, pairs.case),
        reason,
        tuple(dict.fromkeys(caution for side in sides for caution in side.cautions)),
        (-1.0, 1.0) if math.isfinite(sides[0].bounds[0]) else (-math.inf, math.inf),
    )
    found = with_variance(linear, variance)
    return replace(found, df=min(found.df, _welch(spreads))) if spreads else found


def _why_not(sides: list[Linearised], units: list[IntArray], unit: Unit) -> str | None:
    for side in sides:
        if side.undefined_reason:
            return f"in a subgroup {side.undefined_reason}"
        if math.isnan(side.estimate):
            return "in a subgroup the coefficient is undefined"
    if min(len(np.unique(of_side)) for of_side in units) < 2:
        named = "patient" if unit == "case" else "reader"
        return f"a subgroup has fewer than two {named}s"
    return None


def _variance_of_units(influence: FloatArray, units: IntArray) -> float:
    sums = np.bincount(units, weights=influence)
    return float((sums**2).sum()) / len(influence) ** 2


def _welch(spreads: list[tuple[float, int]]) -> float:
    total = sum(variance for variance, _ in spreads)
    below = sum(variance**2 / df for variance, df in spreads)
    return total**2 / below if below else math.inf
