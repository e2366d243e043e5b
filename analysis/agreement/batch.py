"""Chance-corrected agreement of many tables at once.

Cohen's kappa, Scott's pi, Gwet's AC and Brennan-Prediger's S are one formula,
(observed - expected) / (1 - expected), that differs in what it expects by chance. Each
function takes counts of shape `(..., k, k)` and gives estimates and standard errors of
shape `(...)`; where a coefficient is undefined, both are NaN.

Standard errors come from the influence of one pair on the coefficient, centred, so
that they are never negative and lose no digits to cancellation:
sqrt(sum p_ij IF_ij^2 / n). For kappa this is the large-sample standard error of Fleiss,
Cohen and Everitt (Psychol Bull 1969;72:323. doi:10.1037/h0028106).
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np

from analysis.arrays import BoolArray, FloatArray, IntArray

StepWeights = Literal["linear", "quadratic"]
Weights = StepWeights | tuple[tuple[float, ...], ...] | None
"""A name, or one's own `(k, k)`, reference method in rows, 1 on the diagonal."""


def agreement_weights(k: int, weights: Weights) -> FloatArray:
    """Return the `(k, k)` agreement weights: 1 on the diagonal, less beside it.

    Args:
        k: Number of categories, at least 2.
        weights: None counts exact agreement only; `linear` gives 1 - d / (k - 1) and
            `quadratic` 1 - d^2 / (k - 1)^2 at d steps on the scale (Cohen 1968,
            Fleiss and Cohen 1973); or one's own as a tuple of rows, 0 to 1.

    Raises:
        ValueError: If the name is unknown, or one's own weights do not fit.

    Examples:
        >>> agreement_weights(3, "linear")
        array([[1. , 0.5, 0. ],
               [0.5, 1. , 0.5],
               [0. , 0.5, 1. ]])
    """
    if weights is None:
        return np.eye(k)
    if isinstance(weights, tuple):
        return _own_weights(k, weights)
    if weights not in ("linear", "quadratic"):  # also of no text, which has no hash
        msg = f"Weights must be None, 'linear' or 'quadratic', got {weights!r}"
        raise ValueError(msg)
    steps = np.arange(k)
    distance = np.abs(steps[:, None] - steps) / (k - 1)
    return np.asarray(1 - (distance if weights == "linear" else distance**2))


def _own_weights(k: int, weights: tuple[tuple[float, ...], ...]) -> FloatArray:
    try:
        own = np.array(weights, dtype=np.float64)
    except (TypeError, ValueError):
        own = np.empty(0)
    fits = own.shape == (k, k) and bool(((own >= 0) & (own <= 1)).all())
    if not fits or not (own.diagonal() == 1).all():
        msg = (
            f"Own weights must be {k} rows of {k} numbers of 0 to 1, 1 where both "
            f"answers are the same, got {weights!r}"
        )
        raise ValueError(msg)
    return own


Chance = Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]
"""From counts and weights to the agreement expected by chance, times n^2, `(...)`, and
its slope in each cell, times n, `(..., k, k)`, up to a constant."""


class BatchResult(NamedTuple):
    """Coefficients of a batch of tables, each array of shape `(...)`."""

    estimate: FloatArray
    standard_error: FloatArray
    null_standard_error: FloatArray
    """Standard error where agreement is by chance alone."""
    observed: FloatArray
    expected: FloatArray


def cohen_kappas(counts: IntArray | FloatArray, weights: Weights = None) -> BatchResult:
    """Cohen's kappa of each table, also weighted.

    Examples:
        >>> kappas = cohen_kappas(np.array([[[104, 13], [14, 9]], [[20, 5], [10, 15]]]))
        >>> kappas.estimate.round(4), kappas.standard_error.round(4)
        (array([0.2852, 0.4   ]), array([0.104, 0.127]))
    """
    result = coefficients(counts, _weights(counts, weights), product_of_margins)
    # A constant method makes kappa 0 by algebra; rounding must not say otherwise.
    constant = _one_used(counts, -1) | _one_used(counts, -2)
    still = constant & np.isfinite(result.estimate)
    return result._replace(
        estimate=np.where(still, 0.0, result.estimate),
        standard_error=np.where(still, 0.0, result.standard_error),
        null_standard_error=np.where(still, 0.0, result.null_standard_error),
    )


def scott_pis(counts: IntArray | FloatArray, weights: Weights = None) -> BatchResult:
    """Scott's pi of each table (Fleiss' kappa of two ratings), also weighted."""
    return coefficients(counts, _weights(counts, weights), square_of_mean_margin)


def gwet_acs(counts: IntArray | FloatArray, weights: Weights = None) -> BatchResult:
    """Gwet's AC1 of each table; AC2 with weights."""
    return coefficients(counts, _weights(counts, weights), gwet_chance)


def brennan_predigers(
    counts: IntArray | FloatArray, weights: Weights = None
) -> BatchResult:
    """Brennan-Prediger's coefficient of each table, also weighted."""
    return coefficients(counts, _weights(counts, weights), uniform_chance)


