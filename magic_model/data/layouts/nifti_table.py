"""A table of one's own: patients and the paths of their NIfTI images."""

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from magic_model.data.layouts.raw_series import nifti_series
from magic_model.data.layouts.source import ImageLoader, PatientSource, missing
from magic_model.data.lesion import masks
from magic_model.data.nifti import read_nifti
from magic_model.data.volume import Kind, Volume
from magic_model.errors import DataError

TABLE = "patients.csv"
LABELS = "labels"
"""Column of images that hold both masks of the lesion: 1 is core, 2 penumbra."""

SERIES = "ctp"
"""Column of the CT perfusion series over time, from which missing maps are computed."""

_COLUMNS = (*Kind, LABELS, SERIES)
LOOKS_FOR = f"{TABLE} with a column patient_id and one per image: {', '.join(_COLUMNS)}"

_ID = "patient_id"
_Row = Mapping[str | Any, str | Any]


def find_in_table(root: Path) -> list[PatientSource]:
    """Find the patients of a CSV; paths are relative to it, an empty cell is no image.

    Args:
        root: The CSV, or a folder that holds `patients.csv`.

    Raises:
        DataError: If the table is missing or faulty; each fault is told with its line.
    """
    path = root / TABLE if root.is_dir() else root
    columns, rows = _read(path)
    faults = [*_column_faults(columns)] or [*_row_faults(rows, path.parent)]
    if faults:
        raise DataError("\n".join(f"{path} {fault}" for fault in faults))
    return [_source(row, path.parent) for _, row in rows]


def _read(path: Path) -> tuple[Sequence[str], Sequence[tuple[int, _Row]]]:
    """Return the columns, and the rows with their lines; blank lines are left out."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restval="", restkey="")
            rows = [(reader.line_num, row) for row in reader]
            return list(reader.fieldnames or ()), rows
    except OSError as error:
        msg = f"{path}: {error.strerror}"
        raise DataError(msg) from error
    except (UnicodeDecodeError, csv.Error) as error:
        msg = f"{path} must be a CSV in UTF-8 ({error})"
        raise DataError(msg) from error


def _column_faults(columns: Sequence[str]) -> Iterator[str]:
    known = [_ID, *_COLUMNS]
    unknown = [name for name in columns if name not in known]
    if unknown:
        yield f"line 1: unknown column {unknown[0]!r}; known are {', '.join(known)}"
    twice = [name for name, count in Counter(columns).items() if count > 1]
    if twice:
        yield f"line 1: column {twice[0]} must be there once"
    if _ID not in columns:
        yield f"line 1: column {_ID} is missing"
    if not set(columns) & set(_COLUMNS):
        yield f"line 1: there must be a column of images, got {', '.join(columns)}"


def _row_faults(rows: Sequence[tuple[int, _Row]], folder: Path) -> Iterator[str]:
    seen: dict[str, int] = {}
    for line, row in rows:
        name = row[_ID].strip()
        if not name:
            yield f"line {line}: {_ID} is empty"
        elif name in seen:
            yield f"line {line}: {_ID} {name} was in line {seen[name]} already"
        seen.setdefault(name, line)
        if "" in row:
            yield f"line {line}: more cells than columns"
        for fault in _path_faults(_paths(row, folder)):
            yield f"line {line}: {fault}"


def _path_faults(paths: Mapping[str, Path]) -> Iterator[str]:
    if not paths:
        yield "there must be an image, got none"
    twice = [kind for kind in masks.LABELS if LABELS in paths and kind in paths]
    if twice:
        yield f"{LABELS} holds {twice[0]} already; leave one of the cells empty"
    for name, path in paths.items():
        if not path.is_file():
            yield f"{name} must be a file, got {path}"


def _source(row: _Row, folder: Path) -> PatientSource:
    paths = _paths(row, folder)
    raw = nifti_series([paths.pop(SERIES)] if SERIES in paths else [])
    images = _loaders(paths)
    return PatientSource(
        source_id=row[_ID].strip(),
        images=images,
        files=tuple(paths.values()),
        notes=missing(kind for kind in Kind if kind in row and kind not in images),
        raw=raw,
    )


def read_mask(path: Path, kind: Kind) -> Volume:
    """Read a mask from NIfTI as 0 and 1.

    Raises:
        DataError: If it cannot be read or holds other values; the file is named.
    """
    return _named(path, masks.to_binary, read_nifti(path, kind))


def read_labels(path: Path, kind: Kind) -> Volume:
    """Read core, or all tissue at risk, from one NIfTI image of labels.

    Raises:
        DataError: If it cannot be read or holds other values; the file is named.
    """
    return _named(path, partial(masks.from_labels, kind=kind), read_nifti(path, kind))


def _named(path: Path, change: Callable[[Volume], Volume], image: Volume) -> Volume:
    """Change an image; a fault names its file."""
    try:
        return change(image)
    except DataError as error:
        msg = f"{path}: {error}"
        raise DataError(msg) from error


def _loaders(paths: Mapping[str, Path]) -> dict[Kind, ImageLoader]:
    readers = dict.fromkeys(masks.MASKS, read_mask)
    loaders: dict[Kind, ImageLoader] = {
        kind: partial(readers.get(kind, read_nifti), paths[kind], kind)
        for kind in Kind
        if kind in paths
    }
    if LABELS in paths:
        for kind in masks.LABELS:
            loaders[kind] = partial(read_labels, paths[LABELS], kind)
    return loaders


def _paths(row: _Row, folder: Path) -> dict[str, Path]:
    cells = {name: row.get(name, "").strip() for name in _COLUMNS}
    return {name: folder / cell for name, cell in cells.items() if cell}
