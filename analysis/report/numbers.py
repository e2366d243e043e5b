"""Numbers as results.json has them: unrounded, null where there is none."""

import math
from typing import Any

from analysis.multireader import ClusteredEstimate

Json = dict[str, Any]


def number(value: float | None) -> float | None:
    """Give a number, or None where it is not finite."""
    return None if value is None or not math.isfinite(value) else float(value)


def clustered_json(estimate: ClusteredEstimate, level: float) -> Json:
    """Give the entry of a clustered estimate."""
    interval = estimate.confidence_interval(level)
    return {
        "estimate": number(estimate.estimate),
        "standard_error": number(estimate.standard_error),
        "df": number(estimate.df),
        "low": number(interval.low),
        "high": number(interval.high),
        "n_pairs": estimate.n,
        "n_readers": estimate.n_readers,
        "n_cases": estimate.n_cases,
        "variance": estimate.variance,
        "undefined_reason": estimate.undefined_reason,
        "cautions": list(estimate.cautions),
    }
