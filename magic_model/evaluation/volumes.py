"""How far lesion volumes in generated maps agree with the measured ones."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from magic_model.evaluation.bootstrap import FEWEST_PATIENTS
from magic_model.evaluation.metric import Metric
from magic_model.evaluation.predictors import BASELINES, MEASURED
from magic_model.evaluation.score_table import Key, ScoreTable
from magic_model.metrics.method_agreement import (
    BlandAltman,
    Interval,
    bland_altman,
    intraclass_correlation,
)

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
    differences: BlandAltman
    icc: float
    icc_interval: Interval
    reason: str | None


def volume_agreement(
    scores: ScoreTable, methods: Sequence[str]
) -> list[VolumeAgreement]:
    """Compare volumes of core and tissue at risk, if the maps show them."""
    return [
        _agreement(
            key,
            scores.column(Key(MEASURED, None, key.metric)),
            scores.column(key),
        )
        for method in (*methods, *BASELINES)
        for key in scores.keys
        if key.method == method and key.metric in LESION_VOLUMES
    ]


def _agreement(
    key: Key, measured: np.ndarray, generated: np.ndarray
) -> VolumeAgreement:
    icc, interval, reason = math.nan, Interval(math.nan, math.nan), None
    if measured.size < FEWEST_PATIENTS:
        reason = f"ICC needs {FEWEST_PATIENTS} patients or more, got {measured.size}"
    else:
        result = intraclass_correlation(np.column_stack([measured, generated]))
        icc, interval = result.estimate, result.confidence_interval()
        if math.isnan(icc):
            reason = "ICC is undefined: every volume is the same"
        elif math.isnan(interval.low):
            reason = "ICC has no interval: no variance to estimate it from"
    return VolumeAgreement(
        method=key.method,
        metric=key.metric,
        differences=bland_altman(measured, generated),
        icc=icc,
        icc_interval=interval,
        reason=reason,
    )
