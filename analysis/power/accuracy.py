"""Power for the accuracy of several readers: how many readers, how many cases.

Of Obuchowski and Rockette's test with Hillis' degrees of freedom, from the covariances
of a pilot. More cases make these smaller in proportion; how differently readers take
the modalities stays. Source: Hillis, Obuchowski and Berbaum 2011,
Acad Radiol 18:129-142.
"""

import math
from dataclasses import dataclass
from typing import Literal

from scipy import special

from analysis.accuracy import MultireaderAccuracy
from analysis.accuracy.guarded import Difference as GuardedDifference
from analysis.accuracy.inference import Error, quantile
from analysis.errors import InputError, as_number, as_whole, one_of
from analysis.power.normal import check_power
from analysis.showing import Shown

Random = Literal["readers_and_cases", "readers", "cases"]

_RANDOM = ("readers_and_cases", "readers", "cases")
_MOST_CASES = 1_000_000


@dataclass(frozen=True, kw_only=True)
class AccuracyComponents(Shown):
    """Variance of an accuracy in a study of two modalities.

    Attributes:
        cases: Cases behind the covariances, with the share of diseased ones that the
            study will have.
        reader_modality: Variance of readers by modality; below 0 it counts as 0.
        error_variance: Of one reader with one modality.
        cov1: Same reader, other modality.
        cov2: Other reader, same modality.
        cov3: Both other.

    Raises:
        InputError: If a number is missing or cannot be.
    """

    cases: int
    reader_modality: float
    error_variance: float
    cov1: float
    cov2: float
    cov3: float

    def __post_init__(self) -> None:
        if as_whole("Cases", self.cases) < 2:
            msg = f"Cases must be 2 or more, got {self.cases}"
            raise InputError(msg)
        for name in ("reader_modality", "error_variance", "cov1", "cov2", "cov3"):
            if not math.isfinite(as_number(name, getattr(self, name))):
                msg = f"{name} must be finite, got {getattr(self, name)}"
                raise InputError(msg)
        largest = max(self.cov1, self.cov2, self.cov3)
        if not self.error_variance > 0 or largest > self.error_variance:
            msg = (
                "error_variance must be above 0 and not below a covariance, "
                f"got {self.error_variance:g}"
                + (f" and {largest:g}" if self.error_variance > 0 else "")
            )
            raise InputError(msg)

    @classmethod
    def of_pilot(cls, study: MultireaderAccuracy) -> "AccuracyComponents":
        """Return the components of a study that is a pilot.

        Raises:
            InputError: If it does not have two modalities and two readers, or its
                covariances are not defined.
        """
        if len(study.modalities) != 2 or len(study.readers) < 2:
            msg = (
                "A pilot must have two modalities and two readers or more, got "
                f"{len(study.modalities)} and {len(study.readers)}"
            )
            raise InputError(msg)
        found, components = study.covariances, study.variance_components
        if study.undefined_reason or found is None or components is None:
            reason = study.undefined_reason or (
                "its covariances are not defined for readers who use both modalities"
            )
            msg = f"A pilot must have a result, got none: {reason}"
            raise InputError(msg)
        return cls(
            cases=study.n_cases,
            reader_modality=components.reader_modality,
            error_variance=found.error_variance,
            cov1=found.cov1 or 0.0,  # none is None where there are components
            cov2=found.cov2 or 0.0,
            cov3=found.cov3 or 0.0,
        )


@dataclass(frozen=True, kw_only=True)
class Guard(Shown):
    """What the limits on which a report decides take beyond Hillis' test.

    They are wider near 1 and with few cases; see `analysis.accuracy.guarded`.

    Attributes:
        cases: Cases of the pilot.
        accuracy: Mean of both modalities.
        variance: Of the accuracy of one modality over all readers, in the pilot.
        df: Degrees of freedom of the difference in the pilot; more cases give more, in
            proportion.
    """

    cases: int
    accuracy: float
    variance: float
    df: float

    @classmethod
    def of_pilot(cls, study: MultireaderAccuracy) -> "Guard | None":
        """Return it for a study of two modalities; None where both are perfect."""
        decided = study.for_decisions()
        first, second = decided.modalities
        one, other = decided.guarded(first), decided.guarded(second)
        apart = decided.guarded(first, second)
        if one is None or other is None or apart is None:
            return None
        accuracy = (one.estimate + other.estimate) / 2
        variance = (one.error.variance + other.error.variance) / 2
        if not (0 < accuracy < 1 and variance > 0 and apart.error.used_df > 0):
            return None
        return cls(
            cases=study.n_cases,
            accuracy=accuracy,
            variance=variance,
            df=apart.error.used_df,
        )

    def at(
        self, difference: float, variance: float, cases: int, df: float
    ) -> GuardedDifference:
        """Return the guarded difference that a design is expected to give.

        Args:
            difference: True difference.
            variance: Expected, of the difference.
            cases: Of the design.
            df: Hillis' degrees of freedom, which are an upper limit.
        """
        half, scale = difference / 2, self.cases / cases
        df = min(df, self.df / scale)
        highest = 1 - 1 / (2 * cases)
        first, second = (
            min(max(self.accuracy + x, 1 - highest), highest) for x in (half, -half)
        )
        own = Error(self.variance * scale, df)
        return GuardedDifference((first, second), (own, own), Error(variance, df))


