"""What a clustered statistic returns."""

import math
from dataclasses import dataclass
from typing import Literal

from scipy.special import ndtr, stdtr, stdtrit

from analysis.intervals import ConfidenceInterval, normal_quantile

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
class ClusteredEstimate:
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
        """Give estimate +- t x standard error.

        Where the interval says nothing, its limits are NaN and its `caution` tells why.

        Raises:
            ValueError: If the level is not between 0 and 1.
        """
        z = normal_quantile(confidence_level)
        if self.undefined_reason is not None:
            return ConfidenceInterval(math.nan, math.nan, self.undefined_reason)
        upper_tail = float(ndtr(z))
        quantile = z if math.isinf(self.df) else float(stdtrit(self.df, upper_tail))
        margin = quantile * self.standard_error
        return self._within_bounds(self.estimate - margin, self.estimate + margin)

    def p_value(self, null: float = 0.0) -> float:
        """Two-sided p-value of the hypothesis that the coefficient is `null`.

        NaN where the standard error carries no information.
        """
        if self.undefined_reason is not None:
            return math.nan
        distance = abs(self.estimate - null) / self.standard_error
        tail = ndtr(-distance) if math.isinf(self.df) else stdtr(self.df, -distance)
        return 2 * float(tail)

    def _within_bounds(self, low: float, high: float) -> ConfidenceInterval:
        return ConfidenceInterval(max(self.bounds[0], low), min(self.bounds[1], high))
