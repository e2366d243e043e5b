"""Power of the test on which a report decides, whose limits vary with the study.

The limits of `analysis.accuracy.guarded` take their width and degrees of freedom from
mean squares that few readers and cases know badly, and near 1 from the accuracies that
a study happens to have: with 7 readers and 20 cases the degrees of freedom are 6 in one
study and 14 in the next, and one expected value is no guide. So 1,024 studies are made
of what the pilot says: chi-squares for the mean squares of readers and of the cases of
each class, a normal for the mean accuracy. Power is the mean over them.
"""

import math
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import special
from scipy.stats import qmc

from analysis.accuracy import MultireaderAccuracy
from analysis.showing import Shown

FloatArray = NDArray[np.float64]

_STUDIES = 1024
_STEPS = (0.25, 0.5, 0.75, 1.0)  # of a quantile: a wider one never raises a limit
_ROUNDS = 6
_NORMAL_FROM = 50  # more of BDG's degrees of freedom: the normal distribution
_STEEP = {1: 1.0, 2: 1.5}
"""By number of classes: variance goes as this power of A (1 - A). That of a proportion
does; an AUC's after Hanley and McNeil 1982 goes as one between 1 and 2 near 1."""


@dataclass(frozen=True, kw_only=True)
class Guard(Shown):
    """What the limits on which a report decides depend on, beyond Hillis' test.

    Attributes:
        cases: Cases of the pilot.
        accuracy: Mean of both modalities.
        reader: Variance of readers, alike under both; below 0 it counts as 0.
        classes: Cases of each class of which the accuracy is a mean, as shares of all
            cases: diseased and others for the AUC, diseased for sensitivity.
        weights: Share of each in the variance of the difference that cases make.
        pairs: Variance of a difference by pairs of cases of two classes, beyond that of
            both cases: of one reader, and what two readers share.
        pairs_of_one: The same of the accuracy of one modality.
    """

    cases: int
    accuracy: float
    reader: float
    classes: tuple[float, ...]
    weights: tuple[float, ...]
    pairs: tuple[float, float] = (0.0, 0.0)
    pairs_of_one: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def of_pilot(cls, study: MultireaderAccuracy) -> "Guard | None":
        """Return it for a study of two modalities; None where both are perfect."""
        first, second = study.modalities
        components = study.variance_components
        spread = study.spread_of_cases(first, second)
        means = [study.modality(name).estimate for name in (first, second)]
        if components is None or spread is None or None in means:
            return None
        accuracy = sum(mean or 0.0 for mean in means) / 2
        if not 0 < accuracy < 1:
            return None
        total = sum(spread.variances)
        equal = 1 / len(spread.sizes)
        return cls(
            cases=study.n_cases,
            accuracy=accuracy,
            reader=components.reader,
            classes=tuple(size / study.n_cases for size in spread.sizes),
            weights=tuple(v / total if total > 0 else equal for v in spread.variances),
            pairs=spread.pairs,
            pairs_of_one=spread.pairs_of_one,
        )

    def with_pairs(self, expected: "Expected") -> "Expected":
        """Return variances with what grows as pairs of cases, not cases, get fewer."""
        if len(self.classes) == 1:
            return expected
        of_pilot, of_design = (
            1 / np.prod(np.array(self.classes) * cases)
            for cases in (self.cases, expected.cases)
        )
        more = of_design - of_pilot * self.cases / expected.cases
        readers = expected.readers
        own, shared = more * (self.pairs[0] - self.pairs[1]), more * self.pairs[1]
        one, two = self.pairs_of_one
        by_case = 0.0 if expected.random == "readers" else shared
        return replace(
            expected,
            difference=max(expected.difference + own / readers + by_case, 0.0),
            of_readers=max(expected.of_readers + own / readers, 0.0),
            unshared=max(expected.unshared + 2 * own / readers, 0.0),
            of_cases=max(expected.of_cases + 2 * shared, 0.0),
            modality=expected.modality + more * ((one - two) / readers + two),
        )


@dataclass(frozen=True, kw_only=True)
class Expected:
    """Expected variances of a design, all of means over its readers.

    Attributes:
        readers: Of the design.
        cases: Of the design.
        random: What is a sample, as in `multireader_accuracy`.
        difference: Of the difference.
        of_readers: In it, by the mean square of readers by modality; all but `cases`.
        unshared: What single readers make of cases, a part of `of_readers`.
        of_cases: What readers share of cases.
        modality: Of the accuracy of one modality.
    """

    readers: int
    cases: int
    random: str
    difference: float
    of_readers: float
    unshared: float
    of_cases: float
    modality: float


