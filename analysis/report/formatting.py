"""The one place where numbers are rounded for people."""

import math

from analysis.agreement.percent import PercentAgreement
from analysis.agreement.result import AgreementResult
from analysis.intervals import ConfidenceInterval
from analysis.multireader import ClusteredEstimate

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
