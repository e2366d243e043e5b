"""Forced choice among m pictures of which one is the target: how often it is found.

d' is how far apart the means of target and others are, in standard deviations, of an
observer who takes the picture with the largest value of normal noise: the share correct
is the integral of phi(x - d') Phi(x)^(m - 1), which is 1 / m at d' = 0.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import ndtr
from scipy.stats import binomtest

from analysis.arrays import BoolArray, FloatArray, IntArray
from analysis.intervals import ConfidenceInterval
from analysis.multireader.estimate import ClusteredEstimate, Variance
from analysis.multireader.score import proportion_of

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(80)
_FARTHEST = 8.0


@dataclass(frozen=True)
class ReaderChoice:
    """One reader's choices, exact by the binomial distribution.

    Attributes:
        reader: Name of the reader.
        correct: Displays in which the target was found.
        n: Displays.
        m: Pictures of each.
    """

    reader: str
    correct: int
    n: int
    m: int

    @property
    def p_value(self) -> float:
        """Exact two-sided p of chance, 1 / m; cases independent."""
        return float(binomtest(self.correct, self.n, 1 / self.m).pvalue)

    def confidence_interval(self, confidence_level: float = 0.95) -> ConfidenceInterval:
        """Return the interval of Clopper and Pearson."""
        found = binomtest(self.correct, self.n).proportion_ci(confidence_level)
        return ConfidenceInterval(float(found.low), float(found.high))


@dataclass(frozen=True)
class ForcedChoice:
    """How often readers found the target.

    Attributes:
        correct: Share of displays, readers and cases random.
        m: Pictures of a display.
        by_reader: Each reader alone.
    """

    correct: ClusteredEstimate
    m: int
    by_reader: tuple[ReaderChoice, ...]

    @property
    def chance(self) -> float:
        """Share that guessing finds."""
        return 1 / self.m

    @property
    def p_value(self) -> float:
        """Two-sided p of chance, readers and cases random."""
        return self.correct.p_value(self.chance)

    @property
    def d_prime(self) -> float:
        """Distance d' that the share correct tells of."""
        return d_prime_of(self.correct.estimate, self.m)

    def d_prime_interval(self, confidence_level: float = 0.95) -> ConfidenceInterval:
        """Return the interval of d': that of the share correct, transformed."""
        found = self.correct.confidence_interval(confidence_level)
        if found.caution is not None:
            return found
        low, high = (d_prime_of(x, self.m) for x in (found.low, found.high))
        return ConfidenceInterval(low, high)


def forced_choice(
    correct: BoolArray,
    readers: IntArray,
    cases: IntArray,
    m: int,
    *,
    names: Sequence[str] = (),
    variance: Variance = "crossed",
) -> ForcedChoice:
    """Return how often readers found the target among m pictures.

    Args:
        correct: `(n,)` whether the target was found.
        readers: `(n,)` whole numbers, one per reader.
        cases: `(n,)` whole numbers, one per case.
        m: Pictures of a display, 2 or more.
        names: Of the readers, by their number.
        variance: What varies from study to study; see `from_influence`.

    Raises:
        ValueError: If m is less than 2, or the columns differ in length.
    """
    if m < 2:
        msg = f"Pictures of a display must be 2 or more, got {m}"
        raise ValueError(msg)
    found = np.asarray(correct, dtype=bool)
    alone = tuple(
        ReaderChoice(
            names[reader] if names else str(reader),
            int(found[readers == reader].sum()),
            int((readers == reader).sum()),
            m,
        )
        for reader in np.unique(readers).tolist()
    )
    return ForcedChoice(proportion_of(found, readers, cases, variance), m, alone)


def share_correct_of(d_prime: float, m: int) -> float:
    """Return the share correct of an observer without bias.

    References:
        Hacker MJ, Ratcliff R. Percept Psychophys 1979;26:168. doi:10.3758/BF03208311

    Examples:
        >>> round(share_correct_of(1.0, 2), 4)  # Phi(1 / sqrt(2))
        0.7602
    """
    chances: FloatArray = ndtr(_NODES + d_prime) ** (m - 1)
    return float(_WEIGHTS @ chances / math.sqrt(2 * math.pi))


def d_prime_of(share: ArrayLike, m: int) -> float:
    """Return d' of a share correct; below 0 where it is below chance.

    At 0 and 1 it is infinite, and NaN where the share is.
    """
    p = float(np.asarray(share))
    if math.isnan(p):
        return math.nan
    if not share_correct_of(-_FARTHEST, m) < p < share_correct_of(_FARTHEST, m):
        return math.inf if p > 1 / m else -math.inf
    return float(
        brentq(lambda d: share_correct_of(d, m) - p, -_FARTHEST, _FARTHEST, xtol=1e-10)
    )
