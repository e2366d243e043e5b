"""Would patients be treated alike? Confusion of groups of answers."""

from collections import Counter
from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass

import numpy as np

from analysis.multireader.estimate import ClusteredEstimate, Variance
from analysis.multireader.pairs import Pairs
from analysis.multireader.variance import mean_of
from analysis.tables import ContingencyTable
from reader_study.formats.questionnaire import Code


@dataclass(frozen=True, eq=False)
class GroupConfusion:
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
    names = tuple(groups)
    _check_groups(pairs, groups)
    group_of: dict[Hashable, int] = {
        code: i for i, codes in enumerate(groups.values()) for code in codes
    }
    place = np.array([group_of[code] for code in pairs.categories])
    reference, test = place[pairs.reference], place[pairs.test]
    counts = np.zeros((len(names), len(names)), dtype=np.int64)
    np.add.at(counts, (reference, test), 1)
    same, later, earlier = (
        mean_of(event, pairs.reader, pairs.case, variance=variance)
        for event in (reference == test, test > reference, test < reference)
    )
    return GroupConfusion(ContingencyTable(counts, names), same, later, earlier)


def _check_groups(pairs: Pairs, groups: Mapping[str, Collection[Code]]) -> None:
    if len(groups) < 2:
        msg = f"Groups must be two or more, got {len(groups)}"
        raise ValueError(msg)
    found: Counter[Hashable] = Counter(
        code for codes in groups.values() for code in set(codes)
    )
    wrong = [str(code) for code in pairs.categories if found[code] != 1]
    wrong += [str(code) for code in found if code not in pairs.categories]
    if wrong:
        msg = (
            f"Each code of the scale {pairs.categories} must be in one group, "
            f"got otherwise for {', '.join(wrong)}"
        )
        raise ValueError(msg)
