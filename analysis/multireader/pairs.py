"""Pairs of answers that know their reader and their case, from labels or columns."""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np

from analysis.arrays import BoolArray, IntArray
from analysis.columns import Scale, missing, occurring, scale_of
from analysis.errors import shown
from analysis.showing import Shown
from analysis.tables import ContingencyTable

COLUMNS = ("reader", "case", "reference", "test")


@dataclass(frozen=True, eq=False)
class Pairs(Shown):
    """Answers of readers to cases under both methods, one pair per reader and case.

    A reader need not have read every case.

    Attributes:
        reader: `(n,)` position of the pair's reader in `readers`.
        case: `(n,)` position of its case in `cases`.
        reference: `(n,)` answer under the reference method, its position on the scale.
        test: `(n,)` answer under the test method.
        readers: Names of the readers.
        cases: Names of the cases.
        k: Number of categories on the scale, 2 or more.
        categories: The scale in its order; 1 to k if left out.

    Raises:
        ValueError: If the columns differ in length, a position is out of range or a
            reader has a case twice.
    """

    reader: IntArray
    case: IntArray
    reference: IntArray
    test: IntArray
    readers: tuple[str, ...]
    cases: tuple[str, ...]
    k: int
    categories: tuple[Hashable, ...] = ()

    def __post_init__(self) -> None:
        if not self.categories:
            object.__setattr__(self, "categories", tuple(range(1, self.k + 1)))
        if self.k < 2 or len(set(self.categories)) != self.k:
            msg = f"A scale must have 2 or more different codes, got {self.categories}"
            raise ValueError(msg)
        limits = (len(self.readers), len(self.cases), self.k, self.k)
        for name, limit in zip(COLUMNS, limits, strict=True):
            column = np.array(getattr(self, name), dtype=np.int64)
            column.flags.writeable = False
            object.__setattr__(self, name, column)
            if column.shape != (len(self.reader),):
                msg = f"Columns must be as long as reader, got {column.shape} of {name}"
                raise ValueError(msg)
            if column.size and not (column.min() >= 0 and column.max() < limit):
                msg = f"Positions of {name} must be 0 to {limit - 1}, got others"
                raise ValueError(msg)
        self._refuse_repeated()

    def _refuse_repeated(self) -> None:
        place = self.reader * max(1, len(self.cases)) + self.case
        if not _all_differ(place):
            (first, _), *_ = Counter(place.tolist()).most_common(1)
            reader, case = divmod(first, len(self.cases))
            msg = (
                "A reader must have at most one pair per case, got more of "
                f"reader {self.readers[reader]} and case {self.cases[case]}"
            )
            raise ValueError(msg)

    @classmethod
    def from_labels(
        cls,
        reader: Iterable[Hashable],
        case: Iterable[Hashable],
        reference: Iterable[Hashable],
        test: Iterable[Hashable],
        categories: Iterable[Hashable],
    ) -> Self:
        """Make pairs from names and answers, complete ones only.

        Args:
            reader: Reader of each pair.
            case: Case of each pair.
            reference: Answer under the reference method.
            test: Answer under the test method.
            categories: The scale, in its order.

        Raises:
            ValueError: If the columns differ in length, an answer is missing or not on
                the scale, or a reader has a case twice.

        Examples:
            >>> pairs = Pairs.from_labels("AAB", "xyx", [1, 0, 1], [1, 1, 1], (0, 1))
            >>> pairs.readers, pairs.table.counts.tolist()
            (('A', 'B'), [[0, 1], [0, 2]])
        """
        columns = [list(column) for column in (reader, case, reference, test)]
        if len({len(column) for column in columns}) > 1:
            got = ", ".join(f"{len(column)}" for column in columns)
            msg = f"Columns {', '.join(COLUMNS)} must be of one length, got {got}"
            raise ValueError(msg)
        scale = tuple(categories)
        place = {code: index for index, code in enumerate(scale)}
        answers = [*columns[2], *columns[3]]
        unknown = {str(answer) for answer in answers if answer not in place}
        if unknown:
            got = ", ".join(sorted(unknown))
            msg = f"Answers must be on the scale {scale}, got {got}"
            raise ValueError(msg)
        readers, reader_at = _positions(columns[0])
        cases, case_at = _positions(columns[1])
        coded = np.array([place[answer] for answer in answers], dtype=np.int64)
        reference_at, test_at = coded.reshape(2, -1)
        return cls(
            reader_at, case_at, reference_at, test_at, readers, cases, len(scale), scale
        )

    @property
    def n(self) -> int:
        """Number of pairs."""
        return len(self.reader)

    @property
    def table(self) -> ContingencyTable:
        """All pairs in one table, reference method in rows."""
        cells = np.bincount(self.reference * self.k + self.test, minlength=self.k**2)
        return ContingencyTable(cells.reshape(self.k, self.k), self.categories)

    def _rows(self) -> list[dict[str, object]]:
        answers = zip(self.reference.tolist(), self.test.tolist(), strict=True)
        places = zip(self.reader.tolist(), self.case.tolist(), answers, strict=True)
        return [
            {
                "reader": self.readers[reader],
                "case": self.cases[case],
                "reference": self.categories[reference],
                "test": self.categories[test],
            }
            for reader, case, (reference, test) in places
        ]

    def __repr__(self) -> str:
        """Return how many there are, in one line."""
        scale = ", ".join(map(str, self.categories))
        return (
            f"Pairs({self.n} pairs, {len(self.readers)} readers, {len(self.cases)} "
            f"cases, categories {scale})"
        )

    def subset(self, kept: BoolArray) -> Self:
        """Keep some pairs; readers and cases without any leave.

        Args:
            kept: `(n,)` which ones.
        """
        readers, reader = distinct(self.reader[kept])
        cases, case = distinct(self.case[kept])
        return type(self)(
            reader,
            case,
            self.reference[kept],
            self.test[kept],
            tuple(self.readers[i] for i in readers),
            tuple(self.cases[i] for i in cases),
            self.k,
            self.categories,
        )


