"""An estimate whose interval is that of its resamples."""

import math
from dataclasses import dataclass, field

import numpy as np
from scipy.special import ndtr, ndtri

from analysis.arrays import FloatArray
from analysis.intervals import ConfidenceInterval, normal_quantile
from analysis.multireader.bootstrap import Limits
from analysis.multireader.estimate import ClusteredEstimate


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
        """Give the limits that leave out as many resamples on either side.

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
        """Give 1 - the level of the interval that just reaches `null`."""
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
