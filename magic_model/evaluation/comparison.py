"""Methods compared in the same patients."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from magic_model.evaluation.bootstrap import FEWEST_PATIENTS, bootstrap_intervals
from magic_model.evaluation.metric import METRICS, Metric
from magic_model.evaluation.predictors import BASELINES
from magic_model.evaluation.score_table import Key, ScoreTable
from magic_model.evaluation.summary import missing_reason
from magic_model.maps import PerfusionMap
from magic_model.metrics.method_agreement import Interval

_VOLUMES = {Metric.CORE_ML, Metric.AT_RISK_ML}  # for them see Bland-Altman


@dataclass(frozen=True)
class Comparison:
    """Difference of two methods, the first minus the second.

    Attributes:
        first: Method.
        second: Method or trivial predictor.
        map: None for a figure of all maps together.
        metric: What is compared.
        n: Patients in whom both are defined.
        difference: Mean over them.
        interval: 95 % by bootstrap over patients; NaN below three.
        p_value: Wilcoxon's signed-rank test, two-sided; NaN where it cannot be made.
        p_holm: After Holm, over all comparisons (methods and maps) of the metric.
        reason: Why a number is missing; None if none is.
    """

    first: str
    second: str
    map: PerfusionMap | None
    metric: Metric
    n: int
    difference: float
    interval: Interval
    p_value: float
    p_holm: float
    reason: str | None


def compare(
    scores: ScoreTable, methods: Sequence[str], rng: np.random.Generator
) -> list[Comparison]:
    """Compare each method with each other and with each trivial predictor.

    Args:
        scores: Figures of the patients.
        methods: Names, trivial predictors not among them.
        rng: Source of chance.
    """
    pairs = [*combinations(methods, 2), *product(methods, BASELINES)]
    keys = [
        (key, replace(key, method=second))
        for first, second in pairs
        for key in scores.keys
        if key.method == first and key.metric not in _VOLUMES
    ]
    differences = np.column_stack(
        [scores.column(one) - scores.column(other) for one, other in keys]
    )
    limits = bootstrap_intervals(differences, rng)
    found = [
        _comparison(one, other.method, column, Interval(float(low), float(high)))
        for (one, other), column, (low, high) in zip(
            keys, differences.T, limits.T, strict=True
        )
    ]
    return list(_with_holm(found))


def _comparison(
    key: Key, second: str, column: NDArray[np.float64], interval: Interval
) -> Comparison:
    known = column[np.isfinite(column)]
    p_value = signed_rank_p(known)
    reason = missing_reason(known.size, METRICS[key.metric].undefined)
    if reason is None and math.isnan(p_value):
        reason = "No test: the methods do not differ in any patient"
    return Comparison(
        first=key.method,
        second=second,
        map=key.map,
        metric=key.metric,
        n=known.size,
        difference=float(known.mean()) if known.size else math.nan,
        interval=interval,
        p_value=p_value,
        p_holm=math.nan,
        reason=reason,
    )


def signed_rank_p(differences: NDArray[np.float64]) -> float:
    """Two-sided p of Wilcoxon's signed-rank test; differences of 0 are left out.

    Returns:
        NaN for fewer than three patients, or if none differs.
    """
    if differences.size < FEWEST_PATIENTS or not differences.any():
        return math.nan
    return float(stats.wilcoxon(differences[differences != 0]).pvalue)


def holm(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Adjust p-values for their number; NaN counts for nothing and stays.

    References:
        Holm S. Scand J Stat 1979;6:65.

    Examples:
        >>> holm(np.array([0.01, 0.04, 0.03, 0.005])).round(3).tolist()
        [0.03, 0.06, 0.06, 0.02]
    """
    adjusted = np.full(p_values.shape, np.nan)
    order = np.argsort(p_values)[: int(np.isfinite(p_values).sum())]
    steps = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps * p_values[order]), 1)
    return adjusted


def _with_holm(comparisons: Sequence[Comparison]) -> Iterator[Comparison]:
    adjusted = np.empty(len(comparisons))
    metrics = np.array([c.metric for c in comparisons])
    p_values = np.array([c.p_value for c in comparisons])
    for metric in set(metrics.tolist()):
        family = metrics == metric
        adjusted[family] = holm(p_values[family])
    for comparison, p in zip(comparisons, adjusted, strict=True):
        yield replace(comparison, p_holm=float(p))
