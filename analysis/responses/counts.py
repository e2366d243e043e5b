"""Read a table of counts, and counts of readers, from CSV."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from analysis.arrays import IntArray
from analysis.tables import ContingencyTable
from reader_study.formats.checking import FormatError
from reader_study.formats.tabular import Row, read_table


def read_counts(path: Path) -> ContingencyTable:
    """Read a square table of counts, reference method in rows.

    A header and a first column with the names of the categories are understood, also
    `MAGIC: 1` as in the tables that `report` writes. Without them the categories are 1
    to k.

    Raises:
        FormatError: If it is not a square table of whole numbers.
        OSError: If it cannot be read.
    """
    rows = read_table(path).rows
    header = None if all(_is_number(cell) for cell in rows[0].cells) else rows[0]
    body = rows[1:] if header else rows
    first_column = [row.cells[0] for row in body]
    maybe_names = header is not None or not any(map(_is_number, first_column))
    named = maybe_names and bool(body) and len(body[0].cells) == len(body) + 1
    names = [row.cells[0].strip() for row in body] if named else None
    if header:
        columns = [_category(cell) for cell in header.cells[1 if named else 0 :]]
        if names is not None and names != columns:
            msg = (
                f"{path} line {header.line}: columns must have the names of the rows "
                f"in their order, {', '.join(names)}; got {', '.join(columns)}"
            )
            raise FormatError([msg])
        names = columns
    counts = _whole_numbers(path, [Row(r.line, r.cells[named:]) for r in body])
    try:
        return ContingencyTable(counts, names)
    except ValueError as error:
        raise FormatError([f"{path}: {error}"]) from error


@dataclass(frozen=True)
class ReaderTotals:
    """Answers of each reader under both methods, each `(readers, k)`."""

    readers: list[str]
    reference: IntArray
    test: IntArray


def read_reader_totals(path: Path) -> ReaderTotals:
    """Read counts by reader: a name, k counts of the reference method, k of the test.

    This is the form of the paper's Tables S.1 to S.5, as `report` writes them; a last
    row named Sum is left out.

    Raises:
        FormatError: If it is not such a table.
        OSError: If it cannot be read.
    """
    _, *body = read_table(path).rows
    body = [row for row in body if row.cells[0].strip().lower() != "sum"]
    counts = _whole_numbers(path, [Row(row.line, row.cells[1:]) for row in body])
    width = len(counts[0]) if counts else 0
    if not counts or width % 2 or width < 4:
        msg = f"{path}: must have as many counts under each method, got {width} columns"
        raise FormatError([msg])
    both = np.array(counts, dtype=np.int64)
    names = [row.cells[0].strip() for row in body]
    return ReaderTotals(names, both[:, : width // 2], both[:, width // 2 :])


def _whole_numbers(path: Path, rows: list[Row]) -> list[list[int]]:
    faults = []
    counts: list[list[int]] = []
    for row in rows:
        counts.append([])
        if len(row.cells) != len(rows[0].cells):
            msg = f"has {len(row.cells)} counts, the first has {len(rows[0].cells)}"
            faults.append(f"{path} line {row.line}: {msg}")
        for cell in row.cells:
            text = cell.strip().removesuffix(".0")
            if text.isascii() and text.isdigit():
                counts[-1].append(int(text))
            else:
                msg = f"counts must be whole numbers of 0 or more, got {cell.strip()!r}"
                faults.append(f"{path} line {row.line}: {msg}")
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
