"""Gallas' U-statistics of readers and cases, with the degrees of freedom of BDG.

The variance of a modality is a sum of moments: the mean product of two terms that have
the reader, the diseased and the non-diseased case in common or not. Each moment is
estimated without bias from all pairs there are, so ratings may be missing and cases or
readers nested in any way. Readers weigh by the terms they have.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.accuracy.cells import Shared, Terms
from analysis.accuracy.inference import Error

FloatArray = NDArray[np.float64]

_NORMAL_FROM = 50  # more degrees of freedom: the normal distribution
_NO_VARIANCE = 1e-14


_OF_ONE_CASE = ("same", "different") * 2  # moments where a term is of one case


@dataclass(frozen=True)
class Spread:
    """What cases do to the difference of two modalities.

    Attributes:
        sizes: Cases of each class: diseased and others for the AUC, of one class for a
            proportion.
        variances: Of the difference, by class; 0 or more.
        pairs: Variance of a difference by pairs of a diseased and another case beyond
            both cases: of one reader, and what two readers share.
        pairs_of_one: The same of the accuracy of one modality.
    """

    sizes: tuple[float, ...]
    variances: tuple[float, ...]
    pairs: tuple[float, float]
    pairs_of_one: tuple[float, float]


@dataclass(frozen=True)
class Moments:
    """Moments of two modalities, or of one with itself.

    Attributes:
        exact: Same reader first, then different ones; within each the kinds of `Terms`.
        any_one: The same with "any" in place of "different".
        coefficients: What each moment counts in the variance; the last less 1.
        sizes: Shares of pairs that have the reader, and each kind of case, in common.
    """

    exact: FloatArray
    any_one: FloatArray
    coefficients: FloatArray
    sizes: FloatArray

    @property
    def covariance(self) -> float:
        """Return the unbiased covariance of both modalities."""
        found = float((self.coefficients * self.exact).sum())
        return 0.0 if abs(found) < _NO_VARIANCE else found

    @property
    def of_pairs(self) -> FloatArray:
        """Return what pairs of cases have beyond both cases: one, different readers.

        It is 0 where a term is of one case.
        """
        if len(self.exact) == len(_OF_ONE_CASE):
            return np.zeros(2)
        both, diseased, others, apart = self.exact.reshape(2, 4).T
        found: FloatArray = both - diseased - others + apart
        return found

    @property
    def components(self) -> FloatArray:
        """Return the components of each kind of case and of readers, from `any_one`.

        What both modalities never have in common adds nothing.
        """
        half = len(self.any_one) // 2
        alone = [*_one_kind(half, half), half - 1]
        return np.where(self.sizes > 0, self.any_one[alone] - self.any_one[-1], 0.0)

    @property
    def df(self) -> FloatArray:
        """Return the degrees of freedom of each component."""
        found = np.full(self.sizes.shape, np.inf)
        np.divide(1, self.sizes, out=found, where=self.sizes > 0)
        return np.round(found - 1)


class UStatistics:
    """Means of modalities and the errors of these and of their differences."""

    def __init__(self, cells: Terms, shape: tuple[int, int]) -> None:
        """Take the cells.

        Args:
            cells: Values of modality by reader.
            shape: How many modalities and readers.
        """
        self._cells, self._shape = cells, shape
        self._found: dict[tuple[int, int], Moments] = {}

    @property
    def means(self) -> FloatArray:
        """Return the mean of each modality over all terms of all readers."""
        totals, counts = (
            part.reshape(self._shape).sum(axis=1)
            for part in (self._cells.totals, self._cells.counts)
        )
        found: FloatArray = totals / counts
        return found

    def moments(self, first: int, second: int) -> Moments:
        """Return the moments of two modalities, computed once."""
        if (first, second) not in self._found:
            self._found[first, second] = self._moments(first, second)
        return self._found[first, second]

    def _moments(self, first: int, second: int) -> Moments:
        exact, counts = self._of(self._cells.exact, first, second, apart=True)
        any_one, _ = self._of(self._cells.any_case, first, second, apart=False)
        weights = counts / counts.sum()
        coefficients = weights.copy()
        coefficients[-1] -= 1
        half = len(weights) // 2
        by_case = weights[:half] + weights[half:]
        kinds = [by_case[0] + (by_case[at] if at else 0) for at in _one_kind(half)]
        sizes = np.array([*kinds, weights[:half].sum()])
        return Moments(exact, any_one, coefficients, sizes)

    def modality(self, index: int) -> Error:
        """Return the error of one modality."""
        own = self.moments(index, index)
        return _error(own.covariance, own.components, own.df)

    def difference(self, first: int, second: int) -> Error:
        """Return the error of the difference of two modalities."""
        one, other = self.moments(first, first), self.moments(second, second)
        both = self.moments(first, second)
        variance = one.covariance + other.covariance - 2 * both.covariance
        if abs(variance) < _NO_VARIANCE:
            variance = 0.0
        return _error(variance, *self._parts(first, second))

    def spread(self, first: int, second: int) -> Spread:
        """Return what cases do to a difference of two modalities."""
        components, df = (part[:-1] for part in self._parts(first, second))
        one, other = (self.moments(at, at).of_pairs for at in (first, second))
        both = self.moments(first, second).of_pairs
        return Spread(
            sizes=tuple((df + 1).tolist()),
            variances=tuple((np.maximum(components, 0.0) / (df + 1)).tolist()),
            pairs=tuple((one + other - 2 * both).tolist()),
            pairs_of_one=tuple(((one + other) / 2).tolist()),
        )

    def _parts(self, first: int, second: int) -> tuple[FloatArray, FloatArray]:
        """Return the components of a difference and their degrees of freedom."""
        one, other = self.moments(first, first), self.moments(second, second)
        both = self.moments(first, second)
        components = one.components + other.components - 2 * both.components
        return components, np.minimum(one.df, other.df)

    def _of(
        self, shared: Shared, first: int, second: int, *, apart: bool
    ) -> tuple[FloatArray, FloatArray]:
        """Return means and counts: the same reader, then different (or any) readers."""
        modalities, readers = self._shape
        axes = (-1, modalities, readers, modalities, readers)
        both = []
        for part in (shared.sums, shared.counts):
            block = part.reshape(axes)[:, first, :, second, :]
            same = np.trace(block, axis1=1, axis2=2)
            total = block.sum(axis=(1, 2))
            both.append(np.concatenate([same, total - same if apart else total]))
        sums, counts = both
        means = np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0)
        return means, counts


def _one_kind(kinds: int, start: int = 0) -> list[int]:
    """Return the places of the moments that have one kind of case alone in common."""
    places = [0] if kinds == len(("same", "different")) else [1, 2]
    return [start + place for place in places]


def _error(variance: float, components: FloatArray, df: FloatArray) -> Error:
    """Return a variance with the degrees of freedom of its components."""
    if not variance > 0:
        return Error(variance)
    if (df < 1).any():
        return Error(math.nan)
    spread = float((components**2 / df**3).sum())
    found = variance**2 / spread if spread > 0 else math.inf
    found = max(found, float(df.min()))
    return Error(
        variance, found, math.inf if found > _NORMAL_FROM else float(math.floor(found))
    )
