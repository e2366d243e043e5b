"""Ratings beside the truth from a file of comma-separated values, of any program."""

import csv
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from analysis.errors import InputError
from reader_study.formats.checking import FormatError
from reader_study.formats.rating import diseased_values, is_positive

_METHOD = ("modality", "method")


def read_ratings(
    path: Path, rating: str = "rating", truth_positive: Collection[str] = ()
) -> dict[str, list[Any]]:
    """Return the columns that `multireader_accuracy` takes.

    Args:
        path: A file with the columns `reader`, `case`, `modality` or `method`, `truth`
            and the rating: one row a rating, such as responses.csv after unblinding.
        rating: Name of the column of ratings, which are numbers; empty where missing.
        truth_positive: Values of truth that are diseased; not needed for 0 and 1, no
            and yes and the like.

    Raises:
        InputError: If the file cannot be read, lacks a column, or a cell of it is no
            number; the line is named.
    """
    header, rows = _table(path)
    modality = next((name for name in _METHOD if name in header), _METHOD[0])
    names = ("reader", "case", modality, "truth", rating)
    lacking = [name for name in names if name not in header]
    if lacking:
        msg = f"{path} must have the column {lacking[0]}, got {', '.join(header)}"
        raise InputError(msg)
    truth = [row["truth"] for row in rows]
    try:
        positive = diseased_values(truth, truth_positive)
    except FormatError as error:
        msg = f"{path}: {error}"
        raise InputError(msg) from error
    return {
        "reader": [row["reader"] for row in rows],
        "case": [row["case"] for row in rows],
        "modality": [row[modality] for row in rows],
        "truth": [
            int(is_positive(value, positive)) if value else None for value in truth
        ],
        "rating": list(_numbers(path, rating, [row[rating] for row in rows])),
    }


def _table(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        msg = f"{path} must be text in UTF-8, got other bytes"
        raise InputError(msg) from error
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    reader = csv.DictReader(text.splitlines(), delimiter=separator, restval="")
    header = [name.strip() for name in reader.fieldnames or ()]
    reader.fieldnames = header
    rows = [
        {name: (value or "").strip() for name, value in row.items() if name in header}
        for row in reader
    ]
    if not rows:
        msg = f"{path} must hold ratings, got none"
        raise InputError(msg)
    return header, rows


def _numbers(path: Path, name: str, cells: list[str]) -> Iterator[float | None]:
    for line, cell in enumerate(cells, 2):
        try:
            yield float(cell.replace(",", ".")) if cell else None
        except ValueError as error:
            msg = f"{path}, line {line}: {name} must be a number, got {cell!r}"
            raise InputError(msg) from error
