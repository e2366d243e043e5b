"""Intervals and tests that hold where estimate +- t x error does not.

Near 1, and with few cases, an accuracy spreads to one side, and the degrees of freedom
of Hillis take the covariances as known. Here a modality has limits on the logit scale.
A difference has the wider, on each side, of estimate +- t x error and of what the logit
limits of both modalities give (square and add, with the correlation of both: Zou and
Donner 2008, doi:10.1002/sim.3095). The degrees of freedom are the smaller of Hillis'
and of BDG, or of `LeftOutDf` where values are no means of terms; limits of those lie
around the estimate less its bias. `benchmarks.accuracy` says how often these miss.
"""

import math
from collections.abc import Hashable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from analysis.accuracy.cells import LeftOut
from analysis.accuracy.inference import (
    Error,
    Inference,
    NonInferiority,
    infer,
    non_inferior,
    quantile,
    upper_tail,
)
from analysis.accuracy.obuchowski_rockette import Anova

FloatArray = NDArray[np.float64]

_STEPS = np.linspace(0, 1, 65)[1:]
_NO_LOGIT = "the estimate, less its bias, is not between 0 and 1"


def fewer_df(error: Error, other: Error | None) -> Error:
    """Return an error with the smaller degrees of freedom of two."""
    if other is None or math.isnan(other.used_df):
        return error
    return replace(error, df=min(error.used_df, other.used_df), t_df=None)


class LeftOutDf:
    """Degrees of freedom of values that are known with each case left out.

    Satterthwaite's, of readers and of each kind of case. A sum of squares over cases
    has those of its kurtosis, at most one less than cases: where few cases move the
    value, its variance is known badly.
    """

    def __init__(self, cells: LeftOut, anova: Anova) -> None:
        """Take the values and their analysis."""
        self._anova = anova
        shape = anova.used.shape
        self._values = cells.estimates.reshape(shape)
        self._left_out = cells.left_out().reshape(*shape, -1)
        self._kinds = (cells.diseased, ~cells.diseased)

    def modality(self, index: int) -> Error:
        """Return the error of one modality."""
        error = self._anova.modality(index)
        return self._error(error, self._left_out[index], [self._values[index]])

    def difference(self, first: int, second: int) -> Error:
        """Return the error of the difference of two modalities."""
        error = self._anova.difference(first, second)
        one, other = self._values[first], self._values[second]
        by_reader = [one - other] if self._anova.crossed else [one, other]
        means = [np.nanmean(self._left_out[at], axis=0) for at in (first, second)]
        return self._error(error, (means[0] - means[1])[None], by_reader)

    def _error(
        self, error: Error, left_out: FloatArray, by_reader: list[FloatArray]
    ) -> Error:
        moves, spread = np.nanmean(left_out, axis=0), 0.0
        for kind in self._kinds:
            squares = (moves[kind] - moves[kind].mean()) ** 2 if kind.any() else []
            total = float(np.sum(squares)) * (1 - 1 / len(kind))
            spread += total**2 / _df_of(np.asarray(squares)) if total else 0.0
        for values in by_reader:
            known = values[~np.isnan(values)]
            of_readers = float(known.var(ddof=1)) / len(known)
            spread += of_readers**2 / (len(known) - 1)
        if not (error.variance > 0 and spread > 0):
            return Error(error.variance, math.nan)
        return Error(error.variance, max(1.0, error.variance**2 / spread))


def _df_of(squares: FloatArray) -> float:
    n = len(squares)
    excess = float((squares**2).mean() / squares.mean() ** 2) - (n - 3) / (n - 1)
    return min(n - 1.0, max(1.0, 2 * n / excess))


def modality(
    estimate: float, error: Error, null: float | None, bias: float = 0.0
) -> Inference:
    """Return interval and test of one accuracy on the logit scale."""
    plain = infer(estimate, error, null=null, bounded=True)
    if plain.undefined_reason:
        return replace(plain, low=None, high=None, p_value=None)
    if not 0 < estimate - bias < 1:
        return _without_limits(plain, _NO_LOGIT)
    one = Modality(estimate - bias, error)
    z = quantile(0.975, error.used_df)
    p_value = None
    if null is not None:
        p_value = 2 * upper_tail(one.distance(null), error.used_df)
    return replace(plain, low=one.low(z), high=one.high(z), p_value=p_value)


def _without_limits(found: Inference, reason: str) -> Inference:
    return replace(found, low=None, high=None, p_value=None, undefined_reason=reason)


