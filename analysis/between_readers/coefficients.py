"""Agreement of many readers as a function of how much each case weighs.

Every coefficient is smooth in the weights of the cases, and is written with sums,
products and quotients only. Weights of 0 and 1 then give the jackknife, and weights
with a tiny imaginary part the exact slope (complex-step derivative: Squire W, Trapp G.
SIAM Rev 1998;40:110. doi:10.1137/S003614459631241X).
"""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from analysis.arrays import FloatArray

Coefficient = Literal[
    "fleiss_kappa",
    "conger_kappa",
    "gwet_ac1",
    "brennan_prediger",
    "krippendorff_alpha",
    "krippendorff_alpha_ordinal",
    "krippendorff_alpha_interval",
]
Weighted = NDArray[Any]
"""Real or complex numbers, one per weighting, `(...)`."""


def coefficients_of(
    chosen: FloatArray, weights: Weighted, coefficient: Coefficient
) -> Weighted:
    """Compute a coefficient under each weighting of the cases.

    Args:
        chosen: `(cases, readers, k)` 1 where the reader chose the category; all 0 where
            the reader did not answer.
        weights: `(..., cases)`.
        coefficient: Which one.

    Returns:
        `(...)`; NaN where it is undefined.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return COEFFICIENTS[coefficient](chosen, weights)


def _agreement(chosen: FloatArray, weights: Weighted) -> Weighted:
    """Share of pairs of readers who agree, mean over cases with two answers or more."""
    counts = chosen.sum(axis=1)
    answers = counts.sum(axis=1)
    several = answers > 1
    pairs = np.where(several, answers * (answers - 1), 1)
    share = (counts * (counts - 1)).sum(axis=1) / pairs
    return np.asarray(weights @ (share * several) / (weights @ several.astype(float)))


def _prevalence(chosen: FloatArray, weights: Weighted) -> Weighted:
    """`(..., k)` share of each category, mean over cases with an answer."""
    counts = chosen.sum(axis=1)
    answers = counts.sum(axis=1, keepdims=True)
    share = counts / np.maximum(1, answers)
    total = weights @ (answers[:, 0] > 0).astype(float)
    return np.asarray((weights @ share) / total[..., None])


def _corrected(observed: Weighted, expected: Weighted) -> Weighted:
    return np.asarray((observed - expected) / (1 - expected))


def _fleiss(chosen: FloatArray, weights: Weighted) -> Weighted:
    expected = (_prevalence(chosen, weights) ** 2).sum(axis=-1)
    return _corrected(_agreement(chosen, weights), expected)


def _conger(chosen: FloatArray, weights: Weighted) -> Weighted:
    of_reader = np.einsum("...i,irk->...rk", weights, chosen)
    answered = of_reader.sum(axis=-1, keepdims=True)
    share = of_reader / answered
    n_readers = chosen.shape[1]
    # The mean over pairs of different readers of the chance that the two agree.
    together = share.sum(axis=-2) ** 2 - (share**2).sum(axis=-2)
    expected = together.sum(axis=-1) / (n_readers * (n_readers - 1))
    return _corrected(_agreement(chosen, weights), expected)


def _gwet(chosen: FloatArray, weights: Weighted) -> Weighted:
    share = _prevalence(chosen, weights)
    expected = (share * (1 - share)).sum(axis=-1) / (chosen.shape[-1] - 1)
    return _corrected(_agreement(chosen, weights), expected)


def _brennan_prediger(chosen: FloatArray, weights: Weighted) -> Weighted:
    return _corrected(_agreement(chosen, weights), np.asarray(1 / chosen.shape[-1]))


def _alpha(
    distance: Callable[[Weighted], Weighted],
) -> Callable[[FloatArray, Weighted], Weighted]:
    def coefficient(chosen: FloatArray, weights: Weighted) -> Weighted:
        counts = chosen.sum(axis=1)
        answers = counts.sum(axis=1)
        several = np.where(answers > 1, 1 / np.maximum(1, answers - 1), 0.0)
        of_case = np.einsum("ia,ib,i->iab", counts, counts, several)
        of_case -= np.einsum("ia,ab,i->iab", counts, np.eye(counts.shape[1]), several)
        met = np.einsum("...i,iab->...ab", weights, of_case)
        totals = met.sum(axis=-1)
        apart = distance(totals)
        observed = (met * apart).sum(axis=(-2, -1))
        expected = (totals[..., :, None] * totals[..., None, :] * apart).sum(
            axis=(-2, -1)
        )
        return np.asarray(1 - observed * (totals.sum(axis=-1) - 1) / expected)

    return coefficient


def _nominal(totals: Weighted) -> Weighted:
    return np.asarray(1 - np.eye(totals.shape[-1]))


def _interval(totals: Weighted) -> Weighted:
    steps = np.arange(totals.shape[-1])
    return np.asarray((steps[:, None] - steps) ** 2)


def _ordinal(totals: Weighted) -> Weighted:
    middle = np.cumsum(totals, axis=-1) - totals / 2
    return np.asarray((middle[..., :, None] - middle[..., None, :]) ** 2)


COEFFICIENTS: dict[Coefficient, Callable[[FloatArray, Weighted], Weighted]] = {
    "fleiss_kappa": _fleiss,
    "conger_kappa": _conger,
    "gwet_ac1": _gwet,
    "brennan_prediger": _brennan_prediger,
    "krippendorff_alpha": _alpha(_nominal),
    "krippendorff_alpha_ordinal": _alpha(_ordinal),
    "krippendorff_alpha_interval": _alpha(_interval),
}
