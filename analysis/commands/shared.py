"""Options, progress and tables of text that the commands of `magic-analyze` share."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pandas as pd

OutFolder = Annotated[Path, typer.Option("--out", help="Folder for all results.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Level = Annotated[
    float, typer.Option("--confidence-level", help="Level of all intervals.")
]


def text_table(rows: Sequence[Sequence[str]], header: Sequence[str]) -> str:
    """Align cells in columns; the first column to the left, numbers to the right."""
    columns = list(zip(header, *rows, strict=True))
    widths = [max(len(cell) for cell in column) for column in columns]
    right = [index > 0 and _numeric(column[1:]) for index, column in enumerate(columns)]

    def line(cells: Sequence[str]) -> str:
        aligned = [
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(cells, widths, right, strict=True)
        ]
        return "  ".join(aligned).rstrip()

    rule = "  ".join("-" * width for width in widths)
    return "\n".join([line(header), rule, *(line(row) for row in rows)])


def text_of_frame(frame: "pd.DataFrame") -> str:
    """Align a data frame of text."""
    rows = [[str(cell) for cell in row] for row in frame.itertuples(index=False)]
    return text_table(rows, [str(name) for name in frame.columns])


def _numeric(cells: Sequence[str]) -> bool:
    return all(cell[:1].isdigit() or cell[:1] in {"-", "[", ""} for cell in cells)


def progress(step: str) -> None:
    """Print a step of a long command to stderr."""
    print(f"  {step}", file=sys.stderr)
