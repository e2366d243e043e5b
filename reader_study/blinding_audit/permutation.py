"""Separation of two methods by a number, and its probability by chance."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, reduce
from math import comb, factorial

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft
from scipy.stats import rankdata

Numbers = NDArray[np.float64]

_SMALL = 20_000
"""Largest distance up to which chances are multiplied out, each to its last digit."""

Flags = NDArray[np.bool_]

N_PERMUTATIONS = 49_999
EXACT_UP_TO = 100
_SHIFT = 997
_CLOSE = 1e-9  # statistics that differ by less are equal but for rounding


def rank_sum_counts(ranks: NDArray[np.int64], n_test: int) -> Numbers:
    """Count the ways to choose some of several ranks, by their sum from 0 on.

    Args:
        ranks: `(n,)` whole numbers; equal ones where values are tied.
        n_test: How many are chosen.
    """
    # ways[k, s]: in how many ways k of the ranks so far sum to s.
    ways = np.zeros((n_test + 1, int(ranks.sum()) + 1))
    ways[0, 0] = 1
    for rank in ranks:
        ways[1:, rank:] += ways[:-1, :-rank].copy()
    counts: Numbers = ways[n_test]
    return counts


def distance_chances(sizes: Iterable[tuple[int, int]]) -> Numbers:
    """Return the chance of each total distance from the mean, of several orders.

    The distance of an order is twice that of the sum of the test's positions from its
    mean, which is a whole number.

    Args:
        sizes: Length of each order, and how many of it are the test's.

    Returns:
        `(largest + 1,)`; of large studies, those below some 1e-13 are rounding.
    """
    counted = Counter(sizes)
    largest = sum(k * (n - k) * times for (n, k), times in counted.items())
    if largest <= _SMALL:
        return reduce(np.convolve, (_distances(*s) for s in counted.elements()))
    length = next_fast_len(largest + 1, real=True)
    spectrum = np.ones(length // 2 + 1, np.complex128)
    for size, times in counted.items():
        spectrum *= rfft(_distances(*size), length) ** times
    chances: Numbers = irfft(spectrum, length)[: largest + 1]
    return chances.clip(0)


@dataclass(frozen=True)
class Association:
    """A statistic with its permutation p-value and how that was got."""

    value: float
    p_value: float
    how: str
    least_p: float
    """What p would be were the methods, or trials, as far apart as they can be."""


_LEAST_DRAWN = 1 / (1 + N_PERMUTATIONS)


def auc(values: Numbers, is_test: Flags) -> float:
    """Return the chance that a test value exceeds a reference value, ties half.

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
    """Return the AUC with the two-sided p of all ways to label the values.

    Exact by counting rank sums, with ties, up to 100 values; above by 49,999 draws.

    Args:
        values: `(n,)` numbers.
        is_test: `(n,)` method.
        rng: Source of chance, used above 100 values only.
    """
    value = auc(values, is_test)
    doubled = (2 * rankdata(values)).astype(np.int64)  # mid-ranks become whole
    if len(values) <= EXACT_UP_TO:
        least = min(1.0, 2 / comb(len(values), int(is_test.sum())))
        return Association(value, _exact_p(doubled, is_test), "exact", least)
    drawn = rng.permuted(np.tile(doubled, (N_PERMUTATIONS, 1)), axis=1)
    sums = drawn[:, : int(is_test.sum())].sum(axis=1)
    centre = doubled.mean() * is_test.sum()
    seen = abs(doubled[is_test].sum() - centre)
    p_value = monte_carlo_p(np.abs(sums - centre), seen)
    return Association(value, p_value, monte_carlo_note(), _LEAST_DRAWN)


def order_association(orders: Sequence[Flags]) -> Association:
    """Return how far apart the methods are in several orders, with the exact p.

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
    p_value, least = (float(min(1.0, chance[at:].sum())) for at in (seen, most))
    return Association(value, p_value, "exact", least)


def rank_association(
    pairs: list[tuple[Numbers, Numbers]],
    rng: np.random.Generator,
    *,
    positive_only: bool = False,
) -> Association:
    """Return the mean rank correlation of several series, with its permutation p.

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
    far, drawn = (seen, total) if positive_only else (abs(seen), np.abs(total))
    p_value = monte_carlo_p(drawn, far)
    least = (1 if positive_only else 2) / factorial(len(places)) ** len(pairs)
    return Association(seen, p_value, monte_carlo_note(), max(least, _LEAST_DRAWN))


def monte_carlo_p(drawn: Numbers, seen: float) -> float:
    """Return the share of drawn statistics that are at least as large."""
    return float((1 + np.count_nonzero(drawn >= seen - _CLOSE)) / (1 + len(drawn)))


def monte_carlo_note() -> str:
    """Return how a p-value was found by draws."""
    return f"{N_PERMUTATIONS:,} permutations"


@cache
def _distances(n: int, n_test: int) -> Numbers:
    """Return the chances of one order, by the Gaussian binomial coefficient.

    Its coefficient of q^u counts the orders whose sum of positions is u above the least
    (Andrews, The Theory of Partitions, 1976, chapter 3); whole numbers of any size, as
    products and quotients of 1 - q^i cancel.
    """
    largest = n_test * (n - n_test)
    ways = np.zeros(largest + 1, dtype=object)
    ways[0] = 1
    for i in range(1, n_test + 1):
        up = n - n_test + i
        ways[up:] = ways[up:] - ways[: len(ways[up:])]  # times 1 - q^up
        for start in range(min(i, largest + 1)):  # over 1 - q^i
            ways[start::i] = np.add.accumulate(ways[start::i])
    chances = np.array([count / comb(n, n_test) for count in ways])
    away = np.abs(2 * np.arange(largest + 1) - largest)
    return np.asarray(np.bincount(away, chances), np.float64)


def _exact_p(doubled: NDArray[np.int64], is_test: Flags) -> float:
    n_test = int(is_test.sum())
    counts = rank_sum_counts(doubled, n_test)
    away = np.abs(np.arange(len(counts)) - doubled.mean() * n_test)
    seen = abs(int(doubled[is_test].sum()) - doubled.mean() * n_test)
    return float(min(1.0, counts[away >= seen - _CLOSE].sum() / counts.sum()))


def _standardised(values: Numbers) -> Numbers:
    """Return ranks with mean 0 and length 1; all zero where all values are equal."""
    ranks = rankdata(values) - (len(values) + 1) / 2
    length = np.linalg.norm(ranks)
    scaled: Numbers = ranks / length if length else ranks
    return scaled
