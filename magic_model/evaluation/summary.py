"""Mean with its interval, median and quartiles of each figure, over patients."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from magic_model.evaluation.bootstrap import FEWEST_PATIENTS, bootstrap_intervals
from magic_model.evaluation.groups import patient_groups
from magic_model.evaluation.metric import METRICS
from magic_model.evaluation.score_table import Key, ScoreTable
from magic_model.metrics.method_agreement import Interval


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
    interval: Interval
    median: float
    quartiles: Interval
    reason: str | None


def summarise(scores: ScoreTable, rng: np.random.Generator) -> list[Summary]:
    """Sum up every figure in every group that has patients."""
    return [
        summary
        for group, members in patient_groups(scores.patients).items()
        if members.any()
        for summary in _of_group(group, scores.keys, scores.values[members], rng)
    ]


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
                interval=Interval(float(low), float(high)),
                median=median,
                quartiles=Interval(first, third),
                reason=missing_reason(known.size, METRICS[key.metric].undefined),
            )
        )
    return summaries


def missing_reason(n: int, undefined: str) -> str | None:
    """Say why a mean or its interval is missing, None where both are there."""
    if n == 0:
        return f"Undefined: {undefined}"
    if n < FEWEST_PATIENTS:
        return f"An interval needs {FEWEST_PATIENTS} patients or more, got {n}"
    return None
