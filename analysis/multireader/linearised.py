"""An estimate that is a mean over pairs to first order, and its error."""

import math
from dataclasses import dataclass
from typing import Protocol, get_args

import numpy as np

from analysis.arrays import FloatArray
from analysis.multireader.bootstrap import Bootstrap, acceleration, resampled_sums
from analysis.multireader.cautions import few_clusters
from analysis.multireader.clusters import (
    Clusters,
    Spread,
    independent_spread,
    jackknife_spread,
    patient_spread,
)
from analysis.multireader.crossed import crossed_spread, unbiased_spread
from analysis.multireader.estimate import ClusteredEstimate, Variance
from analysis.multireader.resampled import BootstrapEstimate

NO_PAIRS = "there are no pairs"
ONE_CASE = "there is only one case, so nothing is known about others"
NOT_WITHOUT = "without one of the cases the coefficient is undefined"
NEGATIVE = "the unbiased variance comes out negative; `crossed` does not"
RARELY_DEFINED = "the coefficient is undefined in most of the resamples"
UNDEFINED = "the coefficient is undefined"
UNKNOWN = Spread(np.array(math.nan), np.array(math.nan))
_RESAMPLED = {"patient_bootstrap", "pigeonhole"}


class Recomputed(Protocol):
    """Computes an estimate anew from some of the pairs."""

    def resampled(self, bootstrap: Bootstrap, *, readers_too: bool) -> FloatArray:
        """Give the estimate of each resample, `(resamples,)`; NaN if undefined."""
        ...

    def without_each_case(self) -> FloatArray:
        """Give the estimate without each case in turn, `(cases,)`."""
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
    recomputed: Recomputed | None = None,
) -> ClusteredEstimate:
    """Give a linearised estimate the error that was asked for.

    Args:
        linear: The estimate and its influence values.
        variance: What varies; see `from_influence`.
        bootstrap: How to resample, if so.
        recomputed: Gives the estimate of resamples and of subsets; by default that of
            the linear form.

    Raises:
        ValueError: If the variance is unknown.
    """
    if variance not in get_args(Variance):
        known = ", ".join(get_args(Variance))
        msg = f"Variance must be one of {known}, got {variance!r}"
        raise ValueError(msg)
    reason = linear.undefined_reason or _reason(linear, variance)
    if reason is not None:
        return _result(linear, variance, UNKNOWN, reason)
    again = recomputed or _OfMean(linear)
    if variance in _RESAMPLED:
        return _bootstrapped(linear, variance, bootstrap or Bootstrap(), again)
    spread = _spread(linear, variance, again)
    if not spread.variance >= 0:
        unusable = NEGATIVE if spread.variance < 0 else NOT_WITHOUT
        return _result(linear, variance, UNKNOWN, unusable)
    return _result(linear, variance, spread)


@dataclass(frozen=True, eq=False)
class _OfMean:
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
        return NO_PAIRS
    if math.isnan(linear.estimate):
        return UNDEFINED
    if linear.clusters.n_cases == 1 and variance != "independent":
        return ONE_CASE
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
        cautions=linear.cautions + few_clusters(linear.clusters, variance),
        bounds=linear.bounds,
    )


def _spread(linear: Linearised, variance: Variance, again: Recomputed) -> Spread:
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
    linear: Linearised, variance: Variance, bootstrap: Bootstrap, again: Recomputed
) -> ClusteredEstimate:
    readers_too = variance == "pigeonhole"
    estimates = again.resampled(bootstrap, readers_too=readers_too)
    defined = estimates[np.isfinite(estimates)]
    n_undefined = len(estimates) - len(defined)
    if 2 * n_undefined > len(estimates):
        return _result(linear, variance, UNKNOWN, RARELY_DEFINED)
    cautions = linear.cautions + few_clusters(linear.clusters, variance)
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
