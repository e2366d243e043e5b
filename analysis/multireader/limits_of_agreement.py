"""Limits of agreement of continuous scores: between readers, methods, or both.

A difference of two scores of a case lies between them in 95 % of cases and readers like
these. Source: Wen and Gallas 2022, doi:10.1080/19466315.2021.2004919.
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from analysis.arrays import FloatArray
from analysis.columns import missing
from analysis.errors import InputError, one_of, shown
from analysis.intervals import ConfidenceInterval, normal_quantile
from analysis.showing import Shown

Between = Literal["methods", "readers", "readers_and_methods", "replicates"]
"""Two methods of one reader; two readers with one method; two readers, each with the
other method; two readings of one reader with one method."""

_COLUMNS = ("reader", "case", "method", "score")
_NEGATIVE = "the estimate of the variance is negative"


@dataclass(frozen=True, kw_only=True)
class LimitsOfAgreement(Shown):
    """How far two scores of one case lie apart.

    Attributes:
        between: What differs between the two scores.
        mean_difference: First method less second; 0 where both have the same.
        variance: Of one difference; NaN where it is not defined.
        variance_of_mean: Of the mean difference, with readers and cases as samples.
        components: Variance of each effect; one may be below 0.
        undefined_reason: Why there are no limits, else None.
    """

    between: Between
    mean_difference: float
    variance: float
    variance_of_mean: float
    components: Mapping[str, float]
    undefined_reason: str | None = None

    def limits(self, level: float = 0.95) -> ConfidenceInterval:
        """Return the limits that hold a share of differences.

        Raises:
            ValueError: If the level is not between 0 and 1.
        """
        return self._around(self.variance, level)

    def confidence_interval(self, confidence_level: float = 0.95) -> ConfidenceInterval:
        """Return the interval of the mean difference.

        Raises:
            ValueError: If the level is not between 0 and 1.
        """
        return self._around(self.variance_of_mean, confidence_level)

    def _around(self, variance: float, level: float) -> ConfidenceInterval:
        z = normal_quantile(level)
        if not variance >= 0:
            reason = self.undefined_reason or _NEGATIVE
            return ConfidenceInterval(math.nan, math.nan, reason)
        half = z * math.sqrt(variance)
        return ConfidenceInterval(
            self.mean_difference - half, self.mean_difference + half
        )

    def _rows(self) -> Sequence[Mapping[str, object]]:
        limits, mean = self.limits(), self.confidence_interval()
        return [
            {
                "between": self.between,
                "mean_difference": self.mean_difference,
                "mean_low": mean.low,
                "mean_high": mean.high,
                "low": limits.low,
                "high": limits.high,
                "undefined_reason": self.undefined_reason,
            }
        ]


def limits_of_agreement(
    scores: Any,  # noqa: ANN401 - a data frame or a mapping
    between: Between = "methods",
    methods: tuple[Hashable, ...] | None = None,
) -> LimitsOfAgreement:
    """Return limits of agreement with readers and cases as samples.

    Args:
        scores: A data frame, or a mapping of columns: `reader`, `case`, `method` and
            `score`, a number; every reader scores every case.
        between: `methods` (one reader), `readers` (one method), `readers_and_methods`
            (another reader with the other method) or `replicates` (`method` names the
            first and the second reading).
        methods: Two methods, the first less the second; one for `readers`. None for
            those that there are.

    Raises:
        TypeError: If the scores are no columns.
        InputError: If a column or a method is missing, a cell is empty or no number, or
            a score was given twice. What is not defined on usable scores has a reason.
    """
    one_of("between", between, get_args(Between))
    cube, names = _cube(scores)
    wanted = 1 if between == "readers" else 2
    chosen = tuple(names if methods is None else methods)
    unknown = [name for name in chosen if name not in names]
    if unknown or len(set(chosen)) != wanted or len(chosen) != wanted:
        msg = (
            f"Limits between {between} take {wanted} of the methods "
            f"{', '.join(map(str, names))}, got {', '.join(map(str, chosen))}"
        )
        raise InputError(msg)
    taken = cube[[names.index(name) for name in chosen]]
    taken = taken[:, :, ~np.isnan(taken).all(axis=(0, 1))]
    taken = taken[:, ~np.isnan(taken).all(axis=(0, 2))]
    reason = _undefined(taken)
    if reason:
        return LimitsOfAgreement(
            between=between,
            mean_difference=_mean_of(taken, between),
            variance=math.nan,
            variance_of_mean=math.nan,
            components={},
            undefined_reason=reason,
        )
    return _found(taken, between)


def _found(taken: FloatArray, between: Between) -> LimitsOfAgreement:
    """Return the limits of complete scores `(methods, readers, cases)`."""
    if between == "readers_and_methods":
        variance, of_mean, components = _of_both(taken)
    else:
        within = taken[0] if between == "readers" else taken[0] - taken[1]
        variance, of_mean, components = _of_one(within)
        if between == "readers":
            variance = 2 * (components["reader"] + components["error"])
    if between in ("readers", "replicates"):
        of_mean = 0.0
    negative = variance < 0 or of_mean < 0
    return LimitsOfAgreement(
        between=between,
        mean_difference=_mean_of(taken, between),
        variance=variance,
        variance_of_mean=of_mean,
        components=components,
        undefined_reason=_NEGATIVE if negative else None,
    )


def _of_one(values: FloatArray) -> tuple[float, float, dict[str, float]]:
    """Return variances from a two-way analysis of `(readers, cases)`."""
    r, c = values.shape
    of_reader, of_case = values.mean(axis=1), values.mean(axis=0)
    left = values - of_reader[:, None] - of_case + values.mean()
    error = float((left**2).sum()) / ((r - 1) * (c - 1))
    reader = (c * float(of_reader.var(ddof=1)) - error) / c
    case = (r * float(of_case.var(ddof=1)) - error) / r
    of_mean = reader / r + case / c + error / (r * c)
    found = {"reader": reader, "case": case, "error": error}
    return reader + case + error, of_mean, found


def _of_both(taken: FloatArray) -> tuple[float, float, dict[str, float]]:
    """Return variances from a three-way analysis of two methods, which are fixed."""
    _, r, c = taken.shape
    mean, half = taken.mean(axis=0), (taken[0] - taken[1]) / 2
    # With two methods their interactions are half the difference, once up, once down.
    _, _, alike = _of_one(mean)
    _, _, apart = _of_one(half)
    error = 2 * apart["error"]
    found = {
        "reader": alike["reader"] - apart["reader"],
        "case": alike["case"] - apart["case"],
        "reader_case": alike["error"] - error / 2,
        "reader_method": 2 * apart["reader"],
        "case_method": 2 * apart["case"],
        "error": error,
    }
    kept = ("reader", "reader_case", "reader_method", "case_method", "error")
    variance = 2 * sum(found[name] for name in kept)
    of_mean = found["reader_method"] / r + found["case_method"] / c + error / (r * c)
    return variance, 2 * of_mean, found


def _mean_of(taken: FloatArray, between: Between) -> float:
    """Return the first method's mean less the second's, 0 within one method."""
    if between in ("readers", "replicates"):
        return 0.0
    both = taken[0] - taken[1]
    return float(np.nanmean(both)) if (~np.isnan(both)).any() else math.nan


def _undefined(taken: FloatArray) -> str | None:
    _, r, c = taken.shape
    if r < 2 or c < 2:
        return f"two readers and two cases must have scores, got {r} and {c}"
    lacking = int(np.isnan(taken).sum())
    if lacking:
        return f"every reader must have scored every case, {lacking} scores are missing"
    return None


def _cube(scores: Any) -> tuple[FloatArray, list[Hashable]]:  # noqa: ANN401
    """Return `(methods, readers, cases)` scores, NaN where missing, and the methods."""
    if not hasattr(scores, "keys"):
        msg = f"Scores must be a data frame or named columns, got {shown(scores)}"
        raise TypeError(msg)
    lacking = [name for name in _COLUMNS if name not in scores.keys()]  # noqa: SIM118
    if lacking:
        had = ", ".join(map(str, scores.keys()))
        msg = f"Scores must have the column {lacking[0]}, got {had}"
        raise InputError(msg)
    columns = [list(scores[name]) for name in _COLUMNS]
    if len({len(column) for column in columns}) > 1 or not columns[0]:
        lengths = ", ".join(str(len(column)) for column in columns)
        msg = f"Columns must be as long and not empty, got {lengths}"
        raise InputError(msg)
    places: list[dict[Hashable, int]] = [{}, {}, {}]
    at = np.empty((3, len(columns[0])), dtype=np.intp)
    for axis, (name, column) in enumerate(zip(_COLUMNS, columns[:3], strict=False)):
        for row, label in enumerate(column):
            if missing(label) or label == "":
                msg = f"Every row must name its {name}, got none in row {row + 1}"
                raise InputError(msg)
            at[axis, row] = places[axis].setdefault(label, len(places[axis]))
    readers, cases, methods = (len(place) for place in places)
    flat = (at[2] * readers + at[0]) * cases + at[1]
    if len(np.unique(flat)) < len(flat):
        msg = "A reader must score a case once with a method, got two scores"
        raise InputError(msg)
    cube = np.full(methods * readers * cases, np.nan)
    cube[flat] = [_score(value, row) for row, value in enumerate(columns[3], 1)]
    return cube.reshape(methods, readers, cases), list(places[2])


def _score(value: Any, row: int) -> float:  # noqa: ANN401
    if missing(value) or value == "":
        return math.nan
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.inf
    if math.isinf(number):
        msg = f"Scores must be finite numbers, got {value!r} in row {row}"
        raise InputError(msg)
    return number
