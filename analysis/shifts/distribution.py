"""How far, and which way, answers move from the reference to the test method."""

from dataclasses import dataclass

import numpy as np

from analysis.arrays import IntArray
from analysis.multireader.estimate import ClusteredEstimate, Variance
from analysis.multireader.pairs import Pairs
from analysis.multireader.variance import mean_of


@dataclass(frozen=True, eq=False)
class ShiftDistribution:
    """Counts of pairs by the steps that the answer moved.

    Attributes:
        steps: `(2k - 1,)` test minus reference, from -(k - 1) to k - 1 steps up the
            scale.
        counts: `(2k - 1,)` pairs.
    """

    steps: IntArray
    counts: IntArray

    @property
    def n_lower(self) -> int:
        """Pairs with a lower answer under the test method."""
        return int(self.counts[self.steps < 0].sum())

    @property
    def n_same(self) -> int:
        """Pairs with the same answer."""
        return int(self.counts[self.steps == 0].sum())

    @property
    def n_higher(self) -> int:
        """Pairs with a higher answer under the test method."""
        return int(self.counts[self.steps > 0].sum())


def shift_distribution(pairs: Pairs) -> ShiftDistribution:
    """Count pairs by the steps, along the scale in its order, that the answer moved.

    Examples:
        >>> pairs = Pairs.from_labels("AAB", "xyx", [1, 2, 3], [1, 3, 1], (1, 2, 3))
        >>> shift_distribution(pairs).counts.tolist()
        [1, 0, 1, 1, 0]
    """
    furthest = pairs.k - 1
    steps = np.arange(-furthest, furthest + 1)
    moved = pairs.test - pairs.reference
    counts = np.bincount(moved + furthest, minlength=len(steps))
    return ShiftDistribution(steps, counts)


def mean_shift(pairs: Pairs, variance: Variance = "crossed") -> ClusteredEstimate:
    """Mean of test minus reference, in steps of the scale.

    Of the diagnosis (Q3) it says whether one method makes patients look sicker; of the
    confidence (Q4), how much confidence the test method costs or adds.

    Args:
        pairs: Answers on an ordinal scale.
        variance: What varies from study to study; see `from_influence`.
    """
    moved = pairs.test - pairs.reference
    return mean_of(moved, pairs.reader, pairs.case, variance=variance)
