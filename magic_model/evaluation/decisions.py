"""Whether generated maps would have led to the decision that measured maps led to.

Two rules of trials, from volumes of core and tissue at risk: a core below 70 mL, and
the target mismatch of DEFUSE 3. They are read as questions of agreement with the
measured maps; nothing here says what a patient should have.

References:
    Albers GW et al. DEFUSE 3. N Engl J Med 2018;378:708. doi:10.1056/NEJMoa1713973
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from magic_model.evaluation.metric import Metric
from magic_model.evaluation.predictors import MEASURED
from magic_model.evaluation.scores import Key, ScoreTable
from magic_model.metrics.method_agreement import Interval
from magic_model.metrics.pixelwise import roc_auc

CORE_BELOW_ML = 70.0
MISMATCH_RATIO = 1.8
MISMATCH_ML = 15.0

_Volumes = NDArray[np.float64]
_Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Rate:
    """A share of patients.

    Attributes:
        hits: Patients in whom the decision was the same.
        of: Patients asked about.
    """

    hits: int
    of: int

    @property
    def value(self) -> float:
        """NaN without patients."""
        return self.hits / self.of if self.of else math.nan

    @property
    def interval(self) -> Interval:
        """95 % by Wilson's score; NaN without patients."""
        if not self.of:
            return Interval(math.nan, math.nan)
        found = binomtest(self.hits, self.of).proportion_ci(method="wilson")
        return Interval(float(found.low), float(found.high))


@dataclass(frozen=True)
class Decision:
    """How the maps of a method decide, beside the measured ones.

    Attributes:
        method: Its name.
        auc: How often a smaller generated core belongs to the patient with a measured
            core below 70 mL, of all pairs of one with and one without; NaN if all
            patients are of one kind.
        small_core: Sensitivity for a measured core below 70 mL.
        large_core: Specificity: agreement where the measured core is larger.
        mismatch: Sensitivity for the measured target mismatch.
        no_mismatch: Specificity for it.
    """

    method: str
    auc: float
    small_core: Rate
    large_core: Rate
    mismatch: Rate
    no_mismatch: Rate

    def to_row(self) -> dict[str, Any]:
        """Return plain values; None where undefined."""
        rates = {
            "core_sensitivity": self.small_core,
            "core_specificity": self.large_core,
            "mismatch_sensitivity": self.mismatch,
            "mismatch_specificity": self.no_mismatch,
        }
        row: dict[str, Any] = {"method": self.method, "core_auc": _plain(self.auc)}
        for name, rate in rates.items():
            row[name] = _plain(rate.value)
            row[f"{name}_low"] = _plain(rate.interval.low)
            row[f"{name}_high"] = _plain(rate.interval.high)
            row[f"{name}_n"] = rate.of
        return row


def decide(scores: ScoreTable, methods: Sequence[str]) -> list[Decision]:
    """Compare the decisions of methods with those of the measured maps.

    Patients count in whom the volumes of both are known.

    Args:
        scores: Figures of the patients; without lesions there are no decisions.
        methods: Methods and predictors.
    """
    if Key(MEASURED, None, Metric.CORE_ML) not in scores.keys:
        return []
    return [_decision(method, *_volumes(scores, method)) for method in methods]


def target_mismatch(core: _Volumes, at_risk: _Volumes) -> _Flags:
    """Tell the target mismatch of DEFUSE 3, in mL; the core counts as at risk too.

    Core below 70 mL, at risk 1.8 times the core or more, 15 mL or more beside the core.

    Examples:
        >>> core, at_risk = np.array([10.0, 80.0, 0.0]), np.array([25.0, 200.0, 14.0])
        >>> target_mismatch(core, at_risk).tolist()
        [True, False, False]
    """
    beside = at_risk - core
    flags: _Flags = (
        (core < CORE_BELOW_ML)
        & (at_risk >= MISMATCH_RATIO * core)
        & (beside >= MISMATCH_ML)
    )
    return flags


def _volumes(scores: ScoreTable, method: str) -> tuple[_Volumes, ...]:
    columns = np.stack(
        [
            scores.column(Key(whose, None, metric))
            for whose in (MEASURED, method)
            for metric in (Metric.CORE_ML, Metric.AT_RISK_ML)
        ]
    )
    return tuple(columns[:, np.isfinite(columns).all(axis=0)])


def _decision(
    method: str,
    core: _Volumes,
    at_risk: _Volumes,
    found: _Volumes,
    found_risk: _Volumes,
) -> Decision:
    small, target = core < CORE_BELOW_ML, target_mismatch(core, at_risk)
    return Decision(
        method,
        roc_auc(-found, small),
        *_rates(small, found < CORE_BELOW_ML),
        *_rates(target, target_mismatch(found, found_risk)),
    )


def _rates(truth: _Flags, found: _Flags) -> Iterator[Rate]:
    for kind in (True, False):
        asked = truth == kind
        yield Rate(int((found[asked] == kind).sum()), int(asked.sum()))


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