@dataclass(frozen=True)
class Studies:
    """What studies of a design would estimate; an array has an element a study.

    Attributes:
        true: Standard deviation of differences where the mean accuracy is `middle`.
        part: Their mean there, as a multiple of the true difference.
        variance: Estimated, of the difference.
        df: Degrees of freedom, the smaller of Hillis' and of BDG.
        middle: Mean accuracy of both modalities.
        modality: Variance of a modality whose accuracy that is.
        steep: Variance goes as this power of A (1 - A).
    """

    true: FloatArray
    part: FloatArray
    variance: FloatArray
    df: FloatArray
    middle: FloatArray
    modality: FloatArray
    steep: float

    def above(self, null: float, difference: float, alpha: float) -> float:
        """Return how often the lower limit of a difference is above a value.

        Args:
            null: The value.
            difference: The true one.
            alpha: One-sided.
        """
        distance = difference * self.part - self.needed(null, alpha)
        return float(special.ndtr(distance / self.true).mean())

    def needed(self, null: float, alpha: float) -> FloatArray:
        """Return the least differences whose lower limits are above a value.

        Args:
            null: The value.
            alpha: One-sided.
        """
        finite = np.where(np.isinf(self.df), 1.0, self.df)
        z = np.where(
            np.isinf(self.df),
            special.ndtri(1 - alpha),
            special.stdtrit(finite, 1 - alpha),
        )
        found: FloatArray = null + z * np.sqrt(self.variance)
        for _ in range(_ROUNDS):  # how far below a limit is depends on the difference
            found = null + self.below(found, z)
        return found

    def below(self, difference: FloatArray, z: FloatArray) -> FloatArray:
        """Return how far the lower limits of differences are below them.

        That of `guarded.Difference`, of all studies at once.
        """
        half = np.clip(difference, -0.9, 0.9) / 2
        first, second = (
            np.clip(self.middle + side * half, 1e-3, 1 - 1e-3) for side in (1, -1)
        )
        one, other = (self._deviation(mean) for mean in (first, second))
        shared = one**2 + other**2 - self.variance
        correlation = np.clip(shared / (2 * one * other), -1, 1)
        found = z * np.sqrt(self.variance)
        for step in _STEPS:
            down = first - _limit(first, -step * z * one)
            up = _limit(second, step * z * other) - second
            squares = down**2 - 2 * correlation * down * up + up**2
            found = np.maximum(found, np.sqrt(np.maximum(squares, 0)))
        return found

    def _deviation(self, mean: FloatArray) -> FloatArray:
        ratio = mean * (1 - mean) / (self.middle * (1 - self.middle))
        found: FloatArray = np.sqrt(self.modality * ratio**self.steep)
        return found


def studies_of(guard: Guard, expected: Expected) -> Studies:
    """Return the studies of a design, always the same ones."""
    expected = guard.with_pairs(expected)
    numbers = _numbers(2 + len(guard.classes))
    variance, df = _variances(guard, expected, numbers[1:])
    apart = math.sqrt(max(expected.modality - expected.difference / 4, 0.0))
    least = 1 / (2 * expected.cases)
    middle = guard.accuracy + apart * special.ndtri(numbers[0])
    middle = np.clip(middle, least, 1 - least)
    steep = _STEEP[len(guard.classes)]
    binomial = middle * (1 - middle)
    spread = binomial**steep / (binomial**steep).mean()
    true = expected.difference
    if expected.random != "readers":
        too_large = 1 - 1 / _jackknife(guard, guard.cases)
        true -= too_large * (expected.of_cases + expected.unshared)
    return Studies(
        true=np.sqrt(true * spread),
        part=binomial / binomial.mean(),
        variance=variance * spread,
        df=df,
        middle=middle,
        modality=expected.modality * spread,
        steep=steep,
    )


def _jackknife(guard: Guard, cases: int) -> float:
    """Return how much too large the jackknife's variance is, as a factor."""
    sizes = np.maximum(np.array(guard.classes) * cases, 2)
    every = sizes.sum()
    factors = sizes / (sizes - 1) * (every - 1) / every
    return float(factors @ np.array(guard.weights))


def _variances(
    guard: Guard, expected: Expected, numbers: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return variances of the difference and their degrees of freedom."""
    df = expected.readers - 1
    of_readers = expected.of_readers * _mean_square(numbers[0], df)
    if expected.random == "readers":
        return of_readers, np.full_like(of_readers, df)
    case_df = [max(share * expected.cases, 2) - 1 for share in guard.classes]
    larger = _jackknife(guard, expected.cases) / _jackknife(guard, guard.cases)
    unshared = larger * expected.unshared
    both = larger * expected.of_cases + unshared
    squares = [
        weight * both * _mean_square(number, own)
        for weight, number, own in zip(guard.weights, numbers[1:], case_df, strict=True)
    ]
    total = np.sum(squares, axis=0)
    if expected.random == "cases":
        return total, np.full_like(total, math.inf)
    of_cases = total - unshared
    variance = of_readers + np.maximum(of_cases, 0)
    tiny = np.finfo(float).tiny
    hillis = df * (variance / np.maximum(of_readers, tiny)) ** 2
    spread = of_readers**2 / df
    spread += sum(s**2 / own for s, own in zip(squares, case_df, strict=True))
    bdg = (of_readers + of_cases) ** 2 / np.maximum(spread, tiny)
    bdg = np.floor(np.maximum(bdg, min(df, *map(round, case_df))))
    bdg[(bdg >= _NORMAL_FROM) | (of_readers + of_cases <= 0)] = math.inf
    return variance, np.minimum(hillis, bdg)


def _mean_square(number: FloatArray, df: float) -> FloatArray:
    """Return the mean square of expectation 1 at a probability."""
    if df <= 0:
        return np.ones_like(number)
    found: FloatArray = special.chdtri(df, 1 - number) / df
    return found


@cache
def _numbers(dimensions: int) -> FloatArray:
    """Return `(dimensions, studies)` numbers that fill the unit cube evenly."""
    drawn = qmc.Sobol(dimensions, scramble=True, seed=29).random(_STUDIES)
    return np.asarray(drawn.T)


def _limit(mean: FloatArray, apart: FloatArray) -> FloatArray:
    found: FloatArray = special.expit(special.logit(mean) + apart / (mean * (1 - mean)))
    return found
