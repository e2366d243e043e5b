"""cases.csv: the cases that a study can be built from, and what is true of them."""

import csv
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reader_study.errors import StudyError, counted
from reader_study.formats.rating import diseased_values, is_positive
from reader_study.formats.spellings import is_nothing

COLUMNS = ("case", "severity", "reference_image", "test_image")
VOLUMES = ("reference_volume", "test_volume")
TRUTH = ("truth", "truth_source")
"""Columns that may be there besides."""

_MOST_NAMED = 10


@dataclass(frozen=True)
class Case:
    """A patient with a montage of each method, and what else is given.

    Attributes:
        name: Of the case.
        severity: Class, by which cases are drawn.
        reference_image: Montage of the reference method.
        test_image: Montage of the test method.
        reference_volume: Volume of the reference method.
        test_volume: Volume of the test method.
        truth: What the reference standard says; empty where it is not known.
        truth_source: What that standard is.
    """

    name: str
    severity: str
    reference_image: Path
    test_image: Path
    reference_volume: Path | None = None
    test_volume: Path | None = None
    truth: str = ""
    truth_source: str = ""


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
    truth, source = _truth(row, where)
    return Case(
        values["case"],
        values["severity"],
        images[0],
        images[1],
        volumes[0],
        volumes[1],
        truth,
        source,
    )


def _truth(row: Mapping[str, str | None], where: str) -> tuple[str, str]:
    truth, source = ((row.get(column) or "").strip() for column in TRUTH)
    for column, text in zip(TRUTH, (truth, source), strict=True):
        if not text.isprintable():
            msg = f"{where}: {column} must be one line, got {text!r:.60}"
            raise StudyError(msg)
    return ("", "") if is_nothing(truth) else (truth, source)


def reference_standard(
    drawn: Collection[Case], analysis: Mapping[str, Any]
) -> dict[str, dict[str, str]]:
    """Return `truth` and `truth_source` of each case drawn that has them.

    Args:
        drawn: Cases of the study.
        analysis: The plan; where it names a `rating`, accuracy is to be analysed.

    Raises:
        StudyError: If a rating is planned and no case has a truth, nothing tells which
            values of truth are diseased, or all cases are of one class.
    """
    found = {
        case.name: {"truth": case.truth, "truth_source": case.truth_source}
        for case in sorted(drawn, key=lambda case: case.name)
        if case.truth
    }
    if not analysis.get("rating"):
        return found
    if not found:
        msg = (
            "cases.csv must have a column truth where the plan names a rating, got "
            "nothing in it for any case of the study"
        )
        raise StudyError(msg)
    classes = diseased_cases(found, analysis)
    n_diseased = sum(classes.values())
    if n_diseased in {0, len(classes)}:
        values = dict.fromkeys(of["truth"] for of in found.values())
        msg = (
            "Cases must be diseased and not diseased where the plan names a rating, "
            f"got {n_diseased} of {len(classes)} diseased: truth is {_listed(values)}"
        )
        raise StudyError(msg)
    return found


def diseased_cases(
    standard: Mapping[str, Mapping[str, str]], analysis: Mapping[str, Any]
) -> dict[str, bool]:
    """Return whether each case with a truth is diseased.

    Args:
        standard: What `reference_standard` gave.
        analysis: The plan, with `truth_positive` unless the values say it themselves.

    Raises:
        FormatError: If nothing tells which values of truth are diseased.
    """
    truth = {case: of["truth"] for case, of in standard.items()}
    positive = diseased_values(truth.values(), analysis.get("truth_positive", ()))
    return {case: is_positive(value, positive) for case, value in truth.items()}


def without_truth(drawn: Iterable[Case]) -> str:
    """Return which cases have no truth while others have one; empty if there are none.

    Args:
        drawn: Cases of the study.
    """
    cases = sorted(drawn, key=lambda case: case.name)
    lacking = [case.name for case in cases if not case.truth]
    if not lacking or len(lacking) == len(cases):
        return ""
    has = "has" if len(lacking) == 1 else "have"
    return (
        f"{counted(len(lacking), 'case')} of {len(cases)} {has} no truth and will not "
        f"count in accuracy: {_listed(lacking)}."
    )


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    more = ", ..." if len(every) > _MOST_NAMED else ""
    return ", ".join(every[:_MOST_NAMED]) + more
