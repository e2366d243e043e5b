"""An estimate with its error: interval and test, or the reason why there is none."""

import math
from collections.abc import Hashable
from dataclasses import dataclass

from scipy import special

from analysis.showing import Shown

NO_VARIANCE = "the standard error is 0, so nothing can be tested"
NEGATIVE_VARIANCE = "the estimate of the variance is negative"


@dataclass(frozen=True, kw_only=True)
class Inference(Shown):
    """An accuracy, or a difference of two, with what is known of its error.

    What is not defined is None, and `undefined_reason` says why.

    Attributes:
        estimate: The value.
        standard_error: Its standard error.
        df: Degrees of freedom; infinite for the normal distribution.
        low: Lower limit of the interval of 95 %.
        high: Its upper limit.
        p_value: Two-sided, against no difference; of one AUC against 0.5. One
            sensitivity or specificity has nothing to be tested against.
        undefined_reason: Why one of these is None.
    """

    estimate: float | None
    standard_error: float | None = None
    df: float | None = None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    undefined_reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class NonInferiority(Shown):
    """Whether a modality is at most a margin worse than a reference.

    Attributes:
        test: The modality.
        reference: What it is compared with.
        margin: Largest loss that is accepted.
        estimate: Test less reference.
        standard_error: Its standard error.
        df: Degrees of freedom.
        low: One-sided lower limit of 97.5 %: that of the interval of 95 %.
        p_value: One-sided, against a loss of the margin.
        shown: Whether `low` is above -margin; None where undefined.
        undefined_reason: Why there is no test.
    """

    test: Hashable
    reference: Hashable
    margin: float
    estimate: float | None
    standard_error: float | None = None
    df: float | None = None
    low: float | None = None
    p_value: float | None = None
    shown: bool | None = None
    undefined_reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Equality(Shown):
    """Test that all modalities are the same.

    Attributes:
        statistic: F, or chi-square if readers are fixed.
        df1: Degrees of freedom of the modalities.
        df2: Those of the error; infinite for chi-square.
        p_value: Its p-value.
        undefined_reason: Why there is no test.
    """

    statistic: float | None = None
    df1: float | None = None
    df2: float | None = None
    p_value: float | None = None
    undefined_reason: str | None = None


@dataclass(frozen=True)
class Error:
    """Variance of an estimate, with its degrees of freedom.

    Attributes:
        variance: May be 0 or negative.
        df: As reported.
        t_df: As used for the quantile, where another.
        degenerate: An interval of no width stands where the variance is 0.
    """

    variance: float
    df: float = math.inf
    t_df: float | None = None
    degenerate: bool = False

    @property
    def used_df(self) -> float:
        """Return the degrees of freedom of the quantile."""
        return self.df if self.t_df is None else self.t_df


def infer(
    estimate: float,
    error: Error,
    *,
    null: float | None = 0.0,
    bounded: bool = False,
) -> Inference:
    """Return interval and test of an estimate.

    Args:
        estimate: The value.
        error: Its variance.
        null: What it is tested against.
        bounded: Cut the interval to 0 and 1.
    """
    reason = _undefined(error)
    if reason == NO_VARIANCE:
        limit = estimate if error.degenerate else None
        return Inference(
            estimate=estimate,
            standard_error=0.0,
            low=limit,
            high=limit,
            undefined_reason=reason,
        )
    if reason:
        return Inference(estimate=estimate, undefined_reason=reason)
    standard_error = math.sqrt(error.variance)
    half = quantile(0.975, error.used_df) * standard_error
    low, high = estimate - half, estimate + half
    p_value = None
    if null is not None:
        p_value = 2 * upper_tail(abs(estimate - null) / standard_error, error.used_df)
    return Inference(
        estimate=estimate,
        standard_error=standard_error,
        df=error.df,
        low=max(0.0, low) if bounded else low,
        high=min(1.0, high) if bounded else high,
        p_value=p_value,
    )


def non_inferior(
    names: tuple[Hashable, Hashable], margin: float, difference: float, error: Error
) -> NonInferiority:
    """Return the test that the first modality is not a margin worse than the second."""
    test, reference = names
    reason = _undefined(error)
    if reason:
        return NonInferiority(
            test=test,
            reference=reference,
            margin=margin,
            estimate=difference,
            undefined_reason=reason,
        )
    standard_error = math.sqrt(error.variance)
    low = difference - quantile(0.975, error.used_df) * standard_error
    return NonInferiority(
        test=test,
        reference=reference,
        margin=margin,
        estimate=difference,
        standard_error=standard_error,
        df=error.df,
        low=low,
        p_value=upper_tail((difference + margin) / standard_error, error.used_df),
        shown=low > -margin,
    )


def quantile(probability: float, df: float) -> float:
    """Return a quantile of Student's t, or of the normal where df is infinite."""
    if math.isinf(df):
        return float(special.ndtri(probability))
    return float(special.stdtrit(df, probability))


def upper_tail(statistic: float, df: float) -> float:
    """Return the probability above a statistic."""
    if math.isinf(df):
        return float(special.ndtr(-statistic))
    return float(special.stdtr(df, -statistic))


def _undefined(error: Error) -> str | None:
    if math.isnan(error.variance):
        return "the variance is not defined on so few cases or readers"
    if error.variance < 0:
        return NEGATIVE_VARIANCE
    if error.variance == 0:
        return NO_VARIANCE
    return None
