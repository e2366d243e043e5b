"""Exact distributions of sums of ranks under all orders of two methods."""

from collections import Counter
from collections.abc import Iterable
from functools import cache, reduce
from math import comb

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

Numbers = NDArray[np.float64]

_SMALL = 20_000
"""Largest distance up to which chances are multiplied out, each to its last digit."""


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
    """Give the chance of each total distance from the mean, of several orders.

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


@cache
def _distances(n: int, n_test: int) -> Numbers:
    """Give the chances of one order, by the Gaussian binomial coefficient.

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
