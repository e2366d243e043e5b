"""Tables recovered from what a paper prints of them: totals, agreements, kappa.

Tables are counted without being listed: the array `ways` tells, for each amount taken
out of each column and each number of agreements so far, in how many ways the rows seen
so far can have done so. Adding a row is one running sum per column.
"""

import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, vstack

from analysis.agreement.batch import cohen_kappas
from analysis.arrays import BoolArray, IntArray
from analysis.columns import as_table, scale_of
from analysis.errors import InputError, as_whole, instance_of, listed
from analysis.intervals import normal_quantile
from analysis.showing import Shown
from analysis.tables import ContingencyTable

_ROUNDING_SLACK = 1e-9  # of a unit, so that binary halves round either way


@dataclass(frozen=True)
class PrintedNumber:
    """A number as it stands on paper; its digits tell how it was rounded.

    Raises:
        ValueError: If the text is not a finite number.

    Examples:
        >>> PrintedNumber("0.1885").fits(0.188474), PrintedNumber("0.19").fits(0.1846)
        (True, False)
        >>> PrintedNumber("53.24").units_from(53.623)
        38
    """

    text: str

    def __post_init__(self) -> None:
        try:
            finite = Decimal(self.text).is_finite()
        except InvalidOperation:
            finite = False
        if not finite:
            msg = f"A printed number must be finite, got {self.text!r}"
            raise ValueError(msg)

    @property
    def value(self) -> float:
        """The number."""
        return float(self.text)

    @property
    def decimals(self) -> int:
        """Digits after the decimal point."""
        return max(0, -int(Decimal(self.text).as_tuple().exponent))

    def fits(self, value: float) -> bool:
        """Return whether the value rounds to what is printed."""
        unit = 10.0**-self.decimals
        return abs(value - self.value) <= unit * (0.5 + _ROUNDING_SLACK)

    def units_from(self, value: float) -> int:
        """How many units of the last printed digit the rounded value is above it."""
        if self.fits(value):
            return 0
        return round((value - self.value) * 10.0**self.decimals)

    def format(self, value: float) -> str:
        """Write a value with as many digits as are printed."""
        return f"{value:.{self.decimals}f}"


@dataclass(frozen=True)
class KnownMargins(Shown):
    """Row totals, column totals and the number of agreements of a square table.

    Raises:
        ValueError: If they cannot belong to one table.
    """

    rows: tuple[int, ...]
    columns: tuple[int, ...]
    n_agree: int

    def __post_init__(self) -> None:
        for name, totals in (("Row", self.rows), ("Column", self.columns)):
            whole = _whole_numbers(f"{name} totals", totals)
            wrong = [total for total in whole if total < 0]
            if wrong:
                msg = (
                    f"{name} totals must be whole numbers of 0 or more, got {wrong[0]}"
                )
                raise ValueError(msg)
        if len(self.rows) != len(self.columns) or len(self.rows) < 2:
            msg = (
                "Row and column totals must be as many, two or more, "
                f"got {len(self.rows)} and {len(self.columns)}"
            )
            raise ValueError(msg)
        if sum(self.rows) != sum(self.columns):
            msg = (
                "Row and column totals must have one sum, "
                f"got {sum(self.rows)} and {sum(self.columns)}"
            )
            raise ValueError(msg)
        if not 0 <= self.n_agree <= sum(self.rows):
            msg = (
                f"Agreements must be between 0 and {sum(self.rows)}, got {self.n_agree}"
            )
            raise ValueError(msg)

    @classmethod
    def of(
        cls, rows: Sequence[int], columns: Sequence[int], n_agree: int
    ) -> "KnownMargins":
        """Build from any sequences of whole numbers.

        Raises:
            TypeError: If they are not sequences of numbers.
            ValueError: If they cannot belong to one table.
        """
        return cls(
            _whole_numbers("Row totals", rows),
            _whole_numbers("Column totals", columns),
            as_whole("Agreements", n_agree),
        )


def _whole_numbers(what: str, totals: Sequence[int]) -> tuple[int, ...]:
    return tuple(as_whole(what, total) for total in listed(what, totals))


Counts = NDArray[Any]
"""Whole numbers as int64 where they fit, else as float64."""

