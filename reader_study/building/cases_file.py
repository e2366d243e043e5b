"""cases.csv: the cases that a study can be built from."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reader_study.errors import StudyError

COLUMNS = ("case", "severity", "reference_image", "test_image")
VOLUMES = ("reference_volume", "test_volume")
"""Columns that may be there besides."""


@dataclass(frozen=True)
class Case:
    """A patient with a montage of each method, and a volume of each where given."""

    name: str
    severity: str
    reference_image: Path
    test_image: Path
    reference_volume: Path | None = None
    test_volume: Path | None = None


def read_cases(path: Path) -> dict[str, Case]:
    """Read cases.csv; paths of images are relative to its folder.

    Raises:
        StudyError: If it cannot be read or a row cannot be used; the line is named.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines)
            missing = [c for c in COLUMNS if c not in (reader.fieldnames or ())]
            if missing:
                msg = f"{path} line 1: column {missing[0]} is missing"
                raise StudyError(msg)
            rows = [(reader.line_num, row) for row in reader]
    except OSError as error:
        msg = f"{path}: {error.strerror}"
        raise StudyError(msg) from error
    except (UnicodeDecodeError, csv.Error) as error:
        msg = f"{path}: not a CSV table in UTF-8 ({error})"
        raise StudyError(msg) from error
    cases: dict[str, Case] = {}
    for line, row in rows:
        case = _case(row, path.parent, f"{path} line {line}")
        if case.name in cases:
            msg = (
                f"{path} line {line}: case must be there once, got {case.name!r} twice"
            )
            raise StudyError(msg)
        cases[case.name] = case
    return cases


def _case(row: Mapping[str, str | None], folder: Path, where: str) -> Case:
    values = {column: (row[column] or "").strip() for column in COLUMNS}
    for column, value in values.items():
        if not value:
            msg = f"{where}: {column} must be given, got nothing"
            raise StudyError(msg)
    images = [folder / values[column] for column in COLUMNS[2:]]
    for image in images:
        if not image.is_file():
            msg = f"{where}: {image} must be a file, got none"
            raise StudyError(msg)
    given = [(row.get(column) or "").strip() for column in VOLUMES]
    volumes = [folder / text if text else None for text in given]
    for volume in volumes:
        if volume is not None and not volume.is_file():
            msg = f"{where}: {volume} must be a file, got none"
            raise StudyError(msg)
    return Case(values["case"], values["severity"], *images, *volumes)
