"""Names and numbers as they are printed; the one place where numbers are rounded."""

import math
from typing import Any

from analysis.agreement.percent import PercentAgreement
from analysis.agreement.result import AgreementResult
from analysis.intervals import ConfidenceInterval
from analysis.multireader import ClusteredEstimate

NAMES = {
    "cohen_kappa": "Cohen's kappa",
    "cohen_kappa_linear": "Cohen's kappa, linear weights",
    "cohen_kappa_quadratic": "Cohen's kappa, quadratic weights",
    "maximum_kappa": "Maximum kappa for these margins",
    "maximum_kappa_linear": "Maximum kappa, linear weights",
    "maximum_kappa_quadratic": "Maximum kappa, quadratic weights",
    "scott_pi": "Scott's pi",
    "gwet_ac1": "Gwet's AC1",
    "gwet_ac2_linear": "Gwet's AC2, linear weights",
    "gwet_ac2_quadratic": "Gwet's AC2, quadratic weights",
    "brennan_prediger": "Brennan-Prediger",
    "brennan_prediger_linear": "Brennan-Prediger, linear weights",
    "brennan_prediger_quadratic": "Brennan-Prediger, quadratic weights",
    "krippendorff_alpha_nominal": "Krippendorff's alpha, nominal",
    "krippendorff_alpha_ordinal": "Krippendorff's alpha, ordinal",
    "krippendorff_alpha_interval": "Krippendorff's alpha, interval",
    "bangdiwala_b": "Bangdiwala's B",
    "bangdiwala_b_linear": "Bangdiwala's B, linear weights",
    "bangdiwala_b_quadratic": "Bangdiwala's B, quadratic weights",
    "bowker": "Bowker (symmetry)",
    "stuart_maxwell": "Stuart-Maxwell (equal margins)",
    "mcnemar_exact": "McNemar, exact",
    "mcnemar_mid_p": "McNemar, mid-p",
}


Json = dict[str, Any]


def number(value: float | None) -> float | None:
    """Return a number, or None where it is not finite."""
    return None if value is None or not math.isfinite(value) else float(value)


def clustered_json(estimate: ClusteredEstimate, level: float) -> Json:
    """Return the entry of a clustered estimate."""
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


NO_INTERVAL = "no interval"
UNDEFINED = "undefined"
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
_SMALLEST_P = 0.001


def format_estimate(value: float, digits: int = 3) -> str:
    """Write a number; `undefined` for NaN, and never a negative zero."""
    if math.isnan(value):
        return UNDEFINED
    return f"{value:.{digits}f}".replace("-" + f"{0:.{digits}f}", f"{0:.{digits}f}")


def format_interval(interval: ConfidenceInterval, digits: int = 3) -> str:
    """Write `[low, high]`, or that there is none to give."""
    if interval.caution or math.isnan(interval.low):
        return f"[{NO_INTERVAL}]"
    low, high = (format_estimate(x, digits) for x in (interval.low, interval.high))
    return f"[{low}, {high}]"


def format_coefficient(result: AgreementResult, level: float = 0.95) -> str:
    """Write a coefficient with its interval, as in the paper's Table 1."""
    estimate = format_estimate(result.estimate)
    if result.standard_error is None:
        return estimate
    return f"{estimate} {format_interval(result.confidence_interval(level))}"


def format_clustered(
    estimate: ClusteredEstimate, level: float = 0.95, digits: int = 3
) -> str:
    """Write a clustered estimate with its interval."""
    value = format_estimate(estimate.estimate, digits)
    return f"{value} {format_interval(estimate.confidence_interval(level), digits)}"


def format_share(
    estimate: ClusteredEstimate, level: float = 0.95, digits: int = 1
) -> str:
    """Write a clustered share in percent with its interval."""
    if math.isnan(estimate.estimate):
        return UNDEFINED
    interval = estimate.confidence_interval(level)
    value = f"{100 * estimate.estimate:.{digits}f}%"
    if interval.caution or math.isnan(interval.low):
        return f"{value} [{NO_INTERVAL}]"
    low, high = (f"{100 * x:.{digits}f}%" for x in (interval.low, interval.high))
    return f"{value} [{low}, {high}]"


def format_percent(percent: PercentAgreement, level: float = 0.95) -> str:
    """Write percent agreement with its Wilson interval, as in the paper's Table 1."""
    if not percent.n:
        return UNDEFINED
    interval = percent.confidence_interval(level)
    low, high = 100 * interval.low, 100 * interval.high
    return f"{100 * percent.estimate:.2f}% [{low:.2f}%, {high:.2f}%]"


def format_p(value: float) -> str:
    """Write a p-value, `<0.001` below that."""
    if math.isnan(value):
        return UNDEFINED
    return f"<{_SMALLEST_P}" if value < _SMALLEST_P else f"{value:.3f}"


def neutralise(text: str) -> str:
    """Make free text harmless to a spreadsheet, which would run it as a formula.

    Examples:
        >>> neutralise("=HYPERLINK(1)"), neutralise("motion")
        ("'=HYPERLINK(1)", 'motion')
    """
    return f"'{text}" if text.lstrip().startswith(_DANGEROUS) else text
