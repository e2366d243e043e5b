"""Statistics over patients: groups, summaries, comparisons and lesion volumes."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from magic_model.data.cohort import Patient
from magic_model.data.grid import BoolArray
from magic_model.evaluation.metric import METRICS, Metric
from magic_model.evaluation.predictors import MEASURED
from magic_model.evaluation.scores import Key, ScoreTable
from magic_model.maps import PerfusionMap
from magic_model.metrics import method_agreement
from magic_model.severity import Severity, severity_class

_Array = NDArray[np.float64]

FEWEST_PATIENTS = 3
"""With fewer, no interval is given: there is next to nothing to draw from."""

_RESAMPLES = 5000


def bootstrap_intervals(
    values: _Array,
    rng: np.random.Generator,
    *,
    confidence_level: float = 0.95,
    resamples: int = _RESAMPLES,
) -> _Array:
    """Percentile intervals of the mean of each column, all from the same draws.

    Args:
        values: `(patients, columns)`, NaN where undefined; these are left out.
        rng: Source of chance.
        confidence_level: Between 0 and 1.
        resamples: How often patients are drawn.

    Returns:
        `(2, columns)` lower and upper limits, NaN for columns with fewer than three
        values.

    Raises:
        ValueError: If the level is not between 0 and 1.
    """
    if not 0 < confidence_level < 1:
        msg = f"Confidence level must be between 0 and 1, got {confidence_level}"
        raise ValueError(msg)
    n, columns = values.shape
    limits = np.full((2, columns), np.nan)
    known = np.isfinite(values)
    enough = known.sum(axis=0) >= FEWEST_PATIENTS
    if not enough.any():
        return limits
    # (resamples, patients): how often each patient is drawn.
    drawn = rng.multinomial(n, np.full(n, 1 / n), size=resamples).astype(np.float64)
    sums = drawn @ np.where(known, values, 0.0)[:, enough]
    counts = drawn @ known[:, enough].astype(np.float64)
    means = np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)
    tail = (1 - confidence_level) / 2
    limits[:, enough] = np.nanquantile(means, [tail, 1 - tail], axis=0)
    return limits


ALL = "all"
RATIO_ZERO = "ratio = 0"
RATIO_ABOVE = "ratio > 0"


def severity_of(patient: Patient) -> Severity | None:
    """Class of a patient, by the mismatch ratio where no class is given."""
    if patient.severity is None and not math.isnan(patient.mismatch_ratio):
        return severity_class(patient.mismatch_ratio)
    return patient.severity


def patient_groups(patients: Sequence[Patient]) -> dict[str, BoolArray]:
    """Return who is in each group: all, ratio 0 and above, and the three classes.

    A patient of unknown severity is in `all` alone. The class `none` and the group of
    ratio 0 are the same patients.

    Returns:
        `(patients,)` bool for each group, groups without patients included.
    """
    classes = [severity_of(patient) for patient in patients]
    known = np.array([severity is not None for severity in classes], dtype=np.bool_)
    members = {
        str(severity): np.array([c is severity for c in classes], dtype=np.bool_)
        for severity in Severity
    }
    none = members[Severity.NONE]
    return {
        ALL: np.ones(len(classes), dtype=np.bool_),
        RATIO_ZERO: none,
        RATIO_ABOVE: known & ~none,
        **members,
    }


LESION_VOLUMES = (Metric.CORE_ML, Metric.AT_RISK_ML)


@dataclass(frozen=True)
class VolumeAgreement:
    """Agreement of one lesion volume of a method with the measured one.

    Attributes:
        method: Method or trivial predictor.
        metric: Core or tissue at risk, in mL.
        differences: Generated minus measured, in mL.
        icc: ICC(2,1) of absolute agreement; NaN if all volumes are the same.
        icc_interval: 95 %.
        reason: Why a number is missing; None if none is.
    """

    method: str
    metric: Metric
    differences: method_agreement.BlandAltman
    icc: float
    icc_interval: method_agreement.Interval
    reason: str | None


def volume_agreement(
    scores: ScoreTable, methods: Sequence[str]
) -> list[VolumeAgreement]:
    """Compare volumes of core and tissue at risk, if the maps show them.

    A patient in whose maps the rules cannot tell a lesion is left out; `n` of the
    differences counts the others.
    """
    return [
        _agreement(
            key,
            scores.column(Key(MEASURED, None, key.metric)),
            scores.column(key),
        )
        for method in (*methods, *scores.baselines)
        for key in scores.keys
        if key.method == method and key.metric in LESION_VOLUMES
    ]


@dataclass(frozen=True)
class Summary:
    """A figure over the patients of a group.

    Attributes:
        group: Of `patient_groups`.
        key: Method, map and metric.
        n: Patients in whom it is defined.
        mean: NaN without any.
        interval: Of the mean, 95 % by bootstrap over patients; NaN below three.
        median: Of the patients.
        quartiles: First and third.
        reason: Why a number is missing; None if none is.
    """

    group: str
    key: Key
    n: int
    mean: float
    interval: method_agreement.Interval
    median: float
    quartiles: method_agreement.Interval
    reason: str | None


def summarise(scores: ScoreTable, rng: np.random.Generator) -> list[Summary]:
    """Sum up every figure in every group that has patients."""
    return [
        summary
        for group, members in patient_groups(scores.patients).items()
        if members.any()
        for summary in _of_group(group, scores.keys, scores.values[members], rng)
    ]


def missing_reason(n: int, undefined: str) -> str | None:
    """Say why a mean or its interval is missing, None where both are there."""
    if n == 0:
        return f"Undefined: {undefined}"
    if n < FEWEST_PATIENTS:
        return f"An interval needs {FEWEST_PATIENTS} patients or more, got {n}"
    return None


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
    interval: method_agreement.Interval
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
    pairs = [*combinations(methods, 2), *product(methods, scores.baselines)]
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
        _comparison(
            one,
            other.method,
            column,
            method_agreement.Interval(float(low), float(high)),
        )
        for (one, other), column, (low, high) in zip(
            keys, differences.T, limits.T, strict=True
        )
    ]
    return list(_with_holm(found))


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


def _agreement(
    key: Key, measured: np.ndarray, generated: np.ndarray
) -> VolumeAgreement:
    """Of the patients in whom both are known."""
    known = np.isfinite(measured) & np.isfinite(generated)
    measured, generated = measured[known], generated[known]
    differences = (
        method_agreement.bland_altman(measured, generated)
        if known.any()
        else method_agreement.BlandAltman(0, math.nan, math.nan)
    )
    icc, interval, reason = (
        math.nan,
        method_agreement.Interval(math.nan, math.nan),
        None,
    )
    if measured.size < FEWEST_PATIENTS:
        reason = f"ICC needs {FEWEST_PATIENTS} patients or more, got {measured.size}"
    else:
        result = method_agreement.intraclass_correlation(
            np.column_stack([measured, generated])
        )
        icc, interval = result.estimate, result.confidence_interval()
        if math.isnan(icc):
            reason = "ICC is undefined: every volume is the same"
        elif math.isnan(interval.low):
            reason = "ICC has no interval: no variance to estimate it from"
    return VolumeAgreement(
        method=key.method,
        metric=key.metric,
        differences=differences,
        icc=icc,
        icc_interval=interval,
        reason=reason,
    )


def _of_group(
    group: str, keys: Sequence[Key], values: np.ndarray, rng: np.random.Generator
) -> list[Summary]:
    limits = bootstrap_intervals(values, rng)
    summaries = []
    for key, column, (low, high) in zip(keys, values.T, limits.T, strict=True):
        known = column[np.isfinite(column)]
        quartiles = (
            np.quantile(known, [0.25, 0.5, 0.75]) if known.size else [np.nan] * 3
        )
        first, median, third = (float(x) for x in quartiles)
        summaries.append(
            Summary(
                group=group,
                key=key,
                n=known.size,
                mean=float(known.mean()) if known.size else float("nan"),
                interval=method_agreement.Interval(float(low), float(high)),
                median=median,
                quartiles=method_agreement.Interval(first, third),
                reason=missing_reason(known.size, METRICS[key.metric].undefined),
            )
        )
    return summaries


def _comparison(
    key: Key,
    second: str,
    column: NDArray[np.float64],
    interval: method_agreement.Interval,
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


def _with_holm(comparisons: Sequence[Comparison]) -> Iterator[Comparison]:
    adjusted = np.empty(len(comparisons))
    metrics = np.array([c.metric for c in comparisons])
    p_values = np.array([c.p_value for c in comparisons])
    for metric in set(metrics.tolist()):
        family = metrics == metric
        adjusted[family] = holm(p_values[family])
    for comparison, p in zip(comparisons, adjusted, strict=True):
        yield replace(comparison, p_holm=float(p))
