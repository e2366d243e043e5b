"""What each pair contributes to an agreement coefficient.

A coefficient (observed - expected) / (1 - expected) is, to first order, the mean over
all pairs of [w_ab - observed - (1 - coefficient) e_ab] / (1 - expected), where a and b
are a pair's answers and e_ab is its influence on what chance expects.
"""

from dataclasses import dataclass

import numpy as np

from analysis.agreement.batch import Chance, gwet_chance, product_of_margins
from analysis.agreement.weights import Weights, agreement_weights
from analysis.arrays import FloatArray, IntArray


def no_chance(x: FloatArray, _w: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Chance of percent agreement: nothing is taken off."""
    return np.zeros(x.shape[:-2]), np.zeros_like(x)


@dataclass(frozen=True)
class Coefficient:
    """An agreement coefficient.

    Attributes:
        chance: What agreement it expects by chance.
        weights: None, `linear` or `quadratic`.
    """

    chance: Chance
    weights: Weights = None

    @classmethod
    def kappa(cls, weights: Weights = None) -> "Coefficient":
        """Cohen's kappa, also weighted."""
        return cls(product_of_margins, weights)

    @classmethod
    def ac(cls, weights: Weights = None) -> "Coefficient":
        """Gwet's AC1; AC2 with weights."""
        return cls(gwet_chance, weights)

    @classmethod
    def agreement(cls, weights: Weights = None) -> "Coefficient":
        """Observed agreement, also weighted."""
        return cls(no_chance, weights)

    def of_tables(self, counts: IntArray | FloatArray) -> FloatArray:
        """Give the coefficient of tables `(..., k, k)`; NaN where undefined."""
        estimate, *_ = self._parts(np.asarray(counts, dtype=np.float64))
        return np.asarray(estimate[..., 0, 0])

    def influence(self, counts: IntArray | FloatArray) -> tuple[FloatArray, FloatArray]:
        """Give the coefficient of tables and what a pair in each cell contributes.

        Args:
            counts: `(..., k, k)` pairs of answers.

        Returns:
            The coefficient `(...)` and the influence `(..., k, k)`; its mean over the
            pairs of a table is 0.
        """
        x = np.asarray(counts, dtype=np.float64)
        estimate, left, slope, n = self._parts(x)
        with np.errstate(divide="ignore", invalid="ignore"):
            raw = agreement_weights(x.shape[-1], self.weights)
            raw = raw - (1 - estimate) * slope / n
            centred = raw - _total(x * raw) / n
            return estimate[..., 0, 0], np.asarray(centred * n**2 / left)

    def _parts(
        self, x: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        weights = agreement_weights(x.shape[-1], self.weights)
        n = _total(x)
        expected, slope = self.chance(x, weights)
        chance = np.asarray(expected)[..., None, None]
        left = n**2 - chance
        with np.errstate(divide="ignore", invalid="ignore"):
            # In counts, not shares: small differences of whole numbers are exact.
            estimate = (n * _total(weights * x) - chance) / left
        return estimate, left, slope, n


def _total(x: FloatArray) -> FloatArray:
    """Sum over the cells of a table, `(..., 1, 1)`."""
    return np.asarray(x.sum(axis=(-2, -1), keepdims=True))
