"""A design as a table: reader, session, position, case, method; one row a reading."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from reader_study.formats.checking import FormatError
from reader_study.formats.delimited import csv_text

COLUMNS = ("reader", "session", "position", "case", "method")
_NUMBERS = ("session", "position")
_SHOWN = 25


class TableRow(NamedTuple):
    """What one reader reads at one place of one session.

    Attributes:
        reader: Name of the reader's place, such as `reader-1`.
        session: Number of the session, from 1.
        position: Place in its order, from 1.
        case: Name of the case.
        method: Method of the picture.
        where: File and line.
    """

    reader: str
    session: int
    position: int
    case: str
    method: str
    where: str = ""

    @property
    def content(self) -> list[str | int]:
        """The row as the key keeps it."""
        return list(self[:5])


def parse_table(text: str, where: str) -> tuple[TableRow, ...]:
    """Return the rows of a design's table, by reader, session and position.

    Readers come in the order of their first row.

    Args:
        text: In CSV.
        where: Name of the file, which errors begin with.

    Raises:
        FormatError: If a column is missing or a row cannot be used; all are named.
    """
    lines = csv.DictReader(io.StringIO(text, newline=""))
    missing = [name for name in COLUMNS if name not in (lines.fieldnames or ())]
    if missing:
        msg = f"{where} line 1: column {missing[0]} is missing"
        raise FormatError([msg])
    rows, faults = [], []
    for cells in lines:
        place = f"{where} line {lines.line_num}"
        given = {name: (cells[name] or "").strip() for name in COLUMNS}
        found = [f"{place}: {fault}" for fault in _faults(given)]
        faults += found
        if not found:
            rows.append(_row(given, place))
    if not rows and not faults:
        faults = [f"{where} must have one or more rows, got none"]
    faults += _order_faults(rows)
    if faults:
        raise FormatError(faults)
    return in_order(rows)


def in_order(rows: Iterable[TableRow]) -> tuple[TableRow, ...]:
    """Return rows by reader as they first come, then session and position."""
    given = list(rows)
    readers = {r: n for n, r in enumerate(dict.fromkeys(row.reader for row in given))}
    return tuple(
        sorted(given, key=lambda r: (readers[r.reader], r.session, r.position))
    )


def table_of(content: Iterable[Sequence[str | int]]) -> tuple[TableRow, ...]:
    """Return the rows that a key keeps."""
    return tuple(
        TableRow(str(reader), int(session), int(position), str(case), str(method))
        for reader, session, position, case, method in content
    )


def preview_text(rows: Iterable[Mapping[str, object]]) -> str:
    """Return who sees which pseudo-ID where, as CSV: nothing of what it is."""
    return csv_text(("reader", "session", "position", "pseudo_id"), rows)


def _row(given: Mapping[str, str], where: str) -> TableRow:
    session, position = (int(given[name]) for name in _NUMBERS)
    return TableRow(
        given["reader"], session, position, given["case"], given["method"], where
    )


def _faults(given: Mapping[str, str]) -> Iterator[str]:
    for name, text in given.items():
        whole = text.isascii() and text.isdigit() and int(text) > 0
        if name in _NUMBERS and not whole:
            yield f"{name} must be a whole number of 1 or more, got {text!r:.40}"
        elif not text or not text.isprintable():
            yield f"{name} must be one line and not empty, got {text!r:.40}"


def _order_faults(rows: Sequence[TableRow]) -> list[str]:
    """Find positions of a session that are there twice or not at all."""
    found: dict[tuple[str, int], dict[int, TableRow]] = {}
    faults = []
    for row in rows:
        there = found.setdefault((row.reader, row.session), {})
        if row.position in there:
            faults.append(
                f"{row.where}: position must be there once in session {row.session} "
                f"of {row.reader}, got {row.position} again"
            )
        there[row.position] = row
    for (reader, session), there in found.items():
        gaps = [n for n in range(1, len(there) + 1) if n not in there]
        if gaps:
            faults.append(
                f"{there[max(there)].where}: positions of session {session} of "
                f"{reader} must be 1 to {len(there)}, got none at {gaps[0]}"
            )
    return faults
