"""Variance of a mean over pairs that share cases.

All functions take values of many estimates at once, `(..., n)`, each row with mean 0.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from analysis.arrays import FloatArray, IntArray


class Spread(NamedTuple):
    """Variance of a mean and the degrees of freedom it rests on, each `(...)`."""

    variance: FloatArray
    df: FloatArray


@dataclass(frozen=True, eq=False)
class Clusters:
    """Which pairs share a reader, and which a case.

    Attributes:
        reader: `(n,)` any whole numbers, one per reader.
        case: `(n,)` any whole numbers, one per case.
    """

    reader: IntArray
    case: IntArray

    @cached_property
    def of_reader(self) -> FloatArray:
        """`(n, readers)` 1 where the pair is the reader's."""
        return _indicators(self.reader)

    @cached_property
    def of_case(self) -> FloatArray:
        """`(n, cases)` 1 where the pair is the case's."""
        return _indicators(self.case)

    @cached_property
    def per_reader(self) -> FloatArray:
        """`(readers,)` number of pairs of each reader."""
        return np.asarray(self.of_reader.sum(axis=0))

    @cached_property
    def per_case(self) -> FloatArray:
        """`(cases,)` number of pairs of each case."""
        return np.asarray(self.of_case.sum(axis=0))

    @property
    def n(self) -> int:
        """Number of pairs."""
        return len(self.reader)

    @property
    def n_readers(self) -> int:
        """Number of readers that have a pair."""
        return len(self.per_reader)

    @property
    def n_cases(self) -> int:
        """Number of cases that have a pair."""
        return len(self.per_case)


def independent_spread(clusters: Clusters, values: FloatArray) -> Spread:
    """Take each pair as independent of all others, with z."""
    variance = np.asarray((values**2).sum(axis=-1) / clusters.n**2)
    return Spread(variance, np.full_like(variance, np.inf))


def patient_spread(clusters: Clusters, values: FloatArray) -> Spread:
    """Take cases as a sample and readers as they are, with t of K - 1.

    References:
        Yang Z, Zhou M. Comput Stat Data Anal 2015;82:1.
    """
    sums = values @ clusters.of_case
    scale = clusters.n_cases / (clusters.n_cases - 1) / clusters.n**2
    variance = np.asarray(scale * (sums**2).sum(axis=-1))
    return Spread(variance, np.full_like(variance, clusters.n_cases - 1))


def jackknife_spread(without_each: FloatArray) -> Spread:
    """Variance of an estimate from its values `(..., K)` without each case in turn."""
    cases = without_each.shape[-1]
    centred = without_each - without_each.mean(axis=-1, keepdims=True)
    variance = np.asarray((cases - 1) / cases * (centred**2).sum(axis=-1))
    return Spread(variance, np.full_like(variance, cases - 1))


def _indicators(positions: IntArray) -> FloatArray:
    """`(n, clusters)` of those clusters that have a member."""
    found, place = np.unique(positions, return_inverse=True)
    return np.eye(len(found))[place]
