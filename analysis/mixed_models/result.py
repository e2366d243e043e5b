"""What a fitted ordinal mixed model tells."""

import math
from collections.abc import Hashable
from dataclasses import dataclass, field

from scipy.special import chdtrc, ndtr

from analysis.intervals import ConfidenceInterval, normal_quantile
from analysis.mixed_models.links import Link, link_function
from analysis.mixed_models.problem import OrdinalProblem


@dataclass(frozen=True)
class Coefficient:
    """An estimate on the scale of the link.

    Attributes:
        estimate: Value; NaN where the model is undefined.
        standard_error: From the curvature of the likelihood.
    """

    estimate: float
    standard_error: float

    @property
    def z(self) -> float:
        """Wald statistic."""
        return self.estimate / self.standard_error

    @property
    def p_value(self) -> float:
        """Two-sided p value of Wald's test that the coefficient is 0."""
        return 2 * float(ndtr(-abs(self.z)))

    def confidence_interval(self, confidence_level: float = 0.95) -> ConfidenceInterval:
        """Wald interval.

        Raises:
            ValueError: If the level is not between 0 and 1.
        """
        margin = normal_quantile(confidence_level) * self.standard_error
        return ConfidenceInterval(self.estimate - margin, self.estimate + margin)


@dataclass(frozen=True)
class OddsRatio:
    """Odds ratio of an answer in a higher category.

    Attributes:
        estimate: exp(coefficient).
        low: Lower limit.
        high: Upper limit.
    """

    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class LikelihoodRatioTest:
    """Twice the difference of two log likelihoods against chi-square.

    Attributes:
        statistic: Twice the difference.
        df: Number of coefficients left out.
        undefined_reason: Why there is no test, else None.
    """

    statistic: float
    df: int
    undefined_reason: str | None = None

    @property
    def p_value(self) -> float:
        """Chance of a statistic as large if the coefficients are 0."""
        return float(chdtrc(self.df, max(0.0, self.statistic)))


@dataclass(frozen=True)
class OrdinalMixedModel:
    """A cumulative model with random intercepts, unrounded.

    P(answer <= j) = F(threshold_j - fixed x coefficients - random intercepts), so a
    positive coefficient means answers further up the scale.

    Attributes:
        link: `logit` or `probit`.
        categories: The scale in its order.
        n: Number of answers.
        thresholds: One between each two neighbouring categories.
        coefficients: Fixed effects by name.
        group_sizes: Number of groups of each grouping.
        group_sds: Standard deviation of each grouping's intercepts; 0 where the
            likelihood is highest at the boundary.
        log_likelihood: By Laplace's approximation.
        converged: Whether a maximum was reached.
        cautions: What makes the estimates weak.
        undefined_reason: Why all numbers are NaN, None where they are not.
        problem: What it was fitted to.
    """

    link: Link
    categories: tuple[Hashable, ...]
    n: int
    thresholds: tuple[Coefficient, ...]
    coefficients: dict[str, Coefficient]
    group_sizes: dict[str, int]
    group_sds: dict[str, float]
    log_likelihood: float
    converged: bool
    cautions: tuple[str, ...] = ()
    undefined_reason: str | None = None
    problem: OrdinalProblem = field(repr=False, compare=False, kw_only=True)

    def odds_ratio(self, name: str, confidence_level: float = 0.95) -> OddsRatio:
        """Give the odds ratio of an answer further up for one unit of a fixed effect.

        Raises:
            ValueError: If the link is not the logit, where odds ratios do not exist.
        """
        if self.link != "logit":
            msg = f"Odds ratios need the logit link, got {self.link}"
            raise ValueError(msg)
        coefficient = self.coefficients[name]
        interval = coefficient.confidence_interval(confidence_level)
        limits = (coefficient.estimate, interval.low, interval.high)
        return OddsRatio(*(_exp(limit) for limit in limits))

    def variance_shares(self) -> dict[str, float]:
        """Share of the latent variance in each grouping and, last, in the residual.

        Two answers that share a grouping's group have this much correlation by it.
        """
        variances = {name: sd**2 for name, sd in self.group_sds.items()}
        variances["residual"] = link_function(self.link).residual_variance
        total = sum(variances.values())
        return {name: variance / total for name, variance in variances.items()}


def _exp(value: float) -> float:
    return math.exp(value) if value < math.log(1e300) else math.inf
