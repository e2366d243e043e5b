"""A table as people have it: text in a usual encoding and separator, or an Excel sheet.

`read_table` gives its rows, each with the line of the file or the row of the sheet on
which it starts, and says in sentences what had to be assumed.
"""

import codecs
import csv
import io
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

from reader_study.formats.checking import FormatError

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

SHEET = "responses"
"""Name of the sheet that is read where a workbook has several."""


@dataclass(frozen=True)
class Row:
    """Cells of one record and the line on which it starts."""

    line: int
    cells: list[str]


@dataclass(frozen=True)
class Table:
    """Rows of a file, those without any text left out.

    Attributes:
        rows: One or more.
        assumed: What had to be assumed to read them, a sentence each.
    """

    rows: list[Row]
    assumed: tuple[str, ...] = ()


def read_table(path: str | Path) -> Table:
    """Read a table: CSV in any usual form, or a sheet of an Excel workbook (.xlsx).

    Text may be UTF-8, UTF-16 (the "Unicode text" of Excel) or Windows-1252, of which
    latin-1 is a part; cells may be divided by commas, semicolons or tabs, quoted, and
    hold line breaks. Columns at the end that hold nothing are left out.

    Raises:
        FormatError: If it cannot be read, is no text or workbook, has a quote that is
            never closed, or is empty.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise FormatError([f"{path}: {error.strerror}"]) from error
    table = _sheet(path, data) if _is_zip(data) else _text(path, data)
    if not table.rows:
        raise FormatError([f"{path} is empty"])
    return table


def _is_zip(data: bytes) -> bool:
    return data.startswith(b"PK\x03\x04")


# -- Text


def _text(path: str | Path, data: bytes) -> Table:
    text, assumed = decoded(path, data)
    if "\0" in text:
        raise FormatError([f"{path}: must be text, holds a NUL character"])
    skipped, delimiter = _delimiter(text)
    rows: list[Row] = []
    lines = io.StringIO(text, newline="")
    if skipped:
        lines.readline()
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    start = 1 + skipped
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append(Row(start, cells))
            start = reader.line_num + 1 + skipped
    except csv.Error as error:
        msg = f"{path} line {start}: not a CSV record ({error})"
        raise FormatError([msg]) from error
    return Table(_without_empty_end(rows), assumed)


_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Encodings by the bytes that a file begins with; UTF-32 before UTF-16, its prefix."""

_BINARY = {
    b"\xd0\xcf\x11\xe0": "a workbook of Excel 97-2003 (.xls), or one with a password",
    b"\x1f\x8b": "a compressed file, such as R's .rds",
    b"$FL": "a data file of SPSS",
    b"<stata_dta>": "a data file of Stata",
    b"%PDF": "a PDF",
}


def decoded(path: str | Path, data: bytes) -> tuple[str, tuple[str, ...]]:
    """Return the text of a file and what was assumed about its encoding.

    Raises:
        FormatError: If the bytes are not text in an encoding that is read.
    """
    encoding = next(
        (name for mark, name in _MARKS.items() if data.startswith(mark)), ""
    )
    if not encoding:
        for mark, kind in _BINARY.items():
            if data.startswith(mark):
                msg = f"{path} is {kind}; save the table as .xlsx or CSV"
                raise FormatError([msg])
        encoding = _utf16_without_mark(data) or "utf-8"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            raise _no_text(path, data, error.start) from error
        return _windows(path, data)
    known = "UTF-8" if encoding.startswith("utf-8") else encoding[:6].upper()
    return text, () if known == "UTF-8" else (f"the text is read as {known}",)


def _utf16_without_mark(data: bytes) -> str | None:
    """Return which UTF-16 a text without a mark is in: every other byte is 0."""
    start = data[:200]
    if len(start) < 4 or 0 not in start:
        return None
    for name, zeros in (("utf-16-le", start[1::2]), ("utf-16-be", start[::2])):
        if zeros.count(0) > 0.9 * len(zeros):
            return name
    return None


def _windows(path: str | Path, data: bytes) -> tuple[str, tuple[str, ...]]:
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError as error:
        raise _no_text(path, data, error.start) from error
    words = re.findall(r"[^\s,;\"]*[^\x00-\x7f][^\s,;\"]*", text)
    said = f"the text is no UTF-8 and is read as Windows-1252: {words[0]!r} for one"
    return text, (said,)


def _no_text(path: str | Path, data: bytes, at: int) -> FormatError:
    line = data[:at].count(b"\n") + 1
    msg = (
        f"{path} line {line}: must be text in UTF-8, UTF-16 or Windows-1252; "
        'save the table as "CSV UTF-8" or as .xlsx'
    )
    return FormatError([msg])


