"""Results of the agreement statistics: an estimate with its standard error."""

import math
from dataclasses import dataclass

from analysis.intervals import ConfidenceInterval, normal_quantile
from analysis.showing import Shown

_NO_ERROR = 1e-12  # what rounding leaves of a standard error of 0

NO_SPREAD = (
    "the large-sample standard error is 0, so the interval carries no information"
)


@dataclass(frozen=True)
class AgreementResult(Shown):
    """An estimate with its standard error, unrounded.

    Attributes:
        estimate: The coefficient; NaN where it is undefined, and then
            `undefined_reason` says why.
        standard_error: Large-sample standard error, divisor n; None where no formula
            is offered, NaN where the estimate is.
        n: Number of pairs (or cases) behind it.
        undefined_reason: Why the estimate or its interval carries no information,
            None where it does.
    """

    estimate: float
    standard_error: float | None
    n: int
    undefined_reason: str | None = None

    def __post_init__(self) -> None:
        spread = self.standard_error
        if self.undefined_reason is None and spread is not None and spread < _NO_ERROR:
            object.__setattr__(self, "undefined_reason", NO_SPREAD)

    def confidence_interval(self, confidence_level: float = 0.95) -> ConfidenceInterval:
        """Return estimate +- z x standard error, not cut off, as the paper prints it.

        Where the interval says nothing, its `caution` tells why.

        Raises:
            ValueError: If the level is not between 0 and 1.
        """
        z = normal_quantile(confidence_level)
        if self.standard_error is None:
            caution = self.undefined_reason or "no standard error is offered for it"
            return ConfidenceInterval(math.nan, math.nan, caution)
        margin = z * self.standard_error
        return ConfidenceInterval(
            self.estimate - margin, self.estimate + margin, self.undefined_reason
        )


@dataclass(frozen=True)
class ChanceCorrectedResult(AgreementResult):
    """A coefficient (observed - expected) / (1 - expected).

    Attributes:
        observed: Observed (weighted) agreement.
        expected: Agreement expected by chance.
        null_standard_error: Standard error where agreement is by chance alone.
    """

    observed: float = math.nan
    expected: float = math.nan
    null_standard_error: float = math.nan
