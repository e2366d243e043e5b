"""All tables that fit given totals, agreements and, if known, a rounded kappa."""

from collections.abc import Hashable, Iterator, Sequence

import numpy as np

from analysis.agreement.batch import cohen_kappas
from analysis.intervals import normal_quantile
from analysis.recovery.counting import TooMuchWorkError, count_tables
from analysis.recovery.margins import KnownMargins
from analysis.rounding import PrintedNumber
from analysis.tables import ContingencyTable

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

    Yields:
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
    printed = None
    if kappa_interval is not None:
        low, high = (PrintedNumber(str(limit)) for limit in kappa_interval)
        printed = low, high
    z = normal_quantile(confidence_level)
    n_tables = count_tables(margins)
    if n_tables > MAX_TABLES:
        msg = f"{n_tables} tables fit the totals, more than the {MAX_TABLES} listed"
        raise TooMuchWorkError(msg)
    for rows in _fill(margins.rows, margins.columns, margins.n_agree):
        if printed is None or _kappa_fits(rows, printed, z):
            yield ContingencyTable(rows, categories)


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
    """Tell whether so many agreements can still lie on the rest of the diagonal."""
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