MAX_CELLS = 120_000_000
"""Largest array that is worked on (1 GB)."""


class TooMuchWorkError(InputError):
    """The tables cannot be listed or counted within the bound on work."""


def count_tables(margins: KnownMargins) -> int:
    """Count the tables of whole numbers with these totals and agreements.

    Exact below 2^62, correct to about 15 digits above.

    Raises:
        TooMuchWorkError: If the array of ways would exceed `MAX_CELLS`.

    Examples:
        >>> count_tables(KnownMargins.of([113, 4, 23], [101, 9, 30], 106))
        65
    """
    instance_of("Margins", margins, KnownMargins)
    shape = (*(total + 1 for total in margins.columns), margins.n_agree + 1)
    if math.prod(shape) > MAX_CELLS:
        msg = (
            f"counting needs an array of {math.prod(shape):.1e} cells, "
            f"above the bound of {MAX_CELLS:.0e}"
        )
        raise TooMuchWorkError(msg)
    k = len(margins.rows)
    bound = math.prod(math.comb(total + k - 1, k - 1) for total in margins.rows)
    exact = bound < 2**62
    ways: Counts = np.zeros(shape, dtype=np.int64 if exact else np.float64)
    ways[(0,) * len(shape)] = 1
    taken = np.indices(shape[:-1], sparse=True)
    taken_in_all = sum(taken, start=np.zeros((1,) * k, dtype=np.int64))
    for row, total_so_far in enumerate(accumulate(margins.rows)):
        _add_row(ways, row, taken_in_all == total_so_far)
    return int(ways[(-1,) * len(shape)])


def _add_row(ways: Counts, row: int, used_up: BoolArray) -> None:
    """Let one row take any amounts, then keep the states where it is used up."""
    for column in range(ways.ndim - 1):
        if column == row:
            _accumulate_agreements(np.moveaxis(ways, column, 0))
        else:
            np.cumsum(ways, axis=column, out=ways)
    ways *= used_up[..., None]


def _accumulate_agreements(ways: Counts) -> None:
    """Running sum down the diagonal: one more taken is one more agreement."""
    for taken in range(1, len(ways)):
        ways[taken, ..., 1:] += ways[taken - 1, ..., :-1]


_INFEASIBLE = 2  # status of scipy.optimize.milp


def tables_by_reader(
    pooled: ContingencyTable,
    row_totals: Sequence[Sequence[int]] | IntArray,
    column_totals: Sequence[Sequence[int]] | IntArray,
) -> list[ContingencyTable] | None:
    """Split a pooled table among the readers, as an integer programme.

    Args:
        pooled: `k x k` table over all readers.
        row_totals: `(readers, k)` answers of each reader under the reference method.
        column_totals: `(readers, k)` the same under the test method.

    Returns:
        One table per reader, the same at each call, or None if there is no solution.
        There may be others.

    Raises:
        ValueError: If the totals do not have the shape `(readers, k)`.
    """
    pooled = as_table(pooled)
    rows, columns = np.asarray(row_totals), np.asarray(column_totals)
    if rows.shape != columns.shape or rows.ndim != 2 or rows.shape[1] != pooled.k:
        msg = (
            f"Totals must be (readers, {pooled.k}) for both methods, "
            f"got {rows.shape} and {columns.shape}"
        )
        raise ValueError(msg)
    sums, totals = _constraints(pooled, rows, columns)
    n_cells = len(rows) * pooled.k**2
    solution = milp(
        np.zeros(n_cells),
        integrality=np.ones(n_cells),
        bounds=Bounds(0, np.inf),
        constraints=LinearConstraint(sums, totals, totals),
    )
    if solution.status == _INFEASIBLE:
        return None
    if not solution.success:
        msg = f"The integer programme was not solved: {solution.message}"
        raise RuntimeError(msg)
    cells = np.rint(solution.x).astype(np.int64).reshape(-1, pooled.k, pooled.k)
    return [ContingencyTable(table, pooled.categories) for table in cells]


def _constraints(
    pooled: ContingencyTable, rows: IntArray, columns: IntArray
) -> tuple[csr_array, IntArray]:
    """Sums over cells `(reader, row, column)` and what each must be."""
    n_readers, k = rows.shape
    reader, row, column = np.indices((n_readers, k, k)).reshape(3, -1)
    groups = (reader * k + row, reader * k + column, row * k + column)
    sums = vstack([_indicator(group) for group in groups])
    totals = np.concatenate([rows.ravel(), columns.ravel(), pooled.counts.ravel()])
    return sums, totals


