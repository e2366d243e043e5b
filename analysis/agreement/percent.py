"""Percent agreement, as a proportion, and what skews it."""

import math
from dataclasses import dataclass

from analysis import intervals
from analysis.columns import takes_ratings
from analysis.showing import Shown
from analysis.tables import ContingencyTable


@dataclass(frozen=True)
class PercentAgreement(Shown):
    """Result of `percent_agreement`.

    Attributes:
        n_agree: Pairs with twice the same answer.
        n: All pairs.
    """

    n_agree: int
    n: int

    @property
    def estimate(self) -> float:
        """Proportion of pairs that agree, 0 to 1; NaN without pairs."""
        return self.n_agree / self.n if self.n else math.nan

    @property
    def standard_error(self) -> float:
        """Binomial standard error, divisor n."""
        p = self.estimate
        return math.sqrt(p * (1 - p) / self.n) if self.n else math.nan

    @property
    def undefined_reason(self) -> str | None:
        """Why there is no estimate, None where there is one."""
        return None if self.n else "there are no pairs"

    def confidence_interval(
        self,
        confidence_level: float = 0.95,
        method: intervals.ProportionMethod = "wilson",
    ) -> intervals.ConfidenceInterval:
        """Return the interval of the proportion; see `analysis.intervals`."""
        return intervals.proportion_interval(
            self.n_agree, self.n, confidence_level, method
        )


@takes_ratings(scale_matters=False)
def percent_agreement(table: ContingencyTable) -> PercentAgreement:
    """Proportion of pairs in which both methods drew the same answer.

    Examples:
        >>> agreement = percent_agreement(ContingencyTable([[104, 13], [14, 9]]))
        >>> round(agreement.estimate, 4)
        0.8071
        >>> interval = agreement.confidence_interval()
        >>> round(interval.low, 4), round(interval.high, 4)
        (0.7339, 0.8639)
    """
    return PercentAgreement(table.n_agree, table.n)


@dataclass(frozen=True)
class SkewIndices(Shown):
    """Why kappa of a 2 x 2 table is low though agreement is high.

    Attributes:
        prevalence: Difference of the two agreeing cells over n, signed.
        bias: Difference of the two disagreeing cells over n, signed.

    References:
        Byrt T, Bishop J, Carlin JB. J Clin Epidemiol 1993;46:423.
        doi:10.1016/0895-4356(93)90018-V
    """

    prevalence: float
    bias: float


@takes_ratings(scale_matters=True)
def skew_indices(table: ContingencyTable) -> SkewIndices:
    """Prevalence and bias index of a 2 x 2 table; NaN without pairs.

    Raises:
        ValueError: If the table is larger.
    """
    if table.k != 2:
        msg = (
            f"Prevalence and bias indices need a 2 x 2 table, got {table.k} categories"
        )
        raise ValueError(msg)
    (a, b), (c, d) = table.counts.tolist()
    if not table.n:
        return SkewIndices(math.nan, math.nan)
    return SkewIndices(prevalence=(a - d) / table.n, bias=(b - c) / table.n)