@dataclass(frozen=True, kw_only=True)
class AccuracyPower(Shown):
    """Power of a design.

    Attributes:
        readers: So many.
        cases: So many, diseased and others.
        difference: True difference, new less reference.
        margin: Of non-inferiority; None for the two-sided test of no difference.
        power: Chance that the test says so.
        standard_error: Expected, of the difference.
        df: Expected; infinite for the normal distribution.
    """

    readers: int
    cases: int
    difference: float
    margin: float | None
    power: float
    standard_error: float
    df: float


@dataclass(frozen=True, kw_only=True)
class AccuracyTest:
    """What is to be shown.

    Attributes:
        difference: True difference, new less reference.
        margin: Largest loss that is accepted; None to test for any difference.
        alpha: Two-sided; non-inferiority is tested one-sided at half of it.
        random: What is a sample, as in `multireader_accuracy`.

    Raises:
        InputError: If a number is out of range, or there is nothing to be shown.
    """

    difference: float
    margin: float | None = None
    alpha: float = 0.05
    random: Random = "readers_and_cases"

    def __post_init__(self) -> None:
        one_of("random", self.random, _RANDOM)
        if not -1 < as_number("Difference", self.difference) < 1:
            msg = f"Difference must be between -1 and 1, got {self.difference:g}"
            raise InputError(msg)
        if not 0 < as_number("Alpha", self.alpha) < 1:
            msg = f"Alpha must be between 0 and 1, got {self.alpha:g}"
            raise InputError(msg)
        if self.margin is None and self.difference == 0:
            msg = "Difference must not be 0 without a margin: there is nothing to show"
            raise InputError(msg)
        if self.margin is None:
            return
        if not 0 < as_number("Margin", self.margin) < 1:
            msg = f"Margin must be between 0 and 1, got {self.margin:g}"
            raise InputError(msg)
        if self.difference <= -self.margin:
            msg = (
                "Difference must be above -margin, else nothing is to be shown, "
                f"got {self.difference:g} with the margin {self.margin:g}"
            )
            raise InputError(msg)

    def power(
        self,
        of: AccuracyComponents,
        readers: int,
        cases: int,
        guard: Guard | None = None,
    ) -> AccuracyPower:
        """Return the power of a design.

        Args:
            of: Components of a pilot.
            readers: Of the design.
            cases: Of the design.
            guard: Of the pilot, for the power of the test on which a report decides;
                None for Hillis' test.
        """
        error, df = self._error(of, readers, cases)
        wider = 1.0
        if guard is not None:
            expected = guard.at(self.difference, error**2, cases, df)
            df = expected.error.used_df
            z = quantile(1 - self.alpha / 2, df)
            wider = (expected.estimate - expected.low(z)) / (z * error)
        if self.margin is None:
            apart = (self.difference / error) ** 2
            power = _two_sided(apart, df, self.alpha, wider)
        else:
            apart = (self.difference + self.margin) / error
            power = _one_sided(apart, df, self.alpha / 2, wider)
        return AccuracyPower(
            readers=readers,
            cases=cases,
            difference=self.difference,
            margin=self.margin,
            power=power,
            standard_error=error,
            df=df,
        )

    def cases_needed(
        self,
        of: AccuracyComponents,
        readers: int,
        power: float,
        guard: Guard | None = None,
    ) -> int | None:
        """Return the fewest cases that give a power; None where no number does.

        Arguments are those of `power`.
        """
        check_power(power, self.alpha)

        def enough(cases: int) -> bool:
            return self.power(of, readers, cases, guard).power >= power

        if not enough(_MOST_CASES):
            return None
        low, high = 1, 2  # too few, enough
        while not enough(high):
            low, high = high, min(2 * high, _MOST_CASES)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if enough(middle) else (middle, high)
        return high

    def _error(
        self, of: AccuracyComponents, readers: int, cases: int
    ) -> tuple[float, float]:
        """Return the expected standard error and degrees of freedom."""
        least = 1 if self.random == "cases" else 2
        if as_whole("Readers", readers) < least or as_whole("Cases", cases) < 2:
            msg = (
                f"A design takes {least} readers and 2 cases or more, "
                f"got {readers} and {cases}"
            )
            raise InputError(msg)
        scale = of.cases / cases
        shared = max(of.cov2 - of.cov3, 0.0)
        of_readers = max(of.reader_modality, 0.0)
        residual = of_readers + scale * (of.error_variance - of.cov1 - shared)
        if self.random == "cases":
            own = of.error_variance - of.cov1 + (readers - 1) * shared
            total, df = scale * own, math.inf
        elif self.random == "readers":
            total, df = residual, readers - 1.0
        else:
            total = residual + readers * scale * shared
            df = (readers - 1) * (total / residual) ** 2 if residual > 0 else math.inf
        if not total > 0:
            msg = "The components leave the difference no variance, so no power follows"
            raise InputError(msg)
        return math.sqrt(2 * total / readers), df


def _two_sided(noncentrality: float, df: float, alpha: float, wider: float) -> float:
    """Return the chance that F of 1 and df is beyond its critical value, or wider."""
    if math.isinf(df):
        z, shift = wider * quantile(1 - alpha / 2, df), math.sqrt(noncentrality)
        return float(special.ndtr(shift - z) + special.ndtr(-shift - z))
    critical = (wider * quantile(1 - alpha / 2, df)) ** 2
    return float(1 - special.ncfdtr(1, df, noncentrality, critical))


def _one_sided(noncentrality: float, df: float, alpha: float, wider: float) -> float:
    """Return the chance that t of df is above its critical value, or wider."""
    critical = wider * quantile(1 - alpha, df)
    if math.isinf(df):
        return float(special.ndtr(noncentrality - critical))
    return float(1 - special.nctdtr(df, noncentrality, critical))
