"""Do the methods draw the same answers? Tests that keep a patient's answers together.

If the methods are exchangeable, swapping them for a patient, for all readers at once,
changes nothing but chance. A swap changes the sign of what the patient adds to the
asymmetry of the table and leaves the sums n_ij + n_ji alone, so every statistic here is
a quadratic form of signed patient contributions.
"""

import math
from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from analysis.arrays import FloatArray, IntArray
from analysis.multireader.estimate import ClusteredEstimate, Variance, mean_of
from analysis.multireader.pairs import Pairs
from analysis.multireader.score import proportion_of
from analysis.showing import Shown
from analysis.symmetry import NO_DISAGREEMENT
from analysis.tables import ContingencyTable
from reader_study.formats.plan_check import grouping_fault
from reader_study.formats.questionnaire import Code


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


@dataclass(frozen=True, eq=False)
class GroupConfusion(Shown):
    """How often the methods lead to different groups of answers.

    Attributes:
        table: The pairs by group, reference method in rows.
        same: Proportion of pairs in the same group.
        to_later: Proportion moved to a later group under the test method.
        to_earlier: Proportion moved to an earlier one.
    """

    table: ContingencyTable
    same: ClusteredEstimate
    to_later: ClusteredEstimate
    to_earlier: ClusteredEstimate


def group_confusion(
    pairs: Pairs,
    groups: Mapping[str, Collection[Code]],
    variance: Variance = "crossed",
) -> GroupConfusion:
    """Count answers by the groups that matter, such as treated and not treated.

    Which answers lead to treatment is a clinical decision that no default can make.

    Args:
        pairs: Answers to a question such as the diagnosis.
        groups: Codes of each group, in their order; every code of the scale in one.
        variance: What varies from study to study; see `from_influence`.

    Raises:
        ValueError: If there are fewer than two groups, or a code is in none, in two or
            not on the scale.

    Examples:
        >>> pairs = Pairs.from_labels("AAB", "xyx", [1, 2, 3], [1, 3, 1], (1, 2, 3))
        >>> confusion = group_confusion(pairs, {"no": [1, 2], "yes": [3]})
        >>> confusion.table.counts.tolist()
        [[1, 1], [1, 0]]
    """
    grouped = grouped_pairs(pairs, groups)
    reference, test = grouped.reference, grouped.test
    same, later, earlier = (
        proportion_of(event, pairs.reader, pairs.case, variance=variance)
        for event in (reference == test, test > reference, test < reference)
    )
    return GroupConfusion(grouped.table, same, later, earlier)


def grouped_pairs(pairs: Pairs, groups: Mapping[str, Collection[Code]]) -> Pairs:
    """Return the pairs with groups as answers; arguments are `group_confusion`'s."""
    why = grouping_fault(groups, pairs.categories)
    if why:
        msg = f"Groups {why}"
        raise ValueError(msg)
    group_of: dict[Hashable, int] = {
        code: i for i, codes in enumerate(groups.values()) for code in codes
    }
    place = np.array([group_of[code] for code in pairs.categories])
    return replace(
        pairs,
        reference=place[pairs.reference],
        test=place[pairs.test],
        k=len(groups),
        categories=tuple(groups),
    )


SymmetryStatistic = Literal["bowker", "stuart_maxwell", "mean_shift"]
_EXACT_UP_TO = 16  # patients: 65,536 ways to swap
_CHUNK = 8_192
_TIE = 1e-9  # rounding must not part equal statistics


@dataclass(frozen=True)
class PermutationTest(Shown):
    """Result of `permuted_symmetry`.

    Attributes:
        statistic: Its value in the data.
        p_value: Share of swaps with a statistic as large; 1 where nothing disagrees.
        method: What was computed.
        n_patients: Patients whose answers swapping would change.
        n_swaps: Ways of swapping that were tried.
        exact: All ways were tried.
        undefined_reason: Why the test says nothing, else None.
    """

    statistic: float
    p_value: float
    method: SymmetryStatistic
    n_patients: int
    n_swaps: int
    exact: bool
    undefined_reason: str | None = None


