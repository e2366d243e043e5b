"""Confidence intervals, and five of them for a proportion."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from scipy.special import betaincinv, ndtri

from analysis.errors import as_number, as_whole
from analysis.showing import Shown

ProportionMethod = Literal[
    "wilson", "wald", "agresti_coull", "clopper_pearson", "jeffreys"
]


@dataclass(frozen=True)
class ConfidenceInterval(Shown):
    """Two limits, and why they say nothing where they do.

    Attributes:
        low: Lower limit.
        high: Upper limit.
        caution: Why the interval carries no information (as the `[0, 0]` that a
            formula gives when one method always drew the same answer), else None.
    """

    low: float
    high: float
    caution: str | None = None


def normal_quantile(confidence_level: float) -> float:
    """Return the two-sided normal quantile, 1.96 for 0.95.

    Raises:
        ValueError: If the level is not between 0 and 1.
    """
    if not 0 < as_number("Confidence level", confidence_level) < 1:
        msg = f"Confidence level must be between 0 and 1, got {confidence_level:g}"
        raise ValueError(msg)
    return float(ndtri((1 + confidence_level) / 2))


def proportion_interval(
    successes: int,
    n: int,
    confidence_level: float = 0.95,
    method: ProportionMethod = "wilson",
) -> ConfidenceInterval:
    """Confidence interval of a binomial proportion.

    Args:
        successes: Number of successes, 0 to n.
        n: Number of trials; with 0 the limits are NaN, with the reason.
        confidence_level: Between 0 and 1.
        method: `wilson` (score without continuity correction: the one that gives the
            intervals of the paper's Table 1), `wald`, `agresti_coull` (both cut off
            at 0 and 1), `clopper_pearson` (exact) or `jeffreys` (with 0 or 1 as
            limit where there are no or only successes).

    Raises:
        ValueError: If the counts, the level or the method are impossible.

    References:
        Brown LD, Cai TT, DasGupta A. Statist Sci 2001;16:101. doi:10.1214/ss/1009213286
    """
    z = normal_quantile(confidence_level)
    successes, n = as_whole("Successes", successes), as_whole("Trials", n)
    if not 0 <= successes <= n:
        msg = f"Successes must be between 0 and n = {n}, got {successes}"
        raise ValueError(msg)
    if method not in get_args(ProportionMethod):
        known = ", ".join(get_args(ProportionMethod))
        msg = f"Interval method must be one of {known}, got {method}"
        raise ValueError(msg)
    if n == 0:
        return ConfidenceInterval(math.nan, math.nan, "there are no pairs")
    if method in {"clopper_pearson", "jeffreys"}:
        shift = 0.0 if method == "clopper_pearson" else 0.5
        return _beta_interval(successes, n, (1 - confidence_level) / 2, shift)
    return _score_interval(successes / n, n, z, method)


def _score_interval(p: float, n: int, z: float, method: str) -> ConfidenceInterval:
    """Wald, and the two intervals centred on Wilson's shrunken proportion."""
    if method == "wald":
        margin = z * math.sqrt(p * (1 - p) / n)
        return ConfidenceInterval(max(0.0, p - margin), min(1.0, p + margin))
    larger_n = n + z**2
    centre = (n * p + z**2 / 2) / larger_n
    if method == "agresti_coull":
        margin = z * math.sqrt(centre * (1 - centre) / larger_n)
    else:
        margin = z * math.sqrt(n * p * (1 - p) + z**2 / 4) / larger_n
    # At p = 0 and 1 Wilson's limits are 0 and 1 exactly; rounding must not say else.
    low = 0.0 if p == 0 else max(0.0, centre - margin)
    high = 1.0 if p == 1 else min(1.0, centre + margin)
    return ConfidenceInterval(low, high)


def _beta_interval(x: int, n: int, tail: float, shift: float) -> ConfidenceInterval:
    """Beta quantiles: Clopper-Pearson (shift 0) and Jeffreys (shift 1/2)."""
    outer = 1 - shift
    low = 0.0 if x == 0 else float(betaincinv(x + shift, n - x + outer, tail))
    high = 1.0 if x == n else float(betaincinv(x + outer, n - x + shift, 1 - tail))
    return ConfidenceInterval(low, high)
