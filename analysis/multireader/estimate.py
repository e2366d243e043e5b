"""Estimates of readers x cases with the error that respects who read what."""

import math
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol, Self, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri, stdtr

from analysis.agreement.chance_corrected import ALL_AGREE, constant_method
from analysis.arrays import FloatArray
from analysis.errors import one_of
from analysis.intervals import (
    ConfidenceInterval,
    normal_quantile,
    student_quantile,
)
from analysis.multireader.clusters import (
    Bootstrap,
    Clusters,
    Limits,
    Spread,
    acceleration,
    crossed_spread,
    independent_spread,
    jackknife_spread,
    patient_spread,
    resampled_sums,
    unbiased_spread,
)
from analysis.multireader.pairs import Pairs
from analysis.showing import Shown

Variance = Literal[
    "independent",
    "patient",
    "jackknife",
    "crossed",
    "crossed_conservative",
    "crossed_unbiased",
    "patient_bootstrap",
    "pigeonhole",
]
"""What varies from study to study: pairs, patients, or patients and readers."""

NO_SPREAD = "nothing varies, so the standard error is 0 and carries no information"
_NO_ERROR = 1e-12  # what rounding leaves of a standard error of 0


@dataclass(frozen=True, eq=False)
class ClusteredEstimate(Shown):
    """An estimate whose error respects who read what, unrounded.

    Attributes:
        estimate: The coefficient; NaN where it is undefined.
        standard_error: Of the estimate; NaN where none can be given.
        df: Degrees of freedom of Student's t; infinite where z is used.
        n: Number of pairs.
        n_readers: Number of readers behind them.
        n_cases: Number of cases.
        variance: What was taken to vary.
        undefined_reason: Why the estimate or its interval carries no information, None
            where it does.
        cautions: What makes the interval less certain than it looks.
        bounds: Values that the coefficient can take; limits are cut off there.
    """

    estimate: float
    standard_error: float
    df: float
    n: int
    n_readers: int
    n_cases: int
    variance: Variance
    undefined_reason: str | None = None
    cautions: tuple[str, ...] = ()
    bounds: tuple[float, float] = (-math.inf, math.inf)

    def __post_init__(self) -> None:
        if self.undefined_reason is None and self.standard_error < _NO_ERROR:
            object.__setattr__(self, "undefined_reason", NO_SPREAD)

    def confidence_interval(self, confidence_level: float = 0.95) -> ConfidenceInterval:
        """Return estimate +- t x standard error.

        Where the interval says nothing, its limits are NaN and its `caution` tells why.

        Raises:
            ValueError: If the level is not between 0 and 1.
        """
        quantile = student_quantile(confidence_level, self.df)
        if self.undefined_reason is not None:
            return ConfidenceInterval(math.nan, math.nan, self.undefined_reason)
        return self._within_bounds(*self._limits(quantile))

    def p_value(self, null: float = 0.0) -> float:
        """Two-sided p-value of the hypothesis that the coefficient is `null`.

        NaN where the standard error carries no information.
        """
        if self.undefined_reason is not None:
            return math.nan
        t = self._distance(null)
        return 2 * float(ndtr(-t) if math.isinf(self.df) else stdtr(self.df, -t))

    def p_above(self, null: float) -> float:
        """One-sided p-value of the hypothesis that the coefficient is `null` or less.

        NaN where the standard error carries no information.
        """
        half = self.p_value(null) / 2
        return half if self.estimate > null else 1 - half

    def for_equivalence(self) -> Self:
        """Return the estimate as equivalence is judged on it, with fewer df.

        Whether the truth may lie at a margin is decided by how readers and cases would
        spread there. Satterthwaite's df, of their spread at the estimate, are too many
        then; here they are at most one fewer than readers or cases.
        """
        varying = [n for n in (self.n_readers, self.n_cases) if n > 1]
        return replace(self, df=min([self.df, *(n - 1.0 for n in varying)]))

    def _within_bounds(self, low: float, high: float) -> ConfidenceInterval:
        return ConfidenceInterval(max(self.bounds[0], low), min(self.bounds[1], high))

    def _limits(self, quantile: float) -> tuple[float, float]:
        """Limits of the interval of a quantile, before they are cut off."""
        margin = quantile * self.standard_error
        return self.estimate - margin, self.estimate + margin

    def _distance(self, null: float) -> float:
        """How many standard errors the estimate is away from a value."""
        return abs(self.estimate - null) / self.standard_error


