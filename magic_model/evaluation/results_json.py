"""evaluation.json: every number unrounded, null where undefined, with the reason."""

import math
from typing import Any

from magic_model.evaluation.comparison import Comparison
from magic_model.evaluation.groups import patient_groups, severity_of
from magic_model.evaluation.metric import METRICS
from magic_model.evaluation.result import Evaluation
from magic_model.evaluation.score_table import Key
from magic_model.evaluation.summary import Summary
from magic_model.evaluation.volumes import VolumeAgreement
from magic_model.metrics.method_agreement import Interval

SCHEMA = 1


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """Give everything as plain dictionaries and lists, without NaN."""
    scores = evaluation.scores
    groups = patient_groups(scores.patients)
    return {
        "schema": SCHEMA,
        "seed": evaluation.seed,
        "methods": evaluation.methods,
        "maps": [str(name) for name in evaluation.maps],
        "notes": evaluation.notes,
        "metrics": {
            str(metric): {"title": spec.title, "unit": spec.unit}
            for metric, spec in METRICS.items()
        },
        "groups": {name: int(members.sum()) for name, members in groups.items()},
        "summaries": [_summary(summary) for summary in evaluation.summaries],
        "comparisons": [_comparison(c) for c in evaluation.comparisons],
        "volumes": [_volume(agreement) for agreement in evaluation.volumes],
        "patients": [
            {
                "patient_id": patient.patient_id,
                "severity": severity_of(patient),
                "mismatch_ratio": number(patient.mismatch_ratio),
                "figures": [
                    {**_key(key), "value": number(value), **_reason(key, value)}
                    for key, value in zip(scores.keys, row.tolist(), strict=True)
                ],
            }
            for patient, row in zip(scores.patients, scores.values, strict=True)
        ],
    }


def number(value: float) -> float | None:
    """Give a number, None (null in JSON) for NaN and infinite values."""
    return float(value) if math.isfinite(value) else None


def _key(key: Key) -> dict[str, Any]:
    return {"method": key.method, "map": key.map, "metric": key.metric}


def _reason(key: Key, value: float) -> dict[str, str]:
    return {"reason": METRICS[key.metric].undefined} if math.isnan(value) else {}


def _limits(interval: Interval) -> dict[str, float | None]:
    return {"low": number(interval.low), "high": number(interval.high)}


def _summary(summary: Summary) -> dict[str, Any]:
    return {
        "group": summary.group,
        **_key(summary.key),
        "n": summary.n,
        "mean": number(summary.mean),
        **_limits(summary.interval),
        "median": number(summary.median),
        "first_quartile": number(summary.quartiles.low),
        "third_quartile": number(summary.quartiles.high),
        "reason": summary.reason,
    }


def _comparison(comparison: Comparison) -> dict[str, Any]:
    return {
        "first": comparison.first,
        "second": comparison.second,
        "map": comparison.map,
        "metric": comparison.metric,
        "n": comparison.n,
        "difference": number(comparison.difference),
        **_limits(comparison.interval),
        "p_value": number(comparison.p_value),
        "p_holm": number(comparison.p_holm),
        "reason": comparison.reason,
    }


def _volume(agreement: VolumeAgreement) -> dict[str, Any]:
    differences = agreement.differences
    return {
        "method": agreement.method,
        "metric": agreement.metric,
        "n": differences.n,
        "bias_ml": number(differences.bias),
        "bias_interval": _limits(differences.bias_interval()),
        "standard_deviation_ml": number(differences.standard_deviation),
        "limits_of_agreement": _limits(differences.limits),
        "icc": number(agreement.icc),
        "icc_interval": _limits(agreement.icc_interval),
        "reason": agreement.reason,
    }
