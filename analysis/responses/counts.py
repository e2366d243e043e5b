"""Read a table of counts, and counts of readers, as programs of others write them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from analysis.arrays import IntArray
from analysis.tables import ContingencyTable
from reader_study.formats.checking import FormatError
from reader_study.formats.spellings import whole_number
from reader_study.formats.tabular import Row, read_table

Said = Callable[[str], None]
"""Told in a sentence each how a file was understood where that is not plain."""

_MOST = 2**53
_TOTAL = frozenset({"sum", "sums", "total", "totals", "grand total", "row total"}) | {
    "column total",
    "gesamt",
    "summe",
}
"""Names, in lower case, that only a total has; `All` may be an answer."""


def read_counts(path: Path, *, said: Said = lambda _: None) -> ContingencyTable:
    """Read a square table of counts, reference method in rows.

    A header and a first column with the names of the categories are understood, also
    `MAGIC: 1` as in the tables that `report` writes. Without them the categories are 1
    to k. A row and a column that are the sums of the others are left out, whatever
    their names; a row or column that only the other method has is added with zeros.

    Args:
        path: CSV or a workbook.
        said: Told what was assumed.

    Raises:
        FormatError: If it is no square table of whole numbers, or if it cannot be told
            whether a row or column is a total.
        OSError: If it cannot be read.
    """
    given = read_table(path)
    for sentence in given.assumed:
        said(sentence)
    block = _completed(_without_totals(_block(path, given.rows), said), said)
    names = block.columns if block.rows is None else block.rows
    try:
        return ContingencyTable(block.counts, names)
    except ValueError as error:
        raise FormatError([f"{path}: {error}"]) from error


@dataclass(frozen=True)
class _Block:
    """Counts with the names that stand beside and above them, where there are any."""

    path: Path
    line: int
    rows: list[str] | None
    columns: list[str] | None
    counts: list[list[int]]

    def fault(self, sentence: str) -> FormatError:
        return FormatError([f"{self.path} line {self.line}: {sentence}"])

    def turned(self) -> "_Block":
        counts = [list(column) for column in zip(*self.counts, strict=True)]
        return replace(self, rows=self.columns, columns=self.rows, counts=counts)

    def without_row(self, at: int | None) -> "_Block":
        if at is None:
            return self
        counts = self.counts[:at] + self.counts[at + 1 :]
        names = self.rows and self.rows[:at] + self.rows[at + 1 :]
        return replace(self, rows=names, counts=counts)

    def row(self, at: int) -> str:
        """Return how messages call a row."""
        return repr(self.rows[at]) if self.rows and self.rows[at] else str(at + 1)


def _block(path: Path, rows: Sequence[Row]) -> _Block:
    header = None if all(_is_number(cell) for cell in rows[0].cells) else rows[0]
    body = list(rows[1:] if header else rows)
    named = _is_named(header, body)
    columns = None
    if header:
        corner = named and len(header.cells) == len(body[0].cells)
        columns = [_category(cell) for cell in header.cells[1 if corner else 0 :]]
    counts = _whole_numbers(path, [Row(r.line, r.cells[named:]) for r in body])
    if columns is not None and counts and len(columns) != len(counts[0]):
        msg = f"the header names {len(columns)} columns, there are {len(counts[0])}"
        raise FormatError([f"{path} line {rows[0].line}: {msg}"])
    names = [_category(row.cells[0]) for row in body] if named else None
    return _Block(path, rows[0].line, names, columns, counts)


def _is_named(header: Row | None, body: Sequence[Row]) -> bool:
    """Return whether the first column holds names, which may be numbers."""
    if not body:
        return False
    first = [row.cells[0] for row in body]
    if not all(_is_number(cell) for cell in first):
        return header is not None or not any(_is_number(cell) for cell in first)
    if header is None:
        return False
    rows, columns = {*map(_category, first)}, {*map(_category, header.cells[1:])}
    alike = len(rows) == len(first) and (rows <= columns or columns <= rows)
    return len(body[0].cells) == len(body) + 1 or alike


@dataclass(frozen=True)
class ReaderTotals:
    """Answers of each reader under both methods, each `(readers, k)`."""

    readers: list[str]
    reference: IntArray
    test: IntArray


def read_reader_totals(path: Path) -> ReaderTotals:
    """Read counts by reader: a name, k counts of the reference method, k of the test.

    This is the form of the paper's Tables S.1 to S.5, as `report` writes them; a row
    named Sum or Total is left out.

    Raises:
        FormatError: If it is not such a table.
        OSError: If it cannot be read.
    """
    _, *body = read_table(path).rows
    body = [row for row in body if row.cells[0].strip().lower() not in _TOTAL]
    counts = _whole_numbers(path, [Row(row.line, row.cells[1:]) for row in body])
    width = len(counts[0]) if counts else 0
    if not counts or width % 2 or width < 4:
        msg = f"{path}: must have as many counts under each method, got {width} columns"
        raise FormatError([msg])
    both = np.array(counts, dtype=np.int64)
    names = [row.cells[0].strip() for row in body]
    return ReaderTotals(names, both[:, : width // 2], both[:, width // 2 :])


# -- Totals: rows that are the sums of the others; columns are rows of the turned block


def _without_totals(block: _Block, said: Said) -> _Block:
    """Leave out a row and a column that are the sums of the others."""
    turned = block.turned()
    row, column = _total(block, "row"), _total(turned, "column")
    if _is_category(block, row, column):
        row = None
    if _is_category(turned, column, row):
        column = None
    called = _called_total(block, row) and _called_total(turned, column)
    if row is not None and column is not None:
        found = block.without_row(row).turned().without_row(column).turned()
        if not called and sum(n > 0 for row in found.counts for n in row) <= 1:
            raise block.fault(_UNSURE)
    else:
        row = _alone(block, row, "row")
        column = _alone(turned, column, "column")
        found = block.without_row(row).turned().without_row(column).turned()
    for kind, of, at in (("row", block, row), ("column", turned, column)):
        if at is not None:
            said(f"{kind} {of.row(at)} is the sum of the others and is left out")
    return found


_UNSURE = (
    "a row and a column may be the sums of the others, or answers that only look so; "
    "leave the sums out, or name both Total"
)


def _total(block: _Block, kind: str) -> int | None:
    """Return which row may be the sum of the others: by its name, else at an end."""
    sums = [sum(column) for column in zip(*block.counts, strict=True)]
    fits = [[2 * n for n in row] == sums for row in block.counts]
    for at in range(len(fits)):
        if _called_total(block, at) and not fits[at]:
            msg = f"{kind} {block.row(at)} is not the sum of the others; leave it out"
            raise block.fault(msg)
    named = [at for at, fit in enumerate(fits) if fit and _called_total(block, at)]
    ends = [
        at
        for at in (len(fits) - 1, 0)
        if len(fits) > 2 and fits[at] and any(block.counts[at])
    ]
    return next(iter([*named, *ends]), None)


def _called_total(block: _Block, at: int | None) -> bool:
    """Return whether a row is named as a total, or alone has no name."""
    if at is None or block.rows is None:
        return False
    name = block.rows[at].lower()
    return name in _TOTAL or not name


def _is_category(block: _Block, row: int | None, column: int | None) -> bool:
    """Return whether what may be a total has the name of an answer across."""
    if row is None or block.rows is None or block.columns is None:
        return False
    across = block.turned().without_row(column).rows or []
    return block.rows[row] in across


def _alone(block: _Block, row: int | None, kind: str) -> int | None:
    """Return a row that is a total without a counterpart across, if it is one."""
    if row is None or _called_total(block, row):
        return row
    n_rows, n_columns = len(block.counts), len(block.counts[0])
    if n_rows != n_columns + 1:
        return None  # by chance
    across = "column" if kind == "row" else "row"
    if block.rows is not None and block.columns is not None:
        msg = (
            f"{kind} {block.row(row)} is the sum of the others; name it Total if it is "
            f"one, else add {across} {block.row(row)}, with zeros if nobody chose it"
        )
        raise block.fault(msg)
    if row and block.counts[row] == block.counts[0]:
        msg = f"{kind}s 1 and {row + 1} may each be the sum of the others; leave it out"
        raise block.fault(msg)
    return row


# -- Answers that only one method drew


def _completed(block: _Block, said: Said) -> _Block:
    """Add zeros for a row or column that only the other method has."""
    if block.rows is None or block.columns is None or block.rows == block.columns:
        return block
    if _stand_in(block.columns, block.rows):
        return _with_rows(block.turned(), "column", said).turned()
    if _stand_in(block.rows, block.columns):
        return _with_rows(block, "row", said)
    msg = (
        "columns must have the names of the rows in their order, "
        f"{', '.join(block.rows)}; got {', '.join(block.columns)}"
    )
    raise block.fault(msg)


def _stand_in(names: Sequence[str], others: Sequence[str]) -> bool:
    """Return whether all names are among others, in the same order."""
    return [name for name in others if name in names] == list(names)


def _with_rows(block: _Block, kind: str, said: Said) -> _Block:
    names = block.columns or []
    rows = dict(zip(block.rows or [], block.counts, strict=True))
    for name in names:
        if name not in rows:
            said(f"{kind} {name!r} is missing and is taken as zeros")
    zeros = [0] * len(names)
    return replace(block, rows=names, counts=[rows.get(name, zeros) for name in names])


def _whole_numbers(path: Path, rows: list[Row]) -> list[list[int]]:
    faults = []
    counts: list[list[int]] = []
    for row in rows:
        counts.append([])
        if len(row.cells) != len(rows[0].cells):
            msg = f"has {len(row.cells)} counts, the first has {len(rows[0].cells)}"
            faults.append(f"{path} line {row.line}: {msg}")
        for cell in row.cells:
            text = cell.strip()
            number = whole_number(text)
            if number is None or number < 0:
                msg = f"counts must be whole numbers of 0 or more, got {text!r}"
                faults.append(f"{path} line {row.line}: {msg}")
            elif number > _MOST:
                msg = f"counts must be 2**53 or less, got {text}"
                faults.append(f"{path} line {row.line}: {msg}")
            else:
                counts[-1].append(number)
    if faults:
        raise FormatError(faults)
    return counts


def _category(cell: str) -> str:
    return cell.rpartition(": ")[2].strip()


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
