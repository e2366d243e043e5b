"""Tables of figures, and the one place where they are rounded for people."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from magic_model.metrics.method_agreement import Interval

MISSING = "n/a"
_SMALLEST_P = 0.001


@dataclass(frozen=True)
class Figure:
    """A number in a table, with its interval where it has one.

    Attributes:
        value: NaN if undefined.
        digits: Shown after the point.
        interval: None where the column has none.
        is_p: A p-value, never shown as 0.
    """

    value: float
    digits: int
    interval: Interval | None = None
    is_p: bool = False

    @property
    def text(self) -> str:
        """As people read it: `0.371 (0.250 to 0.490)`."""
        if math.isnan(self.value):
            return MISSING
        if self.is_p and self.value < _SMALLEST_P:
            return f"<{_SMALLEST_P}"
        shown = format_number(self.value, self.digits)
        if self.interval is None or math.isnan(self.interval.low):
            return shown
        low = format_number(self.interval.low, self.digits)
        high = format_number(self.interval.high, self.digits)
        return f"{shown} ({low} to {high})"


Cell = str | Figure


@dataclass(frozen=True)
class Table:
    """A table of the report.

    Attributes:
        name: Of its file.
        title: One line.
        caption: What the numbers are.
        header: Of the columns.
        rows: Of cells, as long as the header.
    """

    name: str
    title: str
    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]

    @property
    def text_rows(self) -> list[list[str]]:
        """Cells as people read them."""
        return [[_text(cell) for cell in row] for row in self.rows]


def format_number(value: float, digits: int) -> str:
    """Round; never a negative zero.

    Examples:
        >>> format_number(-0.0004, 3), format_number(2.5, 1)
        ('0.000', '2.5')
    """
    return f"{value:.{digits}f}".replace("-" + f"{0:.{digits}f}", f"{0:.{digits}f}")


def to_markdown(table: Table) -> str:
    """Write heading, caption and a pipe table."""
    lines = [table.header, ["---"] * len(table.header), *table.text_rows]
    body = "\n".join(
        "| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |"
        for line in lines
    )
    return f"## {table.title}\n\n{table.caption}\n\n{body}\n"


def to_csv_rows(table: Table) -> Iterator[list[str]]:
    """Give header and rows unrounded; limits of intervals in columns of their own."""
    with_limits = [
        any(isinstance(cell, Figure) and cell.interval for cell in column)
        for column in zip(*table.rows, strict=True)
    ]
    header = []
    for name, limits in zip(table.header, with_limits, strict=True):
        header += [name, f"{name} low", f"{name} high"] if limits else [name]
    yield header
    for row in table.rows:
        cells = []
        for cell, limits in zip(row, with_limits, strict=True):
            cells += _csv_cells(cell, limits=limits)
        yield cells


def unrounded(value: float) -> str:
    """Write a number in full, nothing for NaN."""
    return "" if math.isnan(value) else repr(float(value))


def _csv_cells(cell: Cell, *, limits: bool) -> list[str]:
    if isinstance(cell, str):
        return [cell, "", ""] if limits else [cell]
    if not limits:
        return [unrounded(cell.value)]
    interval = cell.interval or Interval(math.nan, math.nan)
    return [unrounded(x) for x in (cell.value, interval.low, interval.high)]


def _text(cell: Cell) -> str:
    return cell if isinstance(cell, str) else cell.text
