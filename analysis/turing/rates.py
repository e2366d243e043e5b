"""Rates of judgements, and what each judgement contributes to them."""

import math
from dataclasses import dataclass, replace

import numpy as np

from analysis.arrays import BoolArray, FloatArray
from analysis.multireader.estimate import ClusteredEstimate, Variance
from analysis.multireader.variance import from_influence
from analysis.turing.judgements import Judgements


@dataclass(frozen=True, eq=False)
class Linear:
    """A number with its first-order expansion over judgements.

    Attributes:
        value: The number.
        contribution: `(n,)` what each judgement adds to it beyond its share; sums to 0.
        members: `(n,)` judgements that it depends on.
    """

    value: float
    contribution: FloatArray
    members: BoolArray

    def __add__(self, other: "Linear") -> "Linear":
        """Sum of two numbers."""
        return Linear(
            self.value + other.value,
            self.contribution + other.contribution,
            self.members | other.members,
        )

    def times(self, factor: float) -> "Linear":
        """Multiple of the number."""
        return Linear(self.value * factor, self.contribution * factor, self.members)

    def mapped(self, value: float, slope: float) -> "Linear":
        """Function of the number, by its value and its slope there (delta method)."""
        return Linear(value, self.contribution * slope, self.members)

    def spread_over(self, kept: BoolArray) -> "Linear":
        """Expand a number of some judgements over all, `kept` telling which."""
        contribution, members = np.zeros(len(kept)), np.zeros(len(kept), dtype=bool)
        contribution[kept], members[kept] = self.contribution, self.members
        return Linear(self.value, contribution, members)


def share(event: BoolArray, members: BoolArray) -> Linear:
    """Share of events among some judgements; NaN where there are none."""
    n = int(members.sum())
    rate = float(event[members].mean()) if n else math.nan
    of_each = np.where(members, (event - rate) / max(1, n), 0.0)
    return Linear(rate, of_each, members)


def clustered(
    linear: Linear,
    judgements: Judgements,
    variance: Variance,
    bounds: tuple[float, float] = (-math.inf, math.inf),
) -> ClusteredEstimate:
    """Give a number its error; both pictures of a reader's case count as one pair.

    Args:
        linear: The number.
        judgements: What it was computed from.
        variance: What varies from study to study.
        bounds: Values that it can take.
    """
    kept = linear.members
    n_cases = max(1, len(judgements.cases))
    place = judgements.reader[kept] * n_cases + judgements.case[kept]
    pairs, of_pair = np.unique(place, return_inverse=True)
    sums = np.bincount(of_pair, linear.contribution[kept], minlength=len(pairs))
    readers, cases = np.divmod(pairs, n_cases)
    estimate = from_influence(
        linear.value, len(pairs) * sums, readers, cases, variance=variance
    )
    if math.isnan(linear.value):
        reason = "pictures of both methods must have been judged, and were not"
        return replace(estimate, undefined_reason=reason)
    return replace(estimate, bounds=bounds)
