"""Bias and limits of agreement of two methods.

References:
    Bland JM, Altman DG. Lancet 1986;327:307. doi:10.1016/S0140-6736(86)90837-8
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from magic_model.metrics.interval import Interval

_LIMIT = 1.96


@dataclass(frozen=True)
class BlandAltman:
    """Differences of two methods, test minus reference.

    Attributes:
        n: Pairs.
        bias: Mean difference.
        standard_deviation: Of the differences (n - 1); NaN for one pair.
    """

    n: int
    bias: float
    standard_deviation: float

    @property
    def limits(self) -> Interval:
        """Limits of agreement, bias -+ 1.96 standard deviations."""
        half = _LIMIT * self.standard_deviation
        return Interval(self.bias - half, self.bias + half)

    def bias_interval(self, confidence_level: float = 0.95) -> Interval:
        """Confidence interval of the bias (t distribution); NaN below two pairs."""
        if self.n < 2:
            return Interval(math.nan, math.nan)
        t = float(stats.t.ppf((1 + confidence_level) / 2, self.n - 1))
        half = t * self.standard_deviation / math.sqrt(self.n)
        return Interval(self.bias - half, self.bias + half)


def bland_altman(reference: ArrayLike, test: ArrayLike) -> BlandAltman:
    """Compare two methods on the same patients.

    Args:
        reference: `(n,)`.
        test: `(n,)`.

    Raises:
        ValueError: If lengths differ, there is no pair, or a value is not finite.
    """
    a, b = np.asarray(reference, np.float64), np.asarray(test, np.float64)
    if a.shape != b.shape or a.ndim != 1 or not a.size:
        msg = f"There must be one or more pairs, got shapes {a.shape} and {b.shape}"
        raise ValueError(msg)
    difference = b - a
    if not np.isfinite(difference).all():
        msg = "Values must be finite, got NaN or infinite ones"
        raise ValueError(msg)
    spread = float(difference.std(ddof=1)) if len(a) > 1 else math.nan
    return BlandAltman(len(a), float(difference.mean()), spread)
