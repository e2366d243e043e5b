"""Tables of text: rows with the lines they begin on, and texts no spreadsheet runs."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reader_study.formats.checking import FormatError

TRUE = frozenset({"1", "true", "yes"})
"""Texts that set a flag, in lower case."""

# OWASP, CSV injection; full-width signs count as plain ones in some spreadsheets.
_FORMULA = tuple("=+-@\t\r\n'\uff1d\uff0b\uff0d\uff20")


@dataclass(frozen=True)
class Row:
    """Cells of one record and the line on which it starts."""

    line: int
    cells: list[str]


def read_rows(path: str | Path) -> list[Row]:
    """Read a CSV file: commas or semicolons, a byte-order mark, any line ends.

    Rows without any text are left out. Quoted cells may hold line breaks; `line` is
    the one on which the record starts.

    Raises:
        FormatError: If it cannot be read, is not text in UTF-8, has a quote that is
            never closed, or is empty.
    """
    text = _text_of(path)
    rows: list[Row] = []
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True
    )
    start = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append(Row(start, cells))
            start = reader.line_num + 1
    except csv.Error as error:
        msg = f"{path} line {start}: not a CSV record ({error})"
        raise FormatError([msg]) from error
    if not rows:
        raise FormatError([f"{path} is empty"])
    return rows


def csv_text(header: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """Return a table as the text of a CSV file; a cell that a row lacks is empty."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, header, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def guarded(text: str) -> str:
    """Return a text with `'` before it if a spreadsheet could take it for a formula.

    A text that begins with `'` gets one too, so that taking one away gives it back.

    Examples:
        >>> guarded("=1+1"), guarded("plain")
        ("'=1+1", 'plain')
    """
    return f"'{text}" if text.startswith(_FORMULA) else text


def unguarded(text: str) -> str:
    """Return what `guarded` was given.

    Examples:
        >>> unguarded("'=1+1"), unguarded("plain"), unguarded("'tis")
        ('=1+1', 'plain', "'tis")
    """
    guard = text.startswith("'") and text[1:].startswith(_FORMULA)
    return text[1:] if guard else text


def _text_of(path: str | Path) -> str:
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise FormatError([f"{path}: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        msg = f"{path} line {line}: must be text in UTF-8"
        raise FormatError([msg]) from error
    if "\0" in text:
        raise FormatError([f"{path}: must be text, holds a NUL character"])
    return text


def _delimiter(text: str) -> str:
    """Return which of comma, semicolon or tab divides the cells of the header."""
    header = text.lstrip("\r\n").partition("\n")[0]
    return max(",;\t", key=header.count)
