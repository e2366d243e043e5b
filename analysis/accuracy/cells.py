"""One value a modality and reader, and what any two of them share by common cases.

A value is a mean over pairs of a diseased and another case (the AUC: 1 if the diseased
has the higher rating, 1/2 if both have the same), or over single cases (a proportion).
Sums over shared cases give error covariances in closed form.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_BLOCK = 4_000_000  # comparisons held at once: 32 MB

NEGLIGIBLE = 1e-14
"""Variances and covariances of proportions that are rounding of 0."""


@dataclass(frozen=True)
class Shared:
    """Sums and counts over what two cells share; matrices of cell by cell.

    Attributes:
        sums: `(kinds, cells, cells)` sums of products of both cells' terms.
        counts: How many products each sum has.
    """

    sums: FloatArray
    counts: FloatArray


class Cells(ABC):
    """Values of the cells of modality and reader, with their error covariances."""

    totals: FloatArray
    counts: FloatArray

    @cached_property
    def estimates(self) -> FloatArray:
        """Return the value of each cell; NaN where it has no terms."""
        return _ratio(self.totals, self.counts)

    @property
    def bias(self) -> FloatArray:
        """Return by how much each value is too high on average; means are not."""
        return np.zeros(len(self.counts))

    @abstractmethod
    def left_out(self) -> FloatArray:
        """Return `(cells, cases)`: each value with each case left out."""

    @property
    @abstractmethod
    def share_cases(self) -> NDArray[np.bool_]:
        """Return whether two cells have a case in common."""

    @property
    @abstractmethod
    def complete(self) -> bool:
        """Return whether every cell holds every case."""

    def jackknife(self) -> FloatArray:
        """Return the jackknife covariances over cases, in closed form."""
        left_out = self.left_out()
        n_cases = left_out.shape[1]
        centred = left_out - left_out.mean(axis=1, keepdims=True)
        return self._without_strangers((n_cases - 1) / n_cases * centred @ centred.T)

    def covariances(self, kind: str) -> FloatArray:
        """Return the covariances by name; what is rounding of 0 is 0."""
        found: FloatArray = getattr(self, kind)()
        return np.where(np.abs(found) < NEGLIGIBLE, 0.0, found)

    def _without_strangers(self, covariances: FloatArray) -> FloatArray:
        return np.where(self.share_cases, covariances, 0.0)


class Terms(Cells):
    """Values that are means of terms, whose sums over shared cases are known."""

    @property
    @abstractmethod
    def any_case(self) -> Shared:
        """Return the sums with "the same case" or "any case" in each place."""

    @property
    @abstractmethod
    def exact(self) -> Shared:
        """Return the sums with "the same case" or "a different case" in each place."""

    @abstractmethod
    def delong(self) -> FloatArray:
        """Return DeLong's covariances; for cells that hold the same cases."""

    def unbiased(self) -> FloatArray:
        """Return the unbiased covariances: products less those of different cases."""
        exact = self.exact
        apart = _ratio(exact.sums[-1], exact.counts[-1])
        return self._without_strangers(np.outer(self.estimates, self.estimates) - apart)


