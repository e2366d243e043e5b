"""Krippendorff's alpha: any number of raters, missing ratings, four kinds of scale."""

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from analysis.agreement.batch import coefficients, square_of_mean_margin
from analysis.agreement.result import AgreementResult
from analysis.arrays import FloatArray, IntArray
from analysis.errors import one_of

Level = Literal["nominal", "ordinal", "interval", "ratio"]

Metric = Callable[[FloatArray, FloatArray], FloatArray]
"""From the values `(v,)` and how often each was given to squared distances `(v, v)`."""


def krippendorff_alpha(ratings: ArrayLike, level: Level = "nominal") -> AgreementResult:
    """Krippendorff's alpha, 1 - observed / expected disagreement.

    Args:
        ratings: `(cases, raters)` numbers; NaN where a rating is missing. A case with
            fewer than two ratings has nothing to compare and is left out.
        level: `nominal`, `ordinal`, `interval` or `ratio` (values of 0 or more).

    Returns:
        The estimate; `n` counts the cases compared. A standard error is offered for two
        raters without missing ratings: that of the weighted Scott's pi with the same
        metric, to which alpha tends (as irrCAC's `krippen2.table`; not for `ordinal`
        and `ratio`, whose metric depends on the data).

    Raises:
        ValueError: If the ratings are not a table of numbers or the level is unknown.

    References:
        Hayes AF, Krippendorff K. Commun Methods Meas 2007;1:77.
        doi:10.1080/19312450709336664
    """
    one_of("Level", level, _METRICS)
    table = rating_table(ratings)
    table = table[(~np.isnan(table)).sum(axis=1) > 1]  # nothing else to compare with
    n_cases = len(table)
    if not n_cases:
        reason = "no case has two ratings"
        return AgreementResult(math.nan, None, 0, reason)
    values, coincidences = _coincidences(table)
    if level == "ratio" and values[0] < 0:
        msg = f"Ratings on a ratio scale must be 0 or more, got {values[0]:g}"
        raise ValueError(msg)
    if len(values) == 1:
        return AgreementResult(math.nan, None, n_cases, _ALL_THE_SAME)
    estimate = _alpha(values, coincidences, level)
    return AgreementResult(estimate, _standard_error(table, level), n_cases)


def alpha_of_counts(counts: IntArray, level: Level = "nominal") -> AgreementResult:
    """Krippendorff's alpha of two raters, from the table of what they answered.

    It is `krippendorff_alpha` of the positions on the scale, without a row for each
    pair, of which there may be billions.

    Args:
        counts: `(k, k)` pairs by the answers of the first and the second rater.
        level: As in `krippendorff_alpha`.
    """
    used = np.flatnonzero(counts.sum(axis=0) + counts.sum(axis=1))
    if not len(used):
        return AgreementResult(math.nan, None, 0, "no case has two ratings")
    n_cases = int(counts.sum())
    if len(used) == 1:
        return AgreementResult(math.nan, None, n_cases, _ALL_THE_SAME)
    values = used.astype(np.float64)
    seen = counts[np.ix_(used, used)].astype(np.float64)
    estimate = _alpha(values, seen + seen.T, level)
    return AgreementResult(estimate, _scott_error(values, seen, level), n_cases)


_ALL_THE_SAME = "every rating is the same, so no disagreement can be expected"


def _alpha(values: FloatArray, coincidences: FloatArray, level: Level) -> float:
    totals = coincidences.sum(axis=1)
    distance = _METRICS[level](values, totals)
    expected = (np.outer(totals, totals) * distance).sum() / (totals.sum() - 1)
    return 1 - float((coincidences * distance).sum() / expected)


def rating_table(ratings: ArrayLike) -> FloatArray:
    """Return ratings as `(cases, raters)`, NaN where one is missing.

    Raises:
        ValueError: If they are no such numbers, or there are fewer than 2 raters.
    """
    try:
        table = np.asarray(ratings, dtype=np.float64)
    except (TypeError, ValueError) as error:
        msg = "Ratings must be numbers, NaN where one is missing"
        raise ValueError(msg) from error
    if table.ndim != 2 or table.shape[1] < 2:
        msg = (
            f"Ratings must be (cases, raters) with 2 raters or more, got {table.shape}"
        )
        raise ValueError(msg)
    if np.isinf(table).any():
        msg = "Ratings must be finite, NaN where one is missing"
        raise ValueError(msg)
    return table


def _coincidences(table: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Distinct values and how often two of them met in a case, `(v,)` and `(v, v)`."""
    values = np.unique(table[~np.isnan(table)])
    chosen = (table[:, :, None] == values).sum(axis=1).astype(np.float64)
    share = chosen / (chosen.sum(axis=1, keepdims=True) - 1)
    return values, share.T @ chosen - np.diag(share.sum(axis=0))


def _nominal(values: FloatArray, _totals: FloatArray) -> FloatArray:
    return 1 - np.eye(len(values))


def _ordinal(_values: FloatArray, totals: FloatArray) -> FloatArray:
    middle = np.cumsum(totals) - totals / 2
    return np.asarray((middle[:, None] - middle) ** 2)


def _interval(values: FloatArray, _totals: FloatArray) -> FloatArray:
    return np.asarray((values[:, None] - values) ** 2)


def _ratio(values: FloatArray, _totals: FloatArray) -> FloatArray:
    total = values[:, None] + values
    both_zero = total == 0
    difference = (values[:, None] - values) / np.where(both_zero, 1, total)
    return np.asarray(difference**2)


_METRICS: dict[str, Metric] = {
    "nominal": _nominal,
    "ordinal": _ordinal,
    "interval": _interval,
    "ratio": _ratio,
}


def _standard_error(table: FloatArray, level: Level) -> float | None:
    if table.shape[1] != 2 or np.isnan(table).any():
        return None
    values, positions = np.unique(table, return_inverse=True)
    counts = np.zeros((len(values), len(values)), dtype=np.int64)
    np.add.at(counts, tuple(positions.reshape(table.shape).T), 1)
    return _scott_error(values, counts, level)


def _scott_error(
    values: FloatArray, counts: IntArray | FloatArray, level: Level
) -> float | None:
    if level in {"ordinal", "ratio"}:
        return None
    distance = _METRICS[level](values, np.ones_like(values))
    agreement = 1 - distance / distance.max()
    scott = coefficients(counts, agreement, square_of_mean_margin)
    return float(scott.standard_error)
