"""Power for the accuracy of several readers: how many readers, how many cases.

Of Obuchowski and Rockette's test with Hillis' degrees of freedom, from the covariances
of a pilot. More cases make these smaller in proportion; how differently readers take
the modalities stays. Source: Hillis, Obuchowski and Berbaum 2011,
Acad Radiol 18:129-142.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

from analysis.accuracy import MultireaderAccuracy
from analysis.accuracy.inference import quantile
from analysis.errors import InputError, as_number, as_whole, one_of
from analysis.power.deciding import Expected, Guard, Studies, studies_of
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
class AccuracyPower(Shown):
    """Power of a design.

    Attributes:
        readers: So many.
        cases: So many, diseased and others.
        difference: True difference, new less reference.
        margin: Of non-inferiority; None for the two-sided test of no difference.
        power: Chance that the test says so.
        standard_error: Expected, of the difference.
        df: Expected, or in half of the studies where they vary; infinite for the
            normal distribution.
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
        expected = self._expected(of, readers, cases, guard)
        error, df = math.sqrt(expected.difference), self._df(expected)
        if guard is not None:
            studies = studies_of(guard, expected)
            power, df = self._decided(studies), float(np.median(studies.df))
        elif self.margin is None:
            power = _two_sided((self.difference / error) ** 2, df, self.alpha)
        else:
            apart = (self.difference + self.margin) / error
            power = _one_sided(apart, df, self.alpha / 2)
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

    def _decided(self, studies: Studies) -> float:
        """Return how often a limit of guarded studies shows it."""
        alpha = self.alpha / 2
        if self.margin is not None:
            return studies.above(-self.margin, self.difference, alpha)
        ways = (self.difference, -self.difference)
        return sum(studies.above(0.0, way, alpha) for way in ways)

    def _expected(
        self,
        of: AccuracyComponents,
        readers: int,
        cases: int,
        guard: Guard | None,
    ) -> Expected:
        """Return the expected variances of means over readers."""
        least = 1 if self.random == "cases" else 2
        if as_whole("Readers", readers) < least or as_whole("Cases", cases) < 2:
            msg = (
                f"A design takes {least} readers and 2 cases or more, "
                f"got {readers} and {cases}"
            )
            raise InputError(msg)
        scale = of.cases / cases
        shared = max(of.cov2 - of.cov3, 0.0)
        unshared = scale * (of.error_variance - of.cov1 - shared)
        of_readers = max(of.reader_modality, 0.0) + unshared
        if self.random == "cases":
            own = of.error_variance - of.cov1 + (readers - 1) * shared
            total = scale * own
        elif self.random == "readers":
            total = of_readers
        else:
            total = of_readers + readers * scale * shared
        if not total > 0:
            msg = "The components leave the difference no variance, so no power follows"
            raise InputError(msg)
        alike = 0.0 if guard is None else guard.reader
        by_case = max(of.cov2, 0.0)
        modality = max(alike + max(of.reader_modality, 0.0), 0.0) / readers
        modality += scale * ((of.error_variance - by_case) / readers + by_case)
        return Expected(
            readers=readers,
            cases=cases,
            random=self.random,
            difference=2 * total / readers,
            of_readers=2 * of_readers / readers,
            unshared=2 * unshared / readers,
            of_cases=2 * scale * shared,
            modality=modality,
        )

    def _df(self, expected: Expected) -> float:
        """Return Hillis' degrees of freedom at the expected variances."""
        df = expected.readers - 1.0
        if self.random == "readers":
            return df
        if self.random == "cases" or not expected.of_readers > 0:
            return math.inf
        return df * (expected.difference / expected.of_readers) ** 2


def _two_sided(noncentrality: float, df: float, alpha: float) -> float:
    """Return the chance that F of 1 and df is beyond its critical value."""
    if math.isinf(df):
        z, shift = quantile(1 - alpha / 2, df), math.sqrt(noncentrality)
        return float(special.ndtr(shift - z) + special.ndtr(-shift - z))
    critical = quantile(1 - alpha / 2, df) ** 2
    return float(1 - special.ncfdtr(1, df, noncentrality, critical))


def _one_sided(noncentrality: float, df: float, alpha: float) -> float:
    """Return the chance that t of df is above its critical value."""
    critical = quantile(1 - alpha, df)
    if math.isinf(df):
        return float(special.ndtr(noncentrality - critical))
    return float(1 - special.nctdtr(df, noncentrality, critical))