class Pairwise(Terms):
    """AUCs: terms are pairs of a diseased and a non-diseased case."""

    def __init__(self, diseased: FloatArray, others: FloatArray) -> None:
        """Compare all pairs.

        Args:
            diseased: `(cells, n1)` ratings of diseased cases; NaN where missing.
            others: `(cells, n0)` ratings of the others.
        """
        self._held = tuple(
            (~np.isnan(side)).astype(float) for side in (diseased, others)
        )
        n_cells, n_others = others.shape
        self._rows = np.zeros(diseased.shape)
        self._columns = np.zeros(others.shape)
        self._gram = np.zeros((n_cells, n_cells))
        step = max(1, _BLOCK // max(1, n_cells * n_others))
        for start in range(0, diseased.shape[1], step):
            of = slice(start, start + step)
            x, y = diseased[:, of, None], others[:, None, :]
            kernel = (x > y) + 0.5 * (x == y)
            self._rows[:, of] = kernel.sum(axis=2)
            self._columns += kernel.sum(axis=1)
            flat = kernel.reshape(n_cells, -1)
            self._gram += flat @ flat.T
        self._sizes = tuple(side.sum(axis=1) for side in self._held)
        self.totals = self._rows.sum(axis=1)
        self.counts = self._sizes[0] * self._sizes[1]

    @cached_property
    def any_case(self) -> Shared:
        """Return sums: same pair, same diseased, same non-diseased, any."""
        (n1, n0), (shared1, shared0) = self._sizes, self._shared
        sums = [
            self._gram,
            self._rows @ self._rows.T,
            self._columns @ self._columns.T,
            np.outer(self.totals, self.totals),
        ]
        counts = [
            shared1 * shared0,
            shared1 * np.outer(n0, n0),
            shared0 * np.outer(n1, n1),
            np.outer(self.counts, self.counts),
        ]
        return Shared(np.stack(sums), np.stack(counts))

    @cached_property
    def exact(self) -> Shared:
        """Return sums: the same pair, diseased only, non-diseased only, neither."""
        return Shared(
            _exact_pairs(self.any_case.sums), _exact_pairs(self.any_case.counts)
        )

    @property
    def share_cases(self) -> NDArray[np.bool_]:
        """Return whether two cells have a case of either kind in common."""
        diseased, others = self._shared
        shared: NDArray[np.bool_] = diseased + others > 0
        return shared

    @property
    def complete(self) -> bool:
        """Return whether every cell holds every case."""
        return all(bool(side.all()) for side in self._held)

    def left_out(self) -> FloatArray:
        """Return each AUC without each case; a case not held leaves it as it is."""
        (held1, held0), (n1, n0) = self._held, self._sizes
        totals, value = self.totals[:, None], self.estimates[:, None]
        first = _ratio(totals - self._rows, ((n1 - 1) * n0)[:, None])
        second = _ratio(totals - self._columns, (n1 * (n0 - 1))[:, None])
        parts = [np.where(held1, first, value), np.where(held0, second, value)]
        return np.hstack(parts)

    def delong(self) -> FloatArray:
        """Return DeLong's covariances."""
        n1, n0 = (int(size[0]) for size in self._sizes)
        parts = []
        for sums, n, n_other in ((self._rows, n1, n0), (self._columns, n0, n1)):
            centred = sums / n_other - self.estimates[:, None]
            parts.append(centred @ centred.T / (n - 1) / n if n > 1 else np.nan)
        total: FloatArray = np.zeros_like(self._gram) + parts[0] + parts[1]
        return total

    @cached_property
    def _shared(self) -> tuple[FloatArray, FloatArray]:
        first, second = (held @ held.T for held in self._held)
        return first, second


class Proportions(Terms):
    """Proportions of cases: sensitivity on the diseased, specificity on the others."""

    def __init__(self, hits: FloatArray) -> None:
        """Count.

        Args:
            hits: `(cells, cases)`: 1 or 0; NaN where missing.
        """
        self._held = (~np.isnan(hits)).astype(float)
        self._hits = np.nan_to_num(hits)
        self.totals = self._hits.sum(axis=1)
        self.counts = self._held.sum(axis=1)

    @cached_property
    def any_case(self) -> Shared:
        """Return sums: same case, any."""
        sums = [self._hits @ self._hits.T, np.outer(self.totals, self.totals)]
        counts = [self._held @ self._held.T, np.outer(self.counts, self.counts)]
        return Shared(np.stack(sums), np.stack(counts))

    @cached_property
    def exact(self) -> Shared:
        """Return sums: same case, different cases."""
        (same, sums), (held, counts) = self.any_case.sums, self.any_case.counts
        return Shared(np.stack([same, sums - same]), np.stack([held, counts - held]))

    @property
    def share_cases(self) -> NDArray[np.bool_]:
        """Return whether two cells have a case in common."""
        shared: NDArray[np.bool_] = self.any_case.counts[0] > 0
        return shared

    @property
    def complete(self) -> bool:
        """Return whether every cell holds every case."""
        return bool(self._held.all())

    def left_out(self) -> FloatArray:
        """Return each proportion without each case."""
        rest = _ratio(self.totals[:, None] - self._hits, (self.counts - 1)[:, None])
        return np.where(self._held, rest, self.estimates[:, None])

    def delong(self) -> FloatArray:
        """Return the covariances of means of the same cases."""
        n = self._hits.shape[1]
        centred = self._hits - self.estimates[:, None]
        if n < 2:
            return np.full((len(self.estimates),) * 2, np.nan)
        found: FloatArray = centred @ centred.T / (n - 1) / n
        return found


class LeftOut(Cells):
    """Values that are known with each case left out, and in no other way."""

    def __init__(
        self,
        estimates: FloatArray,
        left_out: FloatArray,
        diseased: NDArray[np.bool_],
    ) -> None:
        """Take the values.

        Args:
            estimates: `(cells,)` values of all cases.
            left_out: `(cells, cases)` values without each case; that of all cases where
                a cell does not hold the case.
            diseased: `(cases,)` whether a case is.
        """
        self.totals, self.counts = estimates, np.ones(len(estimates))
        self._left_out, self.diseased = left_out, diseased

    @property
    def bias(self) -> FloatArray:
        """Return the bias by the jackknife of both kinds of cases."""
        found = np.zeros(len(self.totals))
        for kind in (self.diseased, ~self.diseased):
            if kind.any():
                change = self._left_out[:, kind].mean(axis=1) - self.totals
                found += (int(kind.sum()) - 1) * change
        return found

    def left_out(self) -> FloatArray:
        """Return each value with each case left out."""
        return self._left_out

    @property
    def share_cases(self) -> NDArray[np.bool_]:
        """Return whether two cells have a case in common: both change without one."""
        changed = (self._left_out != self.totals[:, None]).astype(float)
        shared: NDArray[np.bool_] = changed @ changed.T > 0
        return shared

    @property
    def complete(self) -> bool:
        """Return no: nothing but the jackknife is there."""
        return False


def _exact_pairs(any_case: FloatArray) -> FloatArray:
    """Turn "any" into "different" by inclusion and exclusion."""
    both, diseased, others, total = any_case
    apart = total - diseased - others + both
    return np.stack([both, diseased - both, others - both, apart])


def _ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Divide; NaN where the denominator is 0 or less."""
    shape = np.broadcast_shapes(numerator.shape, denominator.shape)
    result = np.full(shape, np.nan)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    return result
