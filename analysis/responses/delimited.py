"""Rows of a CSV file with the lines they stand on, however a spreadsheet saved it."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from analysis.responses.faults import ResponsesError


@dataclass(frozen=True)
class Row:
    """Cells of one record and the line on which it starts."""

    line: int
    cells: list[str]


def read_rows(path: Path) -> list[Row]:
    """Read a CSV file: commas or semicolons, a byte-order mark, any line ends.

    Rows without any text are left out. Quoted cells may hold line breaks; `line` is
    the one on which the record starts.

    Raises:
        ResponsesError: If it is not text in UTF-8, has a quote that is never closed, or
            is empty.
        OSError: If it cannot be read.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        msg = f"{path} line {line}: must be text in UTF-8"
        raise ResponsesError([msg]) from error
    if "\0" in text:
        raise ResponsesError([f"{path}: must be text, holds a NUL character"])
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
        raise ResponsesError([msg]) from error
    if not rows:
        raise ResponsesError([f"{path} is empty"])
    return rows


def _delimiter(text: str) -> str:
    """Tell by the header which of comma, semicolon or tab divides the cells."""
    header = text.lstrip("\r\n").partition("\n")[0]
    return max(",;\t", key=header.count)