_MANY_CASES = 15
_MANY_READERS = 5
_ONE_ANSWER_TAKES_ALL = 0.9
_ONE_ANSWER = (
    "both methods always drew the same one answer, so chance alone already gives "
    "perfect agreement"
)
_READERS_VARY = frozenset(
    {"crossed", "crossed_conservative", "crossed_unbiased", "pigeonhole"}
)


def _few_clusters(clusters: Clusters, variance: Variance) -> tuple[str, ...]:
    """Return in words where there are few readers or few cases."""
    if variance == "independent":
        alone = (
            "pairs of one reader or case are taken as independent, which they are not"
        )
        several = clusters.n > max(clusters.n_readers, clusters.n_cases)
        return (f"{alone}; the interval is too narrow",) if several else ()
    cautions = []
    if clusters.n_cases < _MANY_CASES:
        cautions.append(
            f"there are few cases ({clusters.n_cases}), so the interval may cover less "
            "often than it says"
        )
    if variance in _READERS_VARY:
        if clusters.n_readers == 1:
            cautions.append("there is one reader, so nothing is known about others")
        elif clusters.n_readers < _MANY_READERS:
            cautions.append(
                f"there are few readers ({clusters.n_readers}), so how much readers "
                "differ is hardly known"
            )
    return tuple(cautions)


def why_undefined(pairs: Pairs, *, chance_from_margins: bool) -> str | None:
    """Return why an agreement coefficient, or its error, carries no information.

    Args:
        pairs: The pairs.
        chance_from_margins: The coefficient expects by chance what the product of both
            methods' totals gives, as kappa does.
    """
    table = pairs.table
    if not pairs.n:
        return None
    given = table.row_totals + table.column_totals
    if chance_from_margins and np.count_nonzero(given) == 1:
        return _ONE_ANSWER
    if table.n_agree == table.n:
        return ALL_AGREE
    return constant_method(table) if chance_from_margins else None


def skewed_margins(pairs: Pairs) -> tuple[str, ...]:
    """Return in words where one answer takes nearly all, under either method."""
    table = pairs.table
    sides = (("reference", table.row_totals), ("test", table.column_totals))
    return tuple(
        f"{totals.max()} of {pairs.n} answers of the {method} method are "
        f"{table.categories[int(totals.argmax())]}: the others are too rare for the "
        "interval to be trusted"
        for method, totals in sides
        if pairs.n and totals.max() >= _ONE_ANSWER_TAKES_ALL * pairs.n
    )


@dataclass(frozen=True, eq=False)
class BootstrapEstimate(ClusteredEstimate):
    """An estimate whose interval is that of its resamples.

    Attributes:
        resampled: `(resamples,)` the estimate of each resample in which it is defined.
        acceleration: How fast the error changes with the estimate; for `bca`.
        limits: `percentile` or `bca`.
    """

    resampled: FloatArray = field(default_factory=lambda: np.empty(0), repr=False)
    acceleration: float = 0.0
    limits: Limits = "percentile"

    def confidence_interval(self, confidence_level: float = 0.95) -> ConfidenceInterval:
        """Return the limits that leave out as many resamples on either side.

        Raises:
            ValueError: If the level is not between 0 and 1.
        """
        z = normal_quantile(confidence_level)
        if self.undefined_reason is not None:
            return ConfidenceInterval(math.nan, math.nan, self.undefined_reason)
        shift = self._shift
        moved = np.array([shift - z, shift + z])
        shares = ndtr(shift + moved / (1 - self._acceleration * moved))
        low, high = np.quantile(self.resampled, shares)
        return self._within_bounds(float(low), float(high))

    def p_value(self, null: float = 0.0) -> float:
        """Return 1 - the level of the interval that just reaches `null`."""
        if self.undefined_reason is not None:
            return math.nan
        moved = _normal_score(self.resampled, null) - self._shift
        z = moved / (1 + self._acceleration * moved) - self._shift
        return 2 * float(ndtr(-abs(z)))

    @property
    def _acceleration(self) -> float:
        return self.acceleration if self.limits == "bca" else 0.0

    @property
    def _shift(self) -> float:
        """Median bias in units of the error; 0 for percentile limits."""
        if self.limits == "percentile":
            return 0.0
        return _normal_score(self.resampled, self.estimate)