def _indicator(group: IntArray) -> csr_array:
    cells = np.arange(len(group))
    return csr_array((np.ones(len(group)), (group, cells)))


MAX_TABLES = 200_000
"""So many tables are listed at most; more are only counted."""

Rows = tuple[tuple[int, ...], ...]


def feasible_tables(
    row_totals: Sequence[int],
    column_totals: Sequence[int],
    n_agree: int,
    *,
    kappa_interval: tuple[str | float, str | float] | None = None,
    confidence_level: float = 0.95,
    categories: Sequence[Hashable] | None = None,
) -> Iterator[ContingencyTable]:
    """List every `k x k` table of whole numbers that fits what is known of it.

    Args:
        row_totals: `k` totals of the reference method.
        column_totals: `k` totals of the test method.
        n_agree: Sum of the diagonal.
        kappa_interval: Limits of kappa's interval as printed. Their digits tell how
            they were rounded, so give text where a last zero counts.
        confidence_level: Level of that interval.
        categories: The scale; 1 to k if left out.

    Returns:
        The tables in lexicographic order; none if nothing fits.

    Raises:
        ValueError: If the totals cannot belong to one table.
        TooMuchWorkError: If there are more than `MAX_TABLES` to look at; it says how
            many.

    Examples:
        >>> known = [113, 4, 23], [101, 9, 30], 106
        >>> len(list(feasible_tables(*known)))
        65
        >>> len(list(feasible_tables(*known, kappa_interval=("0.207", "0.517"))))
        6
    """
    margins = KnownMargins.of(row_totals, column_totals, n_agree)
    scale = None if categories is None else scale_of(categories)
    printed = None
    if kappa_interval is not None:
        low, high = (PrintedNumber(str(limit)) for limit in kappa_interval)
        printed = low, high
    z = normal_quantile(confidence_level)
    n_tables = count_tables(margins)
    if n_tables > MAX_TABLES:
        msg = f"{n_tables} tables fit the totals, more than the {MAX_TABLES} listed"
        raise TooMuchWorkError(msg)
    return (
        ContingencyTable(rows, scale)
        for rows in _fill(margins.rows, margins.columns, margins.n_agree)
        if printed is None or _kappa_fits(rows, printed, z)
    )


def _fill(
    rows: tuple[int, ...], columns: tuple[int, ...], n_agree: int
) -> Iterator[Rows]:
    """Fill row by row; the columns are what the rows above left over."""
    first = len(columns) - len(rows)
    if len(rows) == 1:  # what is left over; its agreements were seen to fit
        yield (columns,)
        return
    for row in _splits(rows[0], columns):
        left = tuple(c - x for c, x in zip(columns, row, strict=True))
        still = n_agree - row[first]
        if _can_agree(rows[1:], left, still):
            for below in _fill(rows[1:], left, still):
                yield (row, *below)


def _splits(total: int, limits: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """All ways to split a row total over the columns, none above its limit."""
    if len(limits) == 1:
        yield (total,)
        return
    rest = limits[1:]
    for first in range(max(0, total - sum(rest)), min(total, limits[0]) + 1):
        for others in _splits(total - first, rest):
            yield (first, *others)


def _can_agree(rows: tuple[int, ...], columns: tuple[int, ...], n_agree: int) -> bool:
    """Return whether so many agreements can still lie on the rest of the diagonal."""
    own = columns[len(columns) - len(rows) :]
    everything = sum(rows)
    pairs = list(zip(rows, own, strict=True))
    least = sum(max(0, r + c - everything) for r, c in pairs)
    return least <= n_agree <= sum(min(r, c) for r, c in pairs)


def _kappa_fits(
    rows: Rows, printed: tuple[PrintedNumber, PrintedNumber], z: float
) -> bool:
    kappa = cohen_kappas(np.array(rows))
    margin = z * float(kappa.standard_error)
    low, high = float(kappa.estimate) - margin, float(kappa.estimate) + margin
    return printed[0].fits(low) and printed[1].fits(high)
