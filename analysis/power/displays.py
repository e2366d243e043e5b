"""Power of preference, ranking, choice and scores: of the tests that a report makes.

Studies are drawn and each is tested as the report does, readers and cases random: the
share of displays in which a method came first by the score test on the effective number
of displays, a mean difference of scores by t with Satterthwaite's degrees of freedom.
Every method against the reference is one comparison; they are adjusted by Holm's
method, as an endpoint of the plan is.

What a reader sees in a picture is the worth of its method, plus a part of the case and
one of the reader that each picture has its own of, plus noise of Gumbel's form, so that
without case and reader this is the model of Plackett and Luce. Differences of scores
are normal, with the same shares of case and reader.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Literal

import numpy as np
from scipy.optimize import brentq
from scipy.special import stdtr
from scipy.stats import binom

from analysis.arrays import BoolArray, FloatArray
from analysis.errors import as_number, as_whole
from analysis.multiplicity import holm
from analysis.multireader.clusters import Clusters, crossed_spread
from analysis.multireader.score import effective_number
from analysis.power.design import DesignSize
from analysis.showing import Shown

Measure = Literal["preferred", "found", "shift"]
"""As in an endpoint: a method put before the reference; the reference found among
several pictures; mean difference of a score from the reference's."""

_NOISE = math.pi**2 / 6  # variance of Gumbel's distribution
_DRAWS, _SEED, _FARTHEST = 40_000, 32, 30.0
_BLOCK = 2_000_000  # pictures drawn at a time
_TINY = 1e-20