def _normal_score(resampled: FloatArray, value: float) -> float:
    """Normal quantile of the share of resamples below a value, ties counted half."""
    below = np.count_nonzero(resampled < value)
    ties = np.count_nonzero(resampled == value)
    return float(ndtri((below + ties / 2 + 0.5) / (len(resampled) + 1)))


_NO_PAIRS = "there are no pairs"
_ONE_CASE = "there is only one case, so nothing is known about others"
_NOT_WITHOUT = "without one of the cases the coefficient is undefined"
_NEGATIVE = "the unbiased variance comes out negative; `crossed` does not"
_RARELY_DEFINED = "the coefficient is undefined in most of the resamples"
_UNDEFINED = "the coefficient is undefined"
_UNKNOWN = Spread(np.array(math.nan), np.array(math.nan))
_RESAMPLED = {"patient_bootstrap", "pigeonhole"}


class Resampler(Protocol):
    """Computes an estimate anew from some of the pairs."""

    def resampled(self, bootstrap: Bootstrap, *, readers_too: bool) -> FloatArray:
        """Return the estimate of each resample, `(resamples,)`; NaN if undefined."""
        ...

    def without_each_case(self) -> FloatArray:
        """Return the estimate without each case in turn, `(cases,)`."""
        ...


@dataclass(frozen=True, eq=False)
class Linearised:
    """An estimate and what each pair contributes to it.

    Attributes:
        estimate: The coefficient.
        influence: `(n,)` influence of each pair; their mean is 0.
        clusters: Who read what.
        undefined_reason: Why the estimate or its error carries no information.
        cautions: What makes the interval less certain than it looks.
        bounds: Values that the coefficient can take.
    """

    estimate: float
    influence: FloatArray
    clusters: Clusters
    undefined_reason: str | None = None
    cautions: tuple[str, ...] = ()
    bounds: tuple[float, float] = (-math.inf, math.inf)


def with_variance(
    linear: Linearised,
    variance: Variance,
    bootstrap: Bootstrap | None = None,
    recomputed: Resampler | None = None,
) -> ClusteredEstimate:
    """Return a linearised estimate with the error asked for.

    Args:
        linear: The estimate and its influence values.
        variance: What varies; see `from_influence`.
        bootstrap: How to resample, if so.
        recomputed: Gives the estimate of resamples and of subsets; by default that of
            the linear form.

    Raises:
        ValueError: If the variance is unknown.
    """
    one_of("Variance", variance, get_args(Variance))
    reason = linear.undefined_reason or _reason(linear, variance)
    if reason is not None:
        return _result(linear, variance, _UNKNOWN, reason)
    again = recomputed or _LinearResampler(linear)
    if variance in _RESAMPLED:
        return _bootstrapped(linear, variance, bootstrap or Bootstrap(), again)
    spread = _spread(linear, variance, again)
    if not spread.variance >= 0:
        unusable = _NEGATIVE if spread.variance < 0 else _NOT_WITHOUT
        return _result(linear, variance, _UNKNOWN, unusable)
    return _result(linear, variance, spread)


@dataclass(frozen=True, eq=False)
class _LinearResampler:
    """Computes the estimate plus the mean influence of some of the pairs."""

    linear: Linearised

    def resampled(self, bootstrap: Bootstrap, *, readers_too: bool) -> FloatArray:
        influence = self.linear.influence
        both = np.stack([influence, np.ones_like(influence)], axis=1)
        sums = resampled_sums(
            self.linear.clusters, both, bootstrap, readers_too=readers_too
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.linear.estimate + sums[:, 0] / sums[:, 1])

    def without_each_case(self) -> FloatArray:
        clusters = self.linear.clusters
        sums = self.linear.influence @ clusters.of_case
        return np.asarray(
            self.linear.estimate - sums / (clusters.n - clusters.per_case)
        )


def _reason(linear: Linearised, variance: Variance) -> str | None:
    if linear.clusters.n == 0:
        return _NO_PAIRS
    if math.isnan(linear.estimate):
        return _UNDEFINED
    if linear.clusters.n_cases == 1 and variance != "independent":
        return _ONE_CASE
    return None


def _result(
    linear: Linearised, variance: Variance, spread: Spread, reason: str | None = None
) -> ClusteredEstimate:
    return ClusteredEstimate(
        estimate=linear.estimate,
        standard_error=math.sqrt(spread.variance),
        df=float(spread.df),
        n=linear.clusters.n,
        n_readers=linear.clusters.n_readers,
        n_cases=linear.clusters.n_cases,
        variance=variance,
        undefined_reason=reason,
        cautions=linear.cautions + _few_clusters(linear.clusters, variance),
        bounds=linear.bounds,
    )