@dataclass(frozen=True)
class Modality:
    """One modality whose limits are those of the logit scale.

    Attributes:
        estimate: Its accuracy, above 0 and below 1.
        error: With a variance above 0.
    """

    estimate: float
    error: Error

    def low(self, z: float) -> float:
        """Return the lower limit at a quantile."""
        return float(_limits(self.estimate, self._standard_error, np.array(z))[0])

    def high(self, z: float) -> float:
        """Return the upper limit at a quantile."""
        return float(_limits(self.estimate, self._standard_error, np.array(z))[1])

    def distance(self, null: float) -> float:
        """Return the quantile at which a limit reaches a value, 0 or more."""
        on_logit = self._standard_error / (self.estimate * (1 - self.estimate))
        return abs(float(special.logit(self.estimate) - special.logit(null))) / on_logit

    @property
    def _standard_error(self) -> float:
        return math.sqrt(self.error.variance)


@dataclass(frozen=True)
class Difference:
    """Two modalities.

    Attributes:
        means: The first and the second, less what bias they have.
        errors: Their own.
        error: Of the first less the second.
        bias: Of the difference, which is told with it.
    """

    means: tuple[float, float]
    errors: tuple[Error, Error]
    error: Error
    bias: float = 0.0

    @property
    def estimate(self) -> float:
        """The first less the second, without bias."""
        return self.means[0] - self.means[1]

    def infer(self) -> Inference:
        """Return the interval of 95 % and the two-sided test of no difference.

        Without an error there is neither.
        """
        plain = infer(self.estimate + self.bias, self.error)
        if plain.undefined_reason:
            return replace(plain, low=None, high=None)
        z = quantile(0.975, self.error.used_df)
        low, high = self.low(z), self.high(z)
        p_value = 2 * upper_tail(self.distance(0.0), self.error.used_df)
        return replace(plain, low=low, high=high, p_value=p_value)

    def non_inferior(
        self, names: tuple[Hashable, Hashable], margin: float
    ) -> NonInferiority:
        """Return the test that the first is not a margin worse than the second."""
        told = self.estimate + self.bias
        plain = non_inferior(names, margin, told, self.error)
        if plain.undefined_reason:
            return plain
        low = self.low(quantile(0.975, self.error.used_df))
        p_value = upper_tail(self._quantile_at(-margin), self.error.used_df)
        return replace(plain, low=low, p_value=p_value, shown=low > -margin)

    @property
    def _turned(self) -> "Difference":
        return Difference(self.means[::-1], self.errors[::-1], self.error)

    @property
    def _standard_error(self) -> float:
        return math.sqrt(self.error.variance)

    def low(self, z: float) -> float:
        """Return the lower limit at a quantile; a wider quantile never raises it."""
        below = max(z * self._standard_error, float(self._below(z * _STEPS).max()))
        return self.estimate - below

    def high(self, z: float) -> float:
        """Return the upper limit at a quantile."""
        return -self._turned.low(z)

    def distance(self, null: float) -> float:
        """Return the quantile at which a limit reaches a value, 0 or more."""
        if self.estimate >= null:
            return self._quantile_at(null)
        return self._turned._quantile_at(-null)

    def _quantile_at(self, null: float) -> float:
        """Return the quantile at which the lower limit reaches a value below."""
        distance = self.estimate - null
        plain = distance / self._standard_error
        if plain <= 0:
            return plain
        beyond = self._below(plain * _STEPS) >= distance
        if not beyond.any():
            return plain
        at = int(beyond.argmax())
        start = plain * _STEPS[at - 1] if at else 0.0

        def excess(z: float) -> float:
            return float(self._below(np.array(z))) - distance

        end = float(plain * _STEPS[at])
        if excess(start) >= 0 or excess(end) <= 0:  # by rounding: it is this one
            return end if excess(end) <= 0 else start
        return float(optimize.brentq(excess, start, end))

    def _below(self, z: FloatArray) -> FloatArray:
        """Return how far the limit of both modalities' logit limits is below."""
        deviations = [math.sqrt(max(error.variance, 0.0)) for error in self.errors]
        if not all(deviations) or not all(0 < mean < 1 for mean in self.means):
            return np.zeros_like(z)
        shared = sum(d**2 for d in deviations) - self.error.variance
        correlation = np.clip(shared / (2 * deviations[0] * deviations[1]), -1, 1)
        down = self.means[0] - _limits(self.means[0], deviations[0], z)[0]
        up = _limits(self.means[1], deviations[1], z)[1] - self.means[1]
        squares = down**2 - 2 * correlation * down * up + up**2
        return np.asarray(np.sqrt(np.maximum(squares, 0.0)))


def _limits(
    mean: float, deviation: float, z: FloatArray
) -> tuple[FloatArray, FloatArray]:
    half = z * deviation / (mean * (1 - mean))
    middle = special.logit(mean)
    return special.expit(middle - half), special.expit(middle + half)
