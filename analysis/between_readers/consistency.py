"""How consistently readers answer, and whether less so under one of the methods."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.arrays import FloatArray
from analysis.between_readers.coefficients import (
    COEFFICIENTS,
    Coefficient,
    coefficients_of,
)
from analysis.between_readers.ratings import MethodRatings
from analysis.multireader.estimate import ClusteredEstimate
from analysis.multireader.variance import from_influence

ConsistencyVariance = Literal["patient", "jackknife", "crossed_conservative"]
_STEP = 1e-200  # imaginary, so that nothing is subtracted and no digit is lost

Weighted = Callable[[FloatArray, NDArray[Any]], NDArray[Any]]
"""From answers `(methods, cases, readers, k)` and weights of cases to estimates."""


class _Spread(NamedTuple):
    variance: float
    df: float


def consistency(
    ratings: ArrayLike,
    k: int,
    coefficient: Coefficient = "fleiss_kappa",
    variance: ConsistencyVariance = "jackknife",
) -> ClusteredEstimate:
    """Agreement of the readers with one another, under one method.

    Args:
        ratings: `(cases, readers)` positions on the scale, 0 to k - 1; NaN where a
            reader did not answer. A case with one answer tells how common an answer is,
            but not whether readers agree (Gwet KL, see below).
        k: Number of categories on the scale.
        coefficient: `fleiss_kappa`, `conger_kappa` (each reader keeps own answer
            frequencies), `gwet_ac1`, `brennan_prediger` or `krippendorff_alpha`, also
            `_ordinal` and `_interval`.
        variance: `patient` (delta method over cases), `jackknife` (over cases) or
            `crossed_conservative` (jackknife variances over cases and over readers
            added, which counts what both contain twice).

    Raises:
        ValueError: If the ratings are not such a table or an option is unknown.

    References:
        Fleiss JL. Psychol Bull 1971;76:378. doi:10.1037/h0031619
        Conger AJ. Psychol Bull 1980;88:322. doi:10.1037/0033-2909.88.2.322
        Gwet KL. Br J Math Stat Psychol 2008;61:29. doi:10.1348/000711006X126600
    """
    chosen = _chosen(ratings, k)
    return _estimate(chosen[None], coefficient, variance)


def consistency_difference(
    ratings: MethodRatings,
    coefficient: Coefficient = "fleiss_kappa",
    variance: ConsistencyVariance = "jackknife",
) -> ClusteredEstimate:
    """Agreement between readers under the test method minus that under the reference.

    Both are of the same cases and readers, so the difference is a paired one: its error
    holds the covariance of the two.

    Args:
        ratings: Answers under both methods.
        coefficient: See `consistency`.
        variance: See `consistency`.

    Raises:
        ValueError: If an option is unknown.
    """
    both = np.stack([_chosen(r, ratings.k) for r in (ratings.reference, ratings.test)])
    return _estimate(both, coefficient, variance)


def _chosen(ratings: ArrayLike, k: int) -> FloatArray:
    """`(cases, readers, k)` 1 where the reader chose the category."""
    table = np.asarray(ratings, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] < 2:
        msg = (
            "Ratings must be (cases, readers) with 2 readers or more, "
            f"got {table.shape}"
        )
        raise ValueError(msg)
    given = table[~np.isnan(table)]
    wrong = given[~np.isin(given, np.arange(k))]
    if wrong.size:
        msg = f"Ratings must be positions 0 to {k - 1} or NaN, got {wrong[0]:g}"
        raise ValueError(msg)
    return np.asarray((table[..., None] == np.arange(k)).astype(np.float64))


def _estimate(
    methods: FloatArray, coefficient: Coefficient, variance: ConsistencyVariance
) -> ClusteredEstimate:
    """Estimate of one method, or of the last minus the first."""
    if coefficient not in COEFFICIENTS:
        known = ", ".join(COEFFICIENTS)
        msg = f"Coefficient must be one of {known}, got {coefficient!r}"
        raise ValueError(msg)
    if variance not in get_args(ConsistencyVariance):
        known = ", ".join(get_args(ConsistencyVariance))
        msg = f"Variance must be one of {known}, got {variance!r}"
        raise ValueError(msg)
    methods = methods[:, methods.any(axis=(0, 2, 3))]

    def weighted(of: FloatArray, weights: NDArray[Any]) -> NDArray[Any]:
        of_methods = [coefficients_of(chosen, weights, coefficient) for chosen in of]
        return of_methods[0] if len(of) == 1 else of_methods[-1] - of_methods[0]

    n_cases = methods.shape[1]
    value = float(weighted(methods, np.ones(n_cases))) if n_cases else math.nan
    reason = _reason(methods, value)
    spread = _Spread(math.nan, math.nan)
    if reason is None:
        spread = _spread(methods, weighted, variance)
        if math.isnan(spread.variance):
            reason = "without one of the cases or readers it would be undefined"
    case, reader = np.nonzero(methods.any(axis=(0, 3)))
    # Only who read what, and what to say about it, comes from here.
    frame = from_influence(value, np.zeros(len(case)), reader, case, variance=variance)
    return replace(
        frame,
        standard_error=math.sqrt(spread.variance),
        df=spread.df,
        undefined_reason=reason,
        bounds=(-math.inf, 1.0 if len(methods) == 1 else math.inf),
    )


def _reason(methods: FloatArray, value: float) -> str | None:
    several = methods.sum(axis=(2, 3)) > 1
    if not several.any(axis=1).all():
        return "no case has answers of two readers"
    if math.isnan(value):
        return "every answer is the same, so chance alone gives perfect agreement"
    if methods.shape[1] == 1:
        return "there is only one case, so nothing is known about others"
    return None


def _spread(
    methods: FloatArray, weighted: Weighted, variance: ConsistencyVariance
) -> _Spread:
    n_cases, n_readers = methods.shape[1:3]
    if variance == "patient":
        direction = n_cases * np.eye(n_cases) - 1
        moved = weighted(methods, 1 + 1j * _STEP * direction)
        influence = np.imag(moved) / _STEP
        squares = float((influence**2).sum())
        return _Spread(squares / (n_cases * (n_cases - 1)), n_cases - 1)
    of_cases = _jackknife(weighted(methods, 1 - np.eye(n_cases)))
    if variance == "jackknife":
        return of_cases
    if n_readers < 3:
        return _Spread(math.nan, math.nan)
    left = [np.delete(methods, reader, axis=2) for reader in range(n_readers)]
    of_readers = _jackknife(np.array([weighted(m, np.ones(n_cases)) for m in left]))
    total = of_cases.variance + of_readers.variance
    parts = sum(part.variance**2 / part.df for part in (of_cases, of_readers))
    return _Spread(total, total**2 / parts if parts else math.nan)


def _jackknife(left: FloatArray) -> _Spread:
    """Variance of an estimate from its values without each case, or reader, in turn."""
    n = len(left)
    return _Spread(float((n - 1) * left.var()), n - 1)
