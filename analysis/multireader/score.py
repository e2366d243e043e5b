"""Score intervals: the error that an estimate would have if the truth were another.

estimate +- t x standard error takes the error seen for that of every possible truth.
Near the end of a scale, and where one answer takes nearly all, that is too narrow on
the side that flatters. A score interval holds all truths that the data do not refute:
those within t of their own standard errors from the estimate, as Wilson's does for a
proportion and Tango's for a difference of proportions.

Readers and cases make pairs go together; their error is that of independent pairs times
the design effect, the ratio of the two variances at the estimate. A score interval with
the error of independent pairs times this effect is the one of the effective number of
pairs, n over the design effect, less one as in the variance of a sample.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from analysis.agreement.chance_corrected import ALL_AGREE
from analysis.arrays import FloatArray, IntArray
from analysis.intervals import ConfidenceInterval, student_quantile
from analysis.multireader.estimate import (
    NO_SPREAD,
    ClusteredEstimate,
    Variance,
    mean_of,
)

SCORED: frozenset[Variance] = frozenset(
    {"patient", "jackknife", "crossed", "crossed_conservative", "crossed_unbiased"}
)
"""What varies where intervals are score intervals; resamples have their own, and pairs
taken as independent are shown as others print them."""

_TOLERANCE = 1e-10
_FEWEST = 0.5  # effective pairs, however much readers and cases go together
_SMALL = 1e-300  # no division by 0 at the ends
_JUST = 1e-9  # inside, where a table without disagreement has no error at all


class Truth(NamedTuple):
    """What the truth might be, and the error that an estimate would then have.

    Attributes:
        value: Of the coefficient.
        variance: Of the estimate, pairs taken as independent.
    """

    value: float
    variance: float


@dataclass(frozen=True)
class Truths:
    """All that the truth might be, along one line from what was seen.

    Attributes:
        at: Truth at a place of the line.
        seen: Place of the estimate.
        lowest: Place of the smallest value.
        highest: Place of the largest one.
    """

    at: Callable[[float], Truth]
    seen: float
    lowest: float
    highest: float

    def towards(self, end: float, refuted: Callable[[Truth], float]) -> float:
        """Return the value at which the data begin to refute, or that at the end.

        Args:
            end: `lowest` or `highest`.
            refuted: Above 0 where the data refute a truth.
        """
        if refuted(self.at(end)) <= 0 or abs(end - self.seen) <= _JUST:
            return self.at(end).value
        start = self.seen + _JUST * (end - self.seen)
        if refuted(self.at(start)) >= 0:
            return self.at(self.seen).value
        place = brentq(lambda x: refuted(self.at(x)), start, end, xtol=_TOLERANCE)
        return self.at(float(place)).value

    def variance_at(self, value: float) -> float:
        """Return the variance if the truth were a value; that at the end beyond it."""
        seen = self.at(self.seen).value
        end = self.lowest if value < seen else self.highest
        gap = self.at(end).value - value
        if gap * (seen - value) >= 0:  # the line does not reach so far, or is there
            place = self.seen if abs(seen - value) <= _TOLERANCE else end
            return self.at(place).variance
        place = brentq(lambda x: self.at(x).value - value, self.seen, end)
        return self.at(float(place)).variance


@dataclass(frozen=True, eq=False)
class ScoreEstimate(ClusteredEstimate):
    """An estimate whose interval holds the truths that the data do not refute.

    Attributes:
        truths: What the truth might be.
        design_effect: Variance over that of independent pairs.
    """

    truths: Truths = field(repr=False, kw_only=True)
    design_effect: float = field(kw_only=True)
    _found: dict[float, tuple[float, float]] = field(
        default_factory=dict, init=False, repr=False
    )

    def __post_init__(self) -> None:
        """Keep the interval where no pair differs: it does not rest on their spread."""

    @property
    def n_effective(self) -> float:
        """Number of independent pairs that would tell as much."""
        return self.n / self.design_effect

    def wald_interval(self, confidence_level: float = 0.95) -> ConfidenceInterval:
        """Return estimate +- t x standard error, cut off at the bounds.

        Raises:
            ValueError: If the level is not between 0 and 1.
        """
        quantile = student_quantile(confidence_level, self.df)
        if self.undefined_reason is not None:
            return ConfidenceInterval(math.nan, math.nan, self.undefined_reason)
        return self._within_bounds(*super()._limits(quantile))

    def _limits(self, quantile: float) -> tuple[float, float]:
        """All truths within a number of their own errors from the estimate."""
        if quantile not in self._found:
            self._found[quantile] = self._solved(quantile)
        return self._found[quantile]

    def _solved(self, quantile: float) -> tuple[float, float]:
        def refuted(truth: Truth) -> float:
            allowed = quantile**2 * self.design_effect * truth.variance
            return (truth.value - self.estimate) ** 2 - allowed

        def limit(end: float, sign: int) -> float:
            found = self.truths.towards(end, refuted)
            last = self.truths.at(end)
            if found == last.value:  # the data refute nothing: the last error goes on
                error = quantile * math.sqrt(self.design_effect * last.variance)
                found = sign * max(sign * found, sign * self.estimate + error)
            return sign * max(sign * found, sign * self.estimate)

        return limit(self.truths.lowest, -1), limit(self.truths.highest, 1)

    def _distance(self, null: float) -> float:
        distance = abs(self.estimate - null)
        if distance <= _TOLERANCE:
            return 0.0
        spread = math.sqrt(self.design_effect * self.truths.variance_at(null))
        return distance / spread if spread else math.inf


def with_score_interval(
    estimate: ClusteredEstimate, truths: Truths
) -> ClusteredEstimate:
    """Return an estimate with the score interval of its effective number of pairs.

    Where no pair differs from another the data tell no design effect; all pairs of a
    case then count as one.

    Args:
        estimate: With its standard error and degrees of freedom.
        truths: What the truth might be, with the errors of independent pairs.
    """
    alone, together = truths.at(truths.seen).variance, estimate.standard_error**2
    # Not min(): without a standard error `together` is NaN, and rounding may leave
    # something of `alone` where all agree.
    seen = alone > _TOLERANCE**2 and together > _TOLERANCE**2
    if estimate.undefined_reason not in {None, NO_SPREAD, ALL_AGREE}:
        return estimate
    if estimate.n_cases < 2:
        return estimate
    return ScoreEstimate(
        estimate=estimate.estimate,
        standard_error=estimate.standard_error,
        df=estimate.df if seen else float(estimate.n_cases - 1),
        n=estimate.n,
        n_readers=estimate.n_readers,
        n_cases=estimate.n_cases,
        variance=estimate.variance,
        undefined_reason=None,
        cautions=estimate.cautions,
        bounds=estimate.bounds,
        truths=truths,
        design_effect=estimate.n / float(effective_number(together / alone, estimate.n))
        if seen
        else estimate.n / estimate.n_cases,
    )


def effective_number(ratio: ArrayLike, n: int) -> FloatArray:
    """Return the effective number of pairs.

    It is one less, as n - 1 in the variance of a sample, and as Miettinen and Nurminen
    have it.

    Args:
        ratio: Variance over that of independent pairs.
        n: Number of pairs.
    """
    return np.asarray(np.maximum(n / np.asarray(ratio) - 1, _FEWEST))


def proportions(estimate: float, n: int) -> Truths:
    """Return what a proportion might be: Wilson's interval of n pairs.

    References:
        Wilson EB. J Am Stat Assoc 1927;22:209. doi:10.1080/01621459.1927.10502953
    """
    return Truths(lambda p: Truth(p, p * (1 - p) / n), float(estimate), 0.0, 1.0)


def differences(events: tuple[int, int], sizes: tuple[int, int]) -> Truths:
    """Return what the first of two proportions minus the second might be.

    The two proportions of a difference are the likeliest that have it.

    Args:
        events: Number of events in either group.
        sizes: Size of either group, 1 or more.

    References:
        Mee RW. Biometrics 1984;40:1175. doi:10.2307/2531176
    """
    first, second = (count / size for count, size in zip(events, sizes, strict=True))

    def at(difference: float) -> Truth:
        likeliest = _likeliest(events, sizes, difference)
        shares = (likeliest + difference, likeliest)
        spread = sum(p * (1 - p) / n for p, n in zip(shares, sizes, strict=True))
        return Truth(difference, max(0.0, spread))

    return Truths(at, first - second, -1.0, 1.0)


def _likeliest(
    events: tuple[int, int], sizes: tuple[int, int], difference: float
) -> float:
    """Return the second proportion at which both groups are likeliest.

    The slope of the likelihood in it falls from above 0 to below 0 between the ends at
    which one of the proportions is 0 or 1.
    """
    ends = max(0.0, -difference), min(1.0, 1.0 - difference)
    inside = _JUST * (ends[1] - ends[0])

    def slope(second: float) -> float:
        total = 0.0
        for count, size, share in zip(
            events, sizes, (second + difference, second), strict=True
        ):
            total += (count / size - share) * size / max(share * (1 - share), _SMALL)
        return total

    low, high = ends[0] + inside, ends[1] - inside
    if slope(low) <= 0:
        return ends[0]
    if slope(high) >= 0:
        return ends[1]
    return float(brentq(slope, low, high, xtol=_TOLERANCE))


def proportion_of(
    events: ArrayLike,
    readers: ArrayLike,
    cases: ArrayLike,
    variance: Variance = "crossed",
) -> ClusteredEstimate:
    """Share of pairs with an event, with Wilson's interval on effective n.

    Arguments and errors are those of `mean_of`.
    """
    share = replace(
        mean_of(events, readers, cases, variance=variance), bounds=(0.0, 1.0)
    )
    if variance not in SCORED or not share.n:
        return share
    return with_score_interval(share, proportions(share.estimate, share.n))


CoefficientOf = Callable[[FloatArray], tuple[FloatArray, FloatArray]]
"""From shares `(k, k)` to a coefficient and the influence of a pair in each cell."""


def tilted_tables(counts: IntArray | FloatArray, coefficient: CoefficientOf) -> Truths:
    """Return what a coefficient of agreement might be, by moving the table seen.

    Agreeing cells are made heavier by one factor and all others lighter by another; the
    place on the line is the share of pairs that disagree. Of percent agreement this is
    Wilson's interval.

    A category in use on which nobody agreed gets agreeing pairs as by chance with the
    weight of one pair, and so do all others where nobody disagreed: what was not seen
    is not impossible.

    Args:
        counts: `(k, k)` pairs of answers.
        coefficient: Coefficient and influence of shares.
    """
    n = float(counts.sum())
    shares = np.asarray(counts / n)
    margins = (shares.sum(axis=0) + shares.sum(axis=1)) / 2
    agreeing = np.where(np.diag(shares) > 0, np.diag(shares), margins / n)
    others = shares - np.diag(np.diag(shares))
    if not others.any():
        others = np.outer(margins, margins) * (1 - np.eye(len(shares)))
    if not others.any():  # one answer took all
        others = 1 - np.eye(len(shares))
    same, apart = np.diag(agreeing / agreeing.sum()), others / others.sum()

    def at(share: float) -> Truth:
        table = (1 - share) * same + share * apart
        at_table, influence = coefficient(table)
        spread = float((table * influence**2).sum())
        if not math.isfinite(spread):  # nan_to_num for all would take most of the time
            spread = float((table * np.nan_to_num(influence) ** 2).sum())
        value = 1.0 if share == 0 else float(at_table)
        return Truth(0.0 if math.isnan(value) else value, spread / n)

    return Truths(at, 1 - float(np.trace(shares)), 1.0, 0.0)