def coefficients(
    counts: IntArray | FloatArray, weights: FloatArray, chance: Chance
) -> BatchResult:
    """Compute (observed - expected) / (1 - expected) with its standard errors.

    Args:
        counts: `(..., k, k)` pairs of answers.
        weights: `(k, k)` agreement weights, 1 on the diagonal.
        chance: What agreement to expect by chance.
    """
    x = np.asarray(counts, dtype=np.float64)
    n, observed, expected, slope, left, estimate = _terms(x, weights, chance)
    with np.errstate(divide="ignore", invalid="ignore"):
        p, of_pair = x / n, slope / n
        rows, columns = p.sum(axis=-1), p.sum(axis=-2)
        independent = rows[..., :, None] * columns[..., None, :]
        unit = left / n**2 * np.sqrt(n)
        return BatchResult(
            _of_table(estimate),
            _spread(p, weights - (1 - estimate) * of_pair) / _of_table(unit),
            _spread(independent, weights - of_pair) / _of_table(unit),
            _of_table(observed / n),
            _of_table(expected / n**2),
        )


def estimates(
    counts: IntArray | FloatArray, weights: FloatArray, chance: Chance
) -> FloatArray:
    """Compute (observed - expected) / (1 - expected) alone, `(...)`."""
    x = np.asarray(counts, dtype=np.float64)
    return _of_table(_terms(x, weights, chance).estimate)


def influence_of_pairs(
    counts: IntArray | FloatArray, weights: FloatArray, chance: Chance
) -> tuple[FloatArray, FloatArray]:
    """Compute a coefficient and what a pair of answers contributes to it.

    To first order the coefficient is the mean over all pairs of
    [w_ab - observed - (1 - coefficient) e_ab] / (1 - expected), where a and b are a
    pair's answers and e_ab is its influence on what chance expects.

    Args:
        counts: `(..., k, k)` pairs of answers, or their shares.
        weights: `(k, k)` agreement weights, 1 on the diagonal.
        chance: What agreement to expect by chance.

    Returns:
        The coefficient `(...)` and the influence `(..., k, k)`; its mean over the
        pairs of a table is 0.
    """
    x = np.asarray(counts, dtype=np.float64)
    n, _, _, slope, left, estimate = _terms(x, weights, chance)
    with np.errstate(divide="ignore", invalid="ignore"):
        influence = weights - (1 - estimate) * slope / n
        centred = influence - _total(x * influence) / n
        return _of_table(estimate), np.asarray(centred * n**2 / left)


class _Terms(NamedTuple):
    """Parts of a coefficient: of a table `(..., 1, 1)`, the slope `(..., k, k)`."""

    n: FloatArray
    observed: FloatArray
    """Agreement in counts."""
    expected: FloatArray
    """Agreement by chance, times n^2."""
    slope: FloatArray
    left: FloatArray
    """What chance leaves, times n^2."""
    estimate: FloatArray


def _terms(x: FloatArray, weights: FloatArray, chance: Chance) -> _Terms:
    n, observed = _total(x), _total(weights * x)
    of_table, slope = chance(x, weights)
    expected = np.asarray(of_table)[..., None, None]
    left = n**2 - expected
    with np.errstate(divide="ignore", invalid="ignore"):
        # In counts, not shares: small differences of whole numbers are exact.
        estimate = (n * observed - expected) / left
    return _Terms(n, observed, expected, slope, left, estimate)


def product_of_margins(x: FloatArray, w: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Chance of Cohen: each method keeps its own answer frequencies."""
    rows, columns = x.sum(axis=-1), x.sum(axis=-2)
    of_row = columns @ w.T
    slope = of_row[..., :, None] + (rows @ w)[..., None, :]
    return (rows * of_row).sum(axis=-1), slope


def square_of_mean_margin(
    x: FloatArray, w: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Chance of Scott: both methods share the mean of their answer frequencies."""
    mean = (x.sum(axis=-1) + x.sum(axis=-2)) / 2
    of_category = mean @ w
    slope = of_category[..., :, None] + of_category[..., None, :]
    return (mean * of_category).sum(axis=-1), slope


def gwet_chance(x: FloatArray, w: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Chance of Gwet, which falls as one category takes over.

    References:
        Gwet KL. Br J Math Stat Psychol 2008;61:29. doi:10.1348/000711006X126600
    """
    k = x.shape[-1]
    mean = (x.sum(axis=-1) + x.sum(axis=-2)) / 2
    scale = w.sum() / (k * (k - 1))
    expected = scale * (mean.sum(axis=-1) ** 2 - (mean**2).sum(axis=-1))
    return expected, -scale * (mean[..., :, None] + mean[..., None, :])


def uniform_chance(x: FloatArray, w: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Chance of Brennan and Prediger: every category is as likely as any other."""
    return w.mean() * x.sum(axis=(-2, -1)) ** 2, np.zeros_like(x)


def _spread(p: FloatArray, influence: FloatArray) -> FloatArray:
    """Standard deviation of the influence of a pair; centred, so no digits are lost."""
    centred = influence - _total(p * influence)
    return np.asarray(np.sqrt((p * centred**2).sum(axis=(-2, -1))))


def _total(x: FloatArray) -> FloatArray:
    """Sum over the cells of a table, `(..., 1, 1)`."""
    return np.asarray(x.sum(axis=(-2, -1), keepdims=True))


def _of_table(value: FloatArray) -> FloatArray:
    """Return a value per table `(..., 1, 1)` in the shape `(...)`."""
    return np.asarray(value[..., 0, 0])


def _weights(counts: IntArray | FloatArray, weights: Weights) -> FloatArray:
    return agreement_weights(counts.shape[-1], weights)


def _one_used(counts: IntArray | FloatArray, axis: int) -> BoolArray:
    """Return for each table whether one category takes all answers of a method."""
    return np.asarray(np.count_nonzero(counts.sum(axis=axis), axis=-1) == 1)