def _delimiter(text: str) -> tuple[int, str]:
    """Return how many lines to skip, and what divides the cells of the header.

    Excel may write `sep=;` into a line of its own above it.
    """
    named = re.match(r"\"?sep=(.)\"?\r?\n", text, re.IGNORECASE)
    if named:
        return 1, named[1]
    header = re.split(r"[\r\n]", text.lstrip("\r\n"), maxsplit=1)[0]

    def cells(delimiter: str) -> int:
        return max(map(len, csv.reader([header], delimiter=delimiter)), default=0)

    return 0, max(",;\t", key=cells)


def _without_empty_end(rows: list[Row]) -> list[Row]:
    """Leave out empty cells at the end of each row, but not those of a column."""
    widths = [
        max((n for n, cell in enumerate(row.cells, 1) if cell.strip()), default=0)
        for row in rows
    ]
    width = max(widths, default=0)
    return [
        Row(row.line, row.cells[:width]) if len(row.cells) > width else row
        for row in rows
    ]


# -- Excel


_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    AttributeError,
    EOFError,
    IndexError,
    KeyError,
    NotImplementedError,
    OSError,
    RuntimeError,
    SyntaxError,  # XML
    TypeError,
    ValueError,
)
"""What openpyxl raises for a damaged workbook."""


def _sheet(path: str | Path, data: bytes) -> Table:
    try:
        with warnings.catch_warnings():  # on styles and forms that it does not know
            warnings.simplefilter("ignore")
            sheets = _filled_sheets(data)
    except _BROKEN as error:
        msg = (
            f"{path} is no Excel workbook that can be read; save the table as .xlsx "
            "or CSV"
        )
        raise FormatError([msg]) from error
    if not sheets:
        return Table([])
    name = _chosen_sheet(path, list(sheets))
    rows, uncomputed = sheets[name]
    if uncomputed:
        msg = (
            f"{path}: cell {uncomputed[0]} holds a formula without its value; open the "
            "workbook in Excel and save it"
        )
        raise FormatError([msg])
    several = len(sheets) > 1
    return Table(rows, (f"only the sheet {name!r} is read",) if several else ())


def _chosen_sheet(path: str | Path, names: Sequence[str]) -> str:
    named = [name for name in names if name.strip().lower() == SHEET]
    if len(names) > 1 and len(named) != 1:
        msg = (
            f"{path} has {len(names)} sheets with cells, {', '.join(names)}; name the "
            f"one to be read {SHEET!r}, or save it in a file of its own"
        )
        raise FormatError([msg])
    return (named or list(names))[0]


def _filled_sheets(data: bytes) -> dict[str, tuple[list[Row], list[str]]]:
    """Return the rows of each sheet with cells, and its formulas without values."""
    from openpyxl import load_workbook  # slow to import, and seldom needed

    book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    formulas = (
        load_workbook(io.BytesIO(data), read_only=True) if _has_formulas(data) else {}
    )
    found: dict[str, tuple[list[Row], list[str]]] = {}
    for name in book.sheetnames:
        sheet = book[name]
        if not hasattr(sheet, "iter_rows") or sheet.sheet_state != "visible":
            continue  # a chart, or hidden
        values = _cells(sheet)
        rows = [Row(n, [_written(v) for v in row]) for n, row in enumerate(values, 1)]
        rows = [row for row in rows if any(cell.strip() for cell in row.cells)]
        missing = list(_uncomputed(values, formulas[name])) if formulas else []
        if rows or missing:
            width = max((len(row.cells) for row in rows), default=0)
            filled = [
                Row(row.line, row.cells + [""] * (width - len(row.cells)))
                for row in rows
            ]
            found[name] = _without_empty_end(filled), missing
    return found


def _has_formulas(data: bytes) -> bool:
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        sheets = (n for n in parts.namelist() if n.startswith("xl/worksheets/"))
        return any(re.search(rb"<(\w+:)?f[ />]", parts.read(name)) for name in sheets)


def _cells(sheet: "Worksheet") -> list[tuple[object, ...]]:
    sheet.reset_dimensions()  # they may be wrong
    return list(sheet.iter_rows(min_row=1, values_only=True))


def _uncomputed(
    values: Sequence[Sequence[object]], sheet: "Worksheet"
) -> Iterator[str]:
    """Find formulas whose value was never stored: programs write such workbooks."""
    for n, (row, formulas) in enumerate(zip(values, _cells(sheet), strict=False), 1):
        for column, (value, formula) in enumerate(zip(row, formulas, strict=False)):
            if value is None and isinstance(formula, str) and formula.startswith("="):
                yield f"{_letters(column)}{n}"


def _letters(column: int) -> str:
    from openpyxl.utils import get_column_letter

    return str(get_column_letter(column + 1))


def _written(value: object) -> str:
    """Return what a cell shows, whole numbers without decimals."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    return str(value)
