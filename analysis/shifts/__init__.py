"""Questions 3 and 4: do diagnosis and confidence shift from one method to the other?"""

from analysis.shifts.distribution import (
    ShiftDistribution,
    mean_shift,
    shift_distribution,
)
from analysis.shifts.groups import GroupConfusion, group_confusion
from analysis.shifts.permutation import PermutationTest, permuted_symmetry

__all__ = [
    "GroupConfusion",
    "PermutationTest",
    "ShiftDistribution",
    "group_confusion",
    "mean_shift",
    "permuted_symmetry",
    "shift_distribution",
]
