"""Agreement of two methods: bias with its limits, and intraclass correlation, ICC(2,1).

References:
    Bland JM, Altman DG. Lancet 1986;327:307. doi:10.1016/S0140-6736(86)90837-8
    Shrout PE, Fleiss JL. Psychol Bull 1979;86:420. doi:10.1037/0033-2909.86.2.420
    McGraw KO, Wong SP. Psychol Methods 1996;1:30. doi:10.1037/1082-989X.1.1.30
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats


@dataclass(frozen=True)
class Interval:
    """Limits of a confidence interval; NaN where none can be given."""

    low: float
    high: float


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


@dataclass(frozen=True)
class IntraclassCorrelation:
    """Two-way random effects, single measurement, absolute agreement.

    Attributes:
        n: Subjects.
        k: Methods (raters).
        subjects: Mean square between subjects.
        methods: Mean square between methods.
        error: Residual mean square.
    """

    n: int
    k: int
    subjects: float
    methods: float
    error: float

    @property
    def estimate(self) -> float:
        """ICC(2,1); NaN if every value is the same."""
        n, k = self.n, self.k
        between = k * (self.methods - self.error) / n
        below = self.subjects + (k - 1) * self.error + between
        return (self.subjects - self.error) / below if below else math.nan

    def confidence_interval(self, confidence_level: float = 0.95) -> Interval:
        """Interval from F with Satterthwaite's degrees of freedom.

        It has no width to estimate, and is NaN, where methods agree exactly.
        """
        n, k, rho = self.n, self.k, self.estimate
        if not rho < 1:
            return Interval(math.nan, math.nan)
        quantile = (1 + confidence_level) / 2
        a = k * rho / (n * (1 - rho)) * self.methods
        b = (1 + k * rho * (n - 1) / (n * (1 - rho))) * self.error
        pieces = a**2 / (k - 1) + b**2 / ((n - 1) * (k - 1))
        if not pieces:
            return Interval(math.nan, math.nan)
        df = (a + b) ** 2 / pieces
        rest = k * self.methods + (k * n - k - n) * self.error
        f_low = float(stats.f.ppf(quantile, n - 1, df))
        f_high = float(stats.f.ppf(quantile, df, n - 1))
        low = (self.subjects - f_low * self.error) * n
        high = (f_high * self.subjects - self.error) * n
        return Interval(
            low / (f_low * rest + n * self.subjects),
            high / (rest + n * f_high * self.subjects),
        )


def intraclass_correlation(values: ArrayLike) -> IntraclassCorrelation:
    """Measure how far methods give the same value, not only the same order.

    Args:
        values: `(subjects, methods)`, complete.

    Raises:
        ValueError: If there are fewer than 2 subjects or methods, or a value is not
            finite.

    Examples:
        >>> intraclass_correlation([[1, 1], [2, 2], [3, 3]]).estimate
        1.0
    """
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 2 or min(x.shape) < 2:
        msg = f"There must be 2 subjects and 2 methods or more, got shape {x.shape}"
        raise ValueError(msg)
    if not np.isfinite(x).all():
        msg = "Values must be finite, got NaN or infinite ones"
        raise ValueError(msg)
    n, k = x.shape
    centred = x - x.mean()
    rows, columns = centred.mean(axis=1), centred.mean(axis=0)
    rest = centred - rows[:, None] - columns
    return IntraclassCorrelation(
        n=n,
        k=k,
        subjects=float(k * rows @ rows / (n - 1)),
        methods=float(n * columns @ columns / (k - 1)),
        error=float((rest**2).sum() / ((n - 1) * (k - 1))),
    )
