"""Readers and cases whose true agreement is known: answers for `benchmarks.decisions`.

An answer is a normal variable cut at thresholds. It is the sum of what the case shows
to everybody, what a reader sees in it under either method, how readily the reader goes
up the scale, how the case looks under this method, how the reader takes this method,
and chance. All parts are normal, so the table of a reader and a case drawn at random is
an integral of the bivariate normal distribution, and with it kappa and agreement.

Nothing here is used by the package, nor by the bots of a rehearsal.
"""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import multivariate_normal

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Effects:
    """Shares of the variance of an answer; chance has the rest.

    Attributes:
        case: What a case shows to everybody.
        view: What a reader sees in a case under either method.
        reader: How readily a reader goes up the scale.
        case_by_method: How a case looks under one method.
        reader_by_method: How a reader takes one method.
    """

    case: float
    view: float = 0.0
    reader: float = 0.0
    case_by_method: float = 0.0
    reader_by_method: float = 0.0

    @property
    def shared(self) -> float:
        """Correlation of a reader's two answers to a case."""
        return self.case + self.view + self.reader

    @property
    def chance(self) -> float:
        """Share of the variance that belongs to one answer alone."""
        return 1 - self.shared - self.case_by_method - self.reader_by_method


ALIKE = Effects(case=0.45, view=0.15, case_by_method=0.05)
"""Readers who are all alike."""
READERS_DIFFER = Effects(case=0.4, view=0.15, reader=0.1, case_by_method=0.05)
"""Readers who differ, but not in how they take the methods."""
VARIED = Effects(
    case=0.4, view=0.15, reader=0.1, case_by_method=0.05, reader_by_method=0.05
)
"""Readers who differ in everything."""


@dataclass(frozen=True)
class Population:
    """Readers and cases to draw studies from.

    Attributes:
        shares: Of each answer under the reference method.
        effects: What answers are made of.
        shift: How far the test method moves answers up, in standard deviations.
    """

    shares: tuple[float, ...]
    effects: Effects = VARIED
    shift: float = 0.0

    @property
    def k(self) -> int:
        """Number of answers."""
        return len(self.shares)

    @property
    def table(self) -> FloatArray:
        """`(k, k)` probability of each pair of answers, reference in rows."""
        return _table(self.shares, self.effects.shared, self.shift)

    @property
    def agreement(self) -> float:
        """Probability that a reader answers both pictures of a case alike."""
        return float(np.trace(self.table))

    @property
    def kappa(self) -> float:
        """Cohen's kappa of all pairs of answers."""
        chance = float(self.table.sum(axis=0) @ self.table.sum(axis=1))
        return (self.agreement - chance) / (1 - chance)

    def draw(
        self,
        rng: np.random.Generator,
        n_readers: int,
        n_cases: int,
        careless: float = 0.0,
    ) -> tuple[IntArray, IntArray]:
        """Draw the answers `(readers, cases)` of a study under both methods.

        Args:
            rng: Source.
            n_readers: Readers.
            n_cases: Cases.
            careless: Share of readers whose answers under the test method come from any
                of their cases.
        """
        normal, part = rng.standard_normal, self.effects
        both = math.sqrt(part.case) * normal((1, n_cases))
        both = both + math.sqrt(part.view) * normal((n_readers, n_cases))
        both = both + math.sqrt(part.reader) * normal((n_readers, 1))
        reference, test = (
            both
            + math.sqrt(part.case_by_method) * normal((1, n_cases))
            + math.sqrt(part.reader_by_method) * normal((n_readers, 1))
            + math.sqrt(part.chance) * normal((n_readers, n_cases))
            for _ in range(2)
        )
        cut = _thresholds(self.shares)
        first, second = (
            np.searchsorted(cut, reference),
            np.searchsorted(cut, test + self.shift),
        )
        for reader in range(round(careless * n_readers)):
            second[reader] = rng.permutation(second[reader])
        return first, second


def _thresholds(shares: tuple[float, ...]) -> FloatArray:
    return np.asarray(ndtri(np.cumsum(shares)[:-1]))


@cache
def _table(shares: tuple[float, ...], correlation: float, shift: float) -> FloatArray:
    cut = np.concatenate([[-9.0], _thresholds(shares), [9.0]])
    covariance = [[1.0, correlation], [correlation, 1.0]]
    below = np.array(
        [
            [multivariate_normal.cdf([a, b - shift], cov=covariance) for b in cut]
            for a in cut
        ]
    )
    return np.diff(np.diff(below, axis=0), axis=1)


def shift_to(share: float, new_share: float) -> float:
    """Return the shift that brings the lowest answer from one share to another."""
    return float(ndtri(share) - ndtri(new_share))