def _spread(linear: Linearised, variance: Variance, again: Resampler) -> Spread:
    clusters, influence = linear.clusters, linear.influence
    if variance == "independent":
        return independent_spread(clusters, influence)
    if variance == "jackknife":
        return jackknife_spread(again.without_each_case())
    if variance == "patient" or clusters.n_readers == 1:
        return patient_spread(clusters, influence)
    if variance == "crossed_unbiased":
        return unbiased_spread(clusters, influence)
    conservative = variance == "crossed_conservative"
    return crossed_spread(clusters, influence, conservative=conservative)


def _bootstrapped(
    linear: Linearised, variance: Variance, bootstrap: Bootstrap, again: Resampler
) -> ClusteredEstimate:
    readers_too = variance == "pigeonhole"
    estimates = again.resampled(bootstrap, readers_too=readers_too)
    defined = estimates[np.isfinite(estimates)]
    n_undefined = len(estimates) - len(defined)
    if 2 * n_undefined > len(estimates):
        return _result(linear, variance, _UNKNOWN, _RARELY_DEFINED)
    cautions = linear.cautions + _few_clusters(linear.clusters, variance)
    if n_undefined:
        share = f"{n_undefined} of {len(estimates)} resamples"
        cautions += (f"the coefficient is undefined in {share}, which are left out",)
    clusters = linear.clusters
    return BootstrapEstimate(
        estimate=linear.estimate,
        standard_error=float(defined.std(ddof=1)),
        df=math.inf,
        n=clusters.n,
        n_readers=clusters.n_readers,
        n_cases=clusters.n_cases,
        variance=variance,
        cautions=cautions,
        bounds=linear.bounds,
        resampled=defined,
        acceleration=acceleration(clusters, linear.influence, readers_too=readers_too),
        limits=bootstrap.limits,
    )


def from_influence(
    estimate: float,
    influence: ArrayLike,
    readers: ArrayLike,
    cases: ArrayLike,
    variance: Variance = "crossed",
) -> ClusteredEstimate:
    """Return an estimate that is, to first order, a mean over pairs, with its error.

    The jackknife and the bootstraps are those of that mean.

    Args:
        estimate: The estimate.
        influence: `(n,)` influence of each pair on it, centred: their mean is 0, and
            the sum of squares over n^2 is the variance of independent pairs.
        readers: `(n,)` whole numbers, one per reader.
        cases: `(n,)` whole numbers, one per case.
        variance: What varies from study to study: `independent` pairs, cases
            (`patient`, `jackknife`, `patient_bootstrap`), or readers and cases
            (`crossed`, `crossed_conservative`, `pigeonhole`).

    Raises:
        ValueError: If the three differ in length or the variance is unknown.

    Examples:
        >>> gap = [-0.5, 0.5, 0.5, -0.5]
        >>> from_influence(0.7, gap, [1, 2, 1, 2], [1, 1, 2, 2], "independent")
        ... # doctest: +ELLIPSIS
        ClusteredEstimate(estimate=0.7, standard_error=0.25, df=inf, n=4, ...
    """
    values = np.asarray(influence, dtype=np.float64)
    reader, case = np.asarray(readers), np.asarray(cases)
    if values.ndim != 1 or not values.shape == reader.shape == case.shape:
        got = f"{values.shape}, {reader.shape} and {case.shape}"
        msg = f"Influence, readers and cases must be (n,) each, got {got}"
        raise ValueError(msg)
    linear = Linearised(estimate, values, Clusters(reader, case))
    return with_variance(linear, variance)


def mean_of(
    values: ArrayLike,
    readers: ArrayLike,
    cases: ArrayLike,
    variance: Variance = "crossed",
) -> ClusteredEstimate:
    """Mean of a value per pair, such as 1 where both answers agree.

    Args:
        values: `(n,)` numbers.
        readers: `(n,)` whole numbers, one per reader.
        cases: `(n,)` whole numbers, one per case.
        variance: What varies; see `from_influence`.

    Raises:
        ValueError: If the three differ in length or the variance is unknown.
    """
    given = np.asarray(values, dtype=np.float64)
    mean = float(given.mean()) if given.size else math.nan
    return from_influence(mean, given - mean, readers, cases, variance)