@dataclass(frozen=True, kw_only=True)
class DisplayAssumptions(Shown):
    """What is true, and how alike what is seen in one case, and by one reader, is.

    Attributes:
        measure: What is tested.
        true: Share in which each method comes before the reference, or in which the
            reference is found; of `shift` the mean difference.
        arms: Methods, the reference among them.
        pictures: Of a display; of `shift` it says nothing.
        patient_correlation: Share of the case in the variance of what is seen.
        reader_correlation: Share of the reader, likewise.
        spread: Of `shift`: standard deviation of one reader's difference in one case.
        alpha: Type I error, two-sided, of all comparisons together.

    Raises:
        ValueError: If a number is out of range.
    """

    measure: Measure
    true: float
    arms: int = 2
    pictures: int = 2
    patient_correlation: float = 0.3
    reader_correlation: float = 0.05
    spread: float = 1.0
    alpha: float = 0.05

    def __post_init__(self) -> None:
        for name in ("true", "patient_correlation", "reader_correlation", "spread"):
            as_number(name.replace("_", " ").capitalize(), getattr(self, name))
        shares = (self.patient_correlation, self.reader_correlation)
        of_shares = self.measure != "shift"
        for what, must, holds in (
            ("Arms", "2 or more", as_whole("Arms", self.arms) >= 2),
            (
                "Pictures of a display",
                f"from 2 to the number of arms, {self.arms}",
                not of_shares or 2 <= as_whole("Pictures", self.pictures) <= self.arms,
            ),
            ("A true share", "between 0 and 1", not of_shares or 0 < self.true < 1),
            ("Spread", "above 0", self.spread > 0),
            ("Alpha", "between 0 and 1", 0 < self.alpha < 1),
            (
                "Patient and reader correlation",
                "0 or more and below 1 together",
                min(shares) >= 0 and sum(shares) < 1,
            ),
        ):
            if not holds:
                msg = f"{what} must be {must}, got {self._given(what)}"
                raise ValueError(msg)

    def _given(self, what: str) -> str:
        values: dict[str, tuple[float, ...]] = {
            "Arms": (self.arms,),
            "Pictures of a display": (self.pictures,),
            "A true share": (self.true,),
            "Spread": (self.spread,),
            "Alpha": (self.alpha,),
        }
        own = values.get(what, (self.patient_correlation, self.reader_correlation))
        return " and ".join(f"{value:g}" for value in own)

    @property
    def null(self) -> float:
        """What the measure is where nothing is told apart."""
        return {"preferred": 0.5, "found": 1 / self.pictures, "shift": 0.0}[
            self.measure
        ]

    @property
    def comparisons(self) -> int:
        """Tests that Holm's method adjusts together."""
        return 1 if self.measure == "found" else self.arms - 1

    @cached_property
    def units(self) -> tuple[tuple[int, ...], ...]:
        """Displays of a case that show the reference, each the numbers of its arms."""
        found = combinations(range(self.arms), self.pictures)
        return tuple(unit for unit in found if 0 in unit)

    @property
    def displays(self) -> int:
        """Displays of a case; of `shift` one, of all methods."""
        if self.measure == "shift":
            return 1
        if self.measure == "found":
            return len(self.units)
        return math.comb(self.arms, self.pictures)

    @cached_property
    def worth(self) -> float:
        """Worth of all others over the reference; of `found` the other way round."""
        m = self.pictures if self.measure == "found" else 2
        rng = np.random.default_rng(_SEED)
        around = math.hypot(*self._spreads) * rng.standard_normal((_DRAWS, m))

        def first(worth: float) -> float:
            strength = np.exp(around + np.array([worth] + [0.0] * (m - 1)))
            return float((strength[:, 0] / strength.sum(axis=1)).mean())

        low, high = first(-_FARTHEST), first(_FARTHEST)
        if not low < self.true < high:
            return _FARTHEST if self.true >= high else -_FARTHEST
        return float(brentq(lambda x: first(x) - self.true, -_FARTHEST, _FARTHEST))

    @property
    def _spreads(self) -> tuple[float, float]:
        """Standard deviations of what a case and a reader add to a picture."""
        of_case, of_reader = self.patient_correlation, self.reader_correlation
        every = _NOISE / (1 - of_case - of_reader)
        if self.measure == "shift":
            every = self.spread**2 / 2  # of each of the two that are compared
        return math.sqrt(every * of_case), math.sqrt(every * of_reader)

    def draw(
        self, size: DesignSize, studies: int, rng: np.random.Generator
    ) -> FloatArray:
        """Draw what is tested: `(studies, comparisons, readers, cases, displays)`."""
        of_case, of_reader = self._spreads
        case = rng.standard_normal((studies, 1, size.cases, self.arms))
        reader = rng.standard_normal((studies, size.readers, 1, self.arms))
        seen = of_case * case + of_reader * reader
        if self.measure == "shift":
            alone = 1 - self.patient_correlation - self.reader_correlation
            noise = rng.standard_normal(seen.shape)
            seen = seen + self.spread * math.sqrt(alone / 2) * noise
            moved = self.true + seen[..., 1:] - seen[..., :1]
            return np.asarray(np.moveaxis(moved, -1, 1)[..., None])
        seen[..., 0] += self.worth if self.measure == "found" else -self.worth
        shown = seen[..., np.array(self.units)]
        shown += rng.gumbel(size=shown.shape)
        if self.measure == "found":
            return np.asarray((shown.argmax(axis=-1) == 0)[:, None], dtype=float)
        before = [
            np.stack(
                [
                    shown[..., n, unit.index(arm)] > shown[..., n, 0]
                    for n, unit in enumerate(self.units)
                    if arm in unit
                ],
                axis=-1,
            )
            for arm in range(1, self.arms)
        ]
        return np.stack(before, axis=1).astype(np.float64)


@dataclass(frozen=True)
class DisplayPower:
    """Power of a size, simulated.

    Attributes:
        size: Readers and cases.
        displays: What a reader sees, in all; of `shift` cases.
        power: Chance that a comparison is shown to differ, as the report tests it.
        every: Chance that all are.
        alone: Of `found`: chance that the exact binomial test of one reader who finds
            the reference as often as all shows it; None of others.
        repetitions: Studies drawn.
    """

    size: DesignSize
    displays: float
    power: float
    every: float
    alone: float | None
    repetitions: int

    @property
    def standard_error(self) -> float:
        """Of `power`, by the number of studies."""
        return math.sqrt(self.power * (1 - self.power) / self.repetitions)


