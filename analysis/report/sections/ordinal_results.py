"""How the answers to a question on a scale move, and whether by chance."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analysis.multireader import ClusteredEstimate, Pairs
from analysis.shifts.distribution import (
    ShiftDistribution,
    mean_shift,
    shift_distribution,
)
from analysis.shifts.permutation import (
    PermutationTest,
    SymmetryStatistic,
    permuted_symmetry,
)

TESTS: Mapping[SymmetryStatistic, str] = {
    "bowker": "Symmetry",
    "stuart_maxwell": "Equal margins",
    "mean_shift": "Equal means",
}
SEED = 20  # any; the same p each time the report is made
PERMUTATIONS = 10_000


@dataclass(frozen=True)
class QuestionShift:
    """How the answers to one question move.

    Attributes:
        mean: Test minus reference in steps, readers and patients random.
        distribution: Pairs by the steps they moved.
        tests: Permutation tests by statistic.
    """

    mean: ClusteredEstimate
    distribution: ShiftDistribution
    tests: Mapping[SymmetryStatistic, PermutationTest]


def question_shift(pairs: Pairs) -> QuestionShift:
    """Analyse how the answers to one question move."""
    return QuestionShift(
        mean=mean_shift(pairs),
        distribution=shift_distribution(pairs),
        tests={
            statistic: permuted_symmetry(
                pairs,
                statistic,
                rng=np.random.default_rng(SEED),
                n_permutations=PERMUTATIONS,
            )
            for statistic in TESTS
        },
    )