_SPARSE = 100  # how many times as large as their number positions may be


def distinct(positions: IntArray) -> tuple[IntArray, IntArray]:
    """Return the positions that occur, rising, and where among them each stands.

    As `numpy.unique`, but without sorting where that is not needed.

    Examples:
        >>> distinct(np.array([4, 2, 4]))
        (array([2, 4]), array([1, 0, 1]))
    """
    n = len(positions)
    if not n or positions.min() < 0 or positions.max() > _SPARSE * n:
        found, place = np.unique(positions, return_inverse=True)
        return found, place
    occurs = np.bincount(positions) > 0
    return np.flatnonzero(occurs), (np.cumsum(occurs) - 1)[positions]


def _all_differ(positions: IntArray) -> bool:
    n = len(positions)
    if n and positions.max() <= _SPARSE * n:
        return bool(np.bincount(positions).max() < 2)
    return len(np.unique(positions)) == n


def _positions(names: Sequence[Hashable]) -> tuple[tuple[str, ...], IntArray]:
    """Distinct names in the order of their first appearance, and where each stands."""
    place = {name: index for index, name in enumerate(dict.fromkeys(names))}
    positions = np.array([place[name] for name in names], dtype=np.int64)
    return tuple(map(str, place)), positions


class Columns(Protocol):
    """Anything that returns a column by its name: a mapping, a data frame."""

    def __getitem__(self, name: str, /) -> Iterable[Hashable]:
        """Return the column."""
        ...

    def keys(self) -> Iterable[Hashable]:
        """Return the names of the columns."""
        ...


def as_pairs(
    pairs: Pairs | Columns,
    categories: Scale | None = None,
    *,
    scale_matters: bool = False,
) -> Pairs:
    """Take pairs as they are, or make them from columns.

    Columns do not tell the scale; without `categories` the answers that occur, sorted,
    take its place.

    Args:
        pairs: `Pairs`, or columns `reader`, `case`, `reference` and `test`.
        categories: The scale in its order.
        scale_matters: The statistic depends on categories that nobody chose.

    Raises:
        TypeError: If it is neither pairs nor columns.
        ValueError: If a column is missing, the scale matters and is not known, or an
            answer is missing or not on the scale.
    """
    scale = None if categories is None else scale_of(categories)
    if isinstance(pairs, Pairs):
        if scale not in {None, pairs.categories}:
            msg = f"The pairs have the categories {pairs.categories}, got {scale}"
            raise ValueError(msg)
        return pairs
    if not hasattr(pairs, "keys"):
        msg = (
            f"Pairs must be Pairs or have the columns {', '.join(COLUMNS)}, got "
            f"{shown(pairs)}"
        )
        raise TypeError(msg)
    if scale is None and scale_matters:
        msg = (
            "This statistic depends on the scale: categories= must name it in its "
            "order, or pairs come from Pairs.from_labels, got columns only"
        )
        raise ValueError(msg)
    reader, case, reference, test = (_column(pairs, name) for name in COLUMNS)
    answers = [*reference, *test]
    if any(map(missing, answers)):
        msg = "Pairs must be complete, got a missing answer"
        raise ValueError(msg)
    scale = scale or occurring(answers)
    return Pairs.from_labels(reader, case, reference, test, scale)


def _column(columns: Columns, name: str) -> list[Hashable]:
    try:
        return list(columns[name])
    except (KeyError, IndexError, TypeError) as error:
        names = ", ".join(map(str, columns.keys()))
        got = names if isinstance(columns, Mapping) else f"others: {names}"
        msg = f"Pairs must have the columns {', '.join(COLUMNS)}, got {got}"
        raise ValueError(msg) from error