def display_power(
    assumptions: DisplayAssumptions,
    size: DesignSize,
    *,
    reads: BoolArray | None = None,
    repetitions: int = 1_000,
    seed: int = 1,
) -> DisplayPower:
    """Simulate studies of one size and test each as the report does.

    Args:
        assumptions: What is true.
        size: Readers and cases.
        reads: `(readers, cases)` who reads which case; None: everybody all.
        repetitions: Studies.
        seed: Start of the simulation.

    Raises:
        ValueError: If repetitions are fewer than one.

    Examples:
        >>> true = DisplayAssumptions(measure="found", true=0.75, pictures=2)
        >>> found = display_power(true, DesignSize(5, 40), repetitions=200)
        >>> 0.7 < found.power < 1, round(found.alone, 3)
        (True, 0.897)
    """
    if as_whole("Repetitions", repetitions) < 1:
        msg = f"Repetitions must be 1 or more, got {repetitions}"
        raise ValueError(msg)
    if reads is None:
        reads = np.ones((size.readers, size.cases), dtype=bool)
    rng = np.random.default_rng([seed, size.readers, size.cases])
    p = np.concatenate(list(_p_values(assumptions, size, reads, repetitions, rng)))
    shown = np.array([holm(study) for study in p]) < assumptions.alpha
    displays, alone = assumptions.displays * float(reads.sum(axis=1).mean()), None
    if assumptions.measure == "found":
        alone = exact_power(assumptions, round(displays))
    return DisplayPower(
        size,
        displays,
        float(shown.mean()),
        float(shown.all(axis=1).mean()),
        alone,
        repetitions,
    )


def exact_power(assumptions: DisplayAssumptions, displays: int) -> float:
    """Return the power of the exact binomial test of one reader's share found."""
    found = np.arange(displays + 1)
    chance = binom.pmf(found, displays, assumptions.null)
    order = np.argsort(chance)
    # As likely or less, but for rounding, is as extreme: that is the two-sided p-value.
    at = np.searchsorted(chance[order], chance * (1 + 1e-7), side="right")
    together = np.concatenate([[0.0], np.cumsum(chance[order])])[at]
    rejected = together < assumptions.alpha
    return float(binom.pmf(found, displays, assumptions.true)[rejected].sum())


def _p_values(
    assumptions: DisplayAssumptions,
    size: DesignSize,
    reads: BoolArray,
    repetitions: int,
    rng: np.random.Generator,
) -> Iterator[FloatArray]:
    """Yield p-values `(studies, comparisons)`, block by block."""
    pictures = size.readers * size.cases * len(assumptions.units)
    pictures *= assumptions.pictures
    block = max(1, _BLOCK // pictures)
    clusters = None
    for start in range(0, repetitions, block):
        drawn = assumptions.draw(size, min(block, repetitions - start), rng)[
            :, :, reads
        ]
        if clusters is None:
            reader, case = np.nonzero(reads)
            each = drawn.shape[-1]
            clusters = Clusters(np.repeat(reader, each), np.repeat(case, each))
        values = drawn.reshape(*drawn.shape[:2], -1)
        yield _tested(values, clusters, assumptions)


def _tested(
    values: FloatArray, clusters: Clusters, assumptions: DisplayAssumptions
) -> FloatArray:
    """Return two-sided p-values of values `(..., n)`, as `ClusteredEstimate` has them.

    For shares, `ScoreEstimate`.
    """
    mean = values.mean(axis=-1)
    spread = crossed_spread(clusters, values - mean[..., None])
    variance, df = spread.variance, spread.df
    if assumptions.measure == "shift":
        return np.asarray(2 * stdtr(df, -np.abs(mean) / np.sqrt(variance)))
    alone, null = mean * (1 - mean) / clusters.n, assumptions.null
    seen = (alone > _TINY) & (variance > _TINY)
    ratio = np.where(seen, variance / np.where(seen, alone, 1.0), 1.0)
    worth = np.where(seen, effective_number(ratio, clusters.n), clusters.n_cases)
    df = np.where(seen, df, clusters.n_cases - 1)
    error = np.sqrt(null * (1 - null) / worth)
    return np.asarray(2 * stdtr(df, -np.abs(mean - null) / error))


def who_reads(
    size: DesignSize, *, groups: int = 1, shared: int = 0, each: int = 0
) -> BoolArray:
    """Return `(readers, cases)` who reads which case.

    Args:
        size: Readers and cases.
        groups: Of a split-plot design; readers and cases are parted among them.
        shared: Cases that all groups read.
        each: Cases of a reader, where readers have subsets; 0: all of the group's.

    Examples:
        >>> who_reads(DesignSize(2, 4), groups=2, shared=2).astype(int).tolist()
        [[1, 1, 1, 0], [1, 1, 0, 1]]
    """
    reader, case = np.arange(size.readers)[:, None], np.arange(size.cases)[None, :]
    if each:
        return np.asarray((case - reader * each) % size.cases < each)
    own = (case - shared) % groups == reader % groups
    return np.asarray((case < shared) | own)
