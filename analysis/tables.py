"""A contingency table of paired answers on one scale."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from analysis.arrays import IntArray
from analysis.showing import Shown

_MOST = 2**53  # counts up to which a float is exact


@dataclass(frozen=True, eq=False)
class ContingencyTable(Shown):
    """Counts of paired answers: reference method in rows, test method in columns.

    Categories come from the answer scale, in its order, and never from the data: a
    category that nobody chose keeps its empty row and column. Once constructed, the
    table is valid and cannot be changed.

    Attributes:
        counts: `(k, k)` whole numbers, not negative.
        categories: The `k` codes of the scale, `k >= 2`, all different; 1 to k if left
            out.

    Raises:
        ValueError: If the counts are not a square table of whole, non-negative numbers
            or the categories do not fit them.

    Examples:
        >>> table = ContingencyTable([[104, 13], [14, 9]], ("Yes", "No"))
        >>> table.n, table.n_agree
        (140, 113)
    """

    counts: IntArray
    categories: tuple[Hashable, ...] = ()

    def __init__(
        self,
        counts: ArrayLike,
        categories: Iterable[Hashable] | None = None,
    ) -> None:
        checked = _whole_counts(counts)
        labels = range(1, len(checked) + 1) if categories is None else categories
        object.__setattr__(self, "counts", checked)
        object.__setattr__(self, "categories", _distinct(tuple(labels), len(checked)))

    @classmethod
    def from_pairs(
        cls,
        reference: Iterable[Hashable],
        test: Iterable[Hashable],
        categories: Iterable[Hashable],
    ) -> Self:
        """Count pairs of answers.

        Args:
            reference: Answers given under the reference method.
            test: Answers of the same readers to the same cases under the test method.
            categories: The scale, in its order.

        Raises:
            ValueError: If the two differ in length or an answer is not on the scale.
        """
        scale = tuple(categories)
        position = {category: index for index, category in enumerate(scale)}
        pairs = list(zip(reference, test, strict=True))
        unknown = {str(v) for pair in pairs for v in pair if v not in position}
        if unknown:
            got = ", ".join(sorted(unknown))
            msg = f"Answers must be on the scale {scale}, got {got}"
            raise ValueError(msg)
        counts = np.zeros((len(scale), len(scale)), dtype=np.int64)
        for a, b in pairs:
            counts[position[a], position[b]] += 1
        return cls(counts, scale)

    @property
    def k(self) -> int:
        """Number of categories on the scale."""
        return len(self.categories)

    @property
    def n(self) -> int:
        """Number of pairs."""
        return int(self.counts.sum())

    @property
    def n_agree(self) -> int:
        """Number of pairs on the diagonal."""
        return int(self.counts.trace())

    @property
    def row_totals(self) -> IntArray:
        """`(k,)` answers per category under the reference method."""
        return np.asarray(self.counts.sum(axis=1))

    @property
    def column_totals(self) -> IntArray:
        """`(k,)` answers per category under the test method."""
        return np.asarray(self.counts.sum(axis=0))

    def to_pairs(self) -> IntArray:
        """Return the pairs as `(n, 2)` positions on the scale, 0 to k-1."""
        cells = np.argwhere(self.counts >= 0)
        return np.asarray(np.repeat(cells, self.counts.ravel(), axis=0))

    def _content(self) -> dict[str, object]:
        return {
            "data": self.counts,
            "index": self.categories,
            "columns": self.categories,
        }

    def __eq__(self, other: object) -> bool:
        """Tables are equal when their scales and their counts are."""
        if not isinstance(other, ContingencyTable):
            return NotImplemented
        same_scale = self.categories == other.categories
        return same_scale and bool(np.array_equal(self.counts, other.counts))

    def __hash__(self) -> int:
        """Equal tables have equal hashes."""
        return hash((self.categories, self.counts.tobytes()))


def _whole_counts(counts: ArrayLike) -> IntArray:
    try:
        if np.asarray(counts).dtype.kind in "US":
            raise TypeError
        given = np.array(counts, dtype=np.float64)
    except (TypeError, ValueError) as error:
        msg = "Counts must be a square table of whole numbers"
        raise ValueError(msg) from error
    if given.ndim != 2 or given.shape[0] != given.shape[1] or len(given) < 2:
        shape = " x ".join(map(str, given.shape)) or "a single number"
        msg = f"Counts must be a square table of at least 2 x 2, got {shape}"
        raise ValueError(msg)
    wrong = given[~np.isfinite(given) | (given < 0) | (given != np.floor(given))]
    if wrong.size:
        msg = f"Counts must be whole numbers of 0 or more, got {wrong[0]:g}"
        raise ValueError(msg)
    if given.sum() > _MOST:
        msg = f"Counts must sum to 2**53 or less, got {given.sum():g}"
        raise ValueError(msg)
    whole = given.astype(np.int64)
    whole.flags.writeable = False
    return whole


def _distinct(categories: tuple[Hashable, ...], k: int) -> tuple[Hashable, ...]:
    if len(categories) != k:
        msg = f"Expected {k} categories for a {k} x {k} table, got {len(categories)}"
        raise ValueError(msg)
    if len(set(categories)) != k:
        msg = f"Categories must all differ, got {', '.join(map(str, categories))}"
        raise ValueError(msg)
    return categories
