"""Confidence intervals, and five of them for a proportion."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from scipy.special import ndtr, ndtri, stdtrit

from analysis.errors import as_number, as_whole
from analysis.showing import Shown

ProportionMethod = Literal[
    "wilson", "wald", "agresti_coull", "clopper_pearson", "jeffreys"
]
_OF_STATSMODELS: Mapping[str, str] = {"wald": "normal", "clopper_pearson": "beta"}


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


def student_quantile(confidence_level: float, df: float) -> float:
    """Return t of a two-sided interval; z where the degrees of freedom are infinite.

    Raises:
        ValueError: If the level is not between 0 and 1.
    """
    z = normal_quantile(confidence_level)
    return z if math.isinf(df) else float(stdtrit(df, float(ndtr(z))))


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
    normal_quantile(confidence_level)  # refuses what is no level
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
    from statsmodels.stats import proportion

    known_as = _OF_STATSMODELS.get(method, method)
    low, high = proportion.proportion_confint(
        successes, n, 1 - confidence_level, known_as
    )
    # Of Jeffreys, as Brown, Cai and DasGupta modify it; of the others against rounding.
    return ConfidenceInterval(
        0.0 if successes == 0 else float(low), 1.0 if successes == n else float(high)
    )
