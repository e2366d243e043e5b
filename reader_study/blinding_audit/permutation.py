"""How well a number tells two methods apart, and how likely that is by chance."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from reader_study.blinding_audit.rank_sums import distance_chances, rank_sum_counts, Numbers

Flags = NDArray[np.bool_]

N_PERMUTATIONS = 49_999
EXACT_UP_TO = 100
_SHIFT = 997
_CLOSE = 1e-9  # statistics that differ by less are equal but for rounding


@dataclass(frozen=True)
class Association:
    """A statistic with its permutation p-value and how that was got."""

    value: float
    p_value: float
    how: str


def auc(values: Numbers, is_test: Flags) -> float:
    """Give the chance that a test value exceeds a reference value, ties half.

    Args:
        values: `(n,)` numbers.
        is_test: `(n,)` method.

    Examples:
        >>> auc(np.array([1.0, 2.0, 3.0]), np.array([False, False, True]))
        1.0
    """
    n_test = int(is_test.sum())
    rank_sum = rankdata(values)[is_test].sum()
    n_pairs = n_test * (len(values) - n_test)
    return float((rank_sum - n_test * (n_test + 1) / 2) / n_pairs)


def auc_association(
    values: Numbers, is_test: Flags, rng: np.random.Generator
) -> Association:
    """Give the AUC with the two-sided p of all ways to label the values.

    Exact by counting rank sums, with ties, up to 100 values; above by 49,999 draws.

    Args:
        values: `(n,)` numbers.
        is_test: `(n,)` method.
        rng: Source of chance, used above 100 values only.
    """
    value = auc(values, is_test)
    doubled = (2 * rankdata(values)).astype(np.int64)  # mid-ranks become whole
    if len(values) <= EXACT_UP_TO:
        return Association(value, _exact_p(doubled, is_test), "exact")
    drawn = rng.permuted(np.tile(doubled, (N_PERMUTATIONS, 1)), axis=1)
    sums = drawn[:, : int(is_test.sum())].sum(axis=1)
    centre = doubled.mean() * is_test.sum()
    seen = abs(doubled[is_test].sum() - centre)
    return Association(value, drawn_p(np.abs(sums - centre), seen), drawn_how())


def order_association(orders: Sequence[Flags]) -> Association:
    """Give how far the methods lie apart in several orders, with its exact p.

    An order counts whichever method it has first, so that two orders with opposite
    directions do not cancel out.

    Args:
        orders: `(n,)` method at each position, one array for each order.
    """
    sizes = [(len(is_test), int(is_test.sum())) for is_test in orders]
    seen = sum(
        abs(2 * int((np.flatnonzero(is_test) + 1).sum()) - n_test * (n + 1))
        for is_test, (n, n_test) in zip(orders, sizes, strict=True)
    )
    most = sum(n_test * (n - n_test) for n, n_test in sizes)
    chance = distance_chances(sizes)
    value = 0.5 + seen / (2 * most) if most else 0.5
    return Association(value, float(min(1.0, chance[seen:].sum())), "exact")


def rank_association(
    pairs: list[tuple[Numbers, Numbers]],
    rng: np.random.Generator,
    *,
    positive_only: bool = False,
) -> Association:
    """Give the mean rank correlation of several series, with its permutation p.

    Args:
        pairs: Two series each, `(n,)` and `(n,)`; all of one length.
        rng: Source of chance.
        positive_only: Whether only a positive correlation counts.
    """
    places = np.arange(len(pairs[0][0]))
    orders = rng.permuted(np.tile(places, (N_PERMUTATIONS, 1)), axis=1)
    total, seen = np.zeros(N_PERMUTATIONS), 0.0
    for number, (one, other) in enumerate(pairs):
        left, right = _standardised(one), _standardised(other)
        seen += float(left @ right) / len(pairs)
        # Shifted, so that the permutations of different pairs are independent.
        total += np.roll(right[orders] @ left, number * _SHIFT) / len(pairs)
    if positive_only:
        return Association(seen, drawn_p(total, seen), drawn_how())
    return Association(seen, drawn_p(np.abs(total), abs(seen)), drawn_how())


def drawn_p(drawn: Numbers, seen: float) -> float:
    """Give the share of statistics, the one seen among them, that are as large."""
    return float((1 + np.count_nonzero(drawn >= seen - _CLOSE)) / (1 + len(drawn)))


def drawn_how() -> str:
    """Say how p was got by draws."""
    return f"{N_PERMUTATIONS:,} permutations"


def _exact_p(doubled: NDArray[np.int64], is_test: Flags) -> float:
    n_test = int(is_test.sum())
    counts = rank_sum_counts(doubled, n_test)
    away = np.abs(np.arange(len(counts)) - doubled.mean() * n_test)
    seen = abs(int(doubled[is_test].sum()) - doubled.mean() * n_test)
    return float(min(1.0, counts[away >= seen - _CLOSE].sum() / counts.sum()))


def _standardised(values: Numbers) -> Numbers:
    """Give ranks with mean 0 and length 1; all zero where all values are equal."""
    ranks = rankdata(values) - (len(values) + 1) / 2
    length = np.linalg.norm(ranks)
    scaled: Numbers = ranks / length if length else ranks
    return scaled