def permuted_symmetry(
    pairs: Pairs,
    statistic: SymmetryStatistic = "bowker",
    *,
    rng: np.random.Generator,
    n_permutations: int = 10_000,
) -> PermutationTest:
    """Test symmetry or equal margins by swapping the methods within patients.

    Args:
        pairs: Answers of readers to cases under both methods.
        statistic: `bowker` (symmetry of the table), `stuart_maxwell` (equal margins) or
            `mean_shift` (equal means along the scale, squared shift in steps).
        rng: Source of the swaps, where there are too many to try all.
        n_permutations: How many to draw then; with 16 patients or fewer all are tried.

    Raises:
        ValueError: If the statistic is unknown or there are no permutations.

    References:
        Bowker AH. J Am Stat Assoc 1948;43:572. doi:10.1080/01621459.1948.10483284
        Stuart A. Biometrika 1955;42:412. doi:10.1093/biomet/42.3-4.412
        Phipson B, Smyth GK. Stat Appl Genet Mol Biol 2010;9:39.
        doi:10.2202/1544-6115.1585 (the data count as one of the draws)
    """
    if statistic not in get_args(SymmetryStatistic):
        known = ", ".join(get_args(SymmetryStatistic))
        msg = f"Statistic must be one of {known}, got {statistic!r}"
        raise ValueError(msg)
    if n_permutations < 1:
        msg = f"Permutations must be 1 or more, got {n_permutations}"
        raise ValueError(msg)
    if not pairs.n:
        reason = "there are no pairs"
        return PermutationTest(math.nan, math.nan, statistic, 0, 0, False, reason)
    asymmetry = _contributions(pairs, statistic)
    asymmetry = asymmetry[asymmetry.any(axis=1)]
    n_patients = len(asymmetry)
    if not (pairs.reference != pairs.test).any():
        reason = NO_DISAGREEMENT
        return PermutationTest(0.0, 1.0, statistic, 0, 1, True, reason)
    seen = float((asymmetry.sum(axis=0) ** 2).sum())
    exact = n_patients <= _EXACT_UP_TO
    n_swaps = 2**n_patients if exact else n_permutations
    signs = _all_signs(n_patients) if exact else _drawn_signs(n_patients, rng)
    as_large = sum(
        int(np.count_nonzero(_squared(part, asymmetry) >= seen * (1 - _TIE)))
        for part in _chunks(signs, n_swaps)
    )
    p_value = as_large / n_swaps if exact else (as_large + 1) / (n_swaps + 1)
    return PermutationTest(seen, p_value, statistic, n_patients, n_swaps, exact)


def _contributions(pairs: Pairs, statistic: SymmetryStatistic) -> FloatArray:
    """`(patients, v)` whose sum over patients has the statistic as squared length."""
    cases, place = np.unique(pairs.case, return_inverse=True)
    tables = np.zeros((len(cases), pairs.k, pairs.k))
    np.add.at(tables, (place, pairs.reference, pairs.test), 1)
    difference = tables - tables.transpose(0, 2, 1)
    total = tables.sum(axis=0)
    moved = total + total.T
    if statistic == "mean_shift":
        steps = np.arange(pairs.k)
        shift = (tables * (steps - steps[:, None])).sum(axis=(1, 2))
        return np.asarray(shift[:, None] / pairs.n)
    if statistic == "bowker":
        upper = np.triu_indices(pairs.k, 1)
        met = moved[upper] > 0
        above = difference[:, upper[0], upper[1]][:, met]
        return np.asarray(above / np.sqrt(moved[upper][met]))
    covariance = np.diag(moved.sum(axis=1)) - moved
    values, vectors = np.linalg.eigh(covariance)
    kept = values > 1e-9 * max(1.0, values.max())
    margins = difference.sum(axis=2)
    return np.asarray(margins @ vectors[:, kept] / np.sqrt(values[kept]))


def _squared(signs: FloatArray, asymmetry: FloatArray) -> FloatArray:
    return np.asarray(((signs @ asymmetry) ** 2).sum(axis=1))


Signs = Callable[[int, int], FloatArray]
"""Signs `(swaps, patients)` of the swaps from one number to another."""


def _all_signs(n_patients: int) -> Signs:
    def between(start: int, stop: int) -> FloatArray:
        numbers = np.arange(start, stop)[:, None]
        return np.asarray(1.0 - 2.0 * (numbers >> np.arange(n_patients) & 1))

    return between


def _drawn_signs(n_patients: int, rng: np.random.Generator) -> Signs:
    def between(start: int, stop: int) -> FloatArray:
        drawn = rng.integers(0, 2, (stop - start, n_patients))
        return np.asarray(1.0 - 2.0 * drawn)

    return between


def _chunks(signs: Signs, n_swaps: int) -> list[FloatArray]:
    starts = range(0, n_swaps, _CHUNK)
    return [signs(start, min(start + _CHUNK, n_swaps)) for start in starts]
