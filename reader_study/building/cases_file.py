"""cases.csv: the cases that a study can be built from, and what is true of them."""

import csv
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from reader_study.design.allocation import Candidate
from reader_study.design.orders import DesignError
from reader_study.errors import StudyError, counted
from reader_study.formats.protocol import Protocol
from reader_study.formats.rating import diseased_values, is_positive
from reader_study.formats.spellings import is_nothing

COLUMNS = ("case", "severity", "reference_image", "test_image")
VOLUMES = ("reference_volume", "test_volume")
"""Of a file with a row for each case, and two methods."""

LONG = ("case", "method", "image")
"""Columns of a file with a row for each case and method."""

TRUTH = ("truth", "truth_source")
"""Columns that may be there besides."""

_NOT_OF_THE_CASE = frozenset(
    {*COLUMNS, *LONG, *VOLUMES, *TRUTH, "volume"} - {"severity"}
)
_MOST_NAMED = 10
_Row = Mapping[str, str | None]


@dataclass(frozen=True)
class Case:
    """A patient with a montage by each method that there is one of.

    Attributes:
        name: Of the case.
        images: Montage by method.
        volumes: Volume by method, where given.
        columns: What other columns say of the case, such as its severity.
        truth: What the reference standard says; empty where it is not known.
        truth_source: What that standard is.
    """

    name: str
    images: Mapping[str, Path]
    volumes: Mapping[str, Path] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    truth: str = ""
    truth_source: str = ""

    @property
    def severity(self) -> str:
        """Class, by which cases may be drawn; empty where there is none."""
        return self.columns.get("severity", "")


def read_cases(
    path: Path, methods: Sequence[str] = ("reference", "test")
) -> dict[str, Case]:
    """Read cases.csv; paths of images are relative to its folder.

    It has a row for each case and method, with columns `case`, `method` and `image`,
    or one for each case, with those of the reference and of the test method.

    Args:
        path: The file.
        methods: Names of the methods, the reference first.

    Raises:
        StudyError: If it cannot be read or a row cannot be used; the line is named.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines)
            header = tuple(reader.fieldnames or ())
            is_long = "method" in header and "reference_image" not in header
            _check_header(path, header, methods, is_long=is_long)
            rows = [(f"{path} line {reader.line_num}", row) for row in reader]
    except OSError as error:
        msg = f"{path}: {error.strerror}"
        raise StudyError(msg) from error
    except (UnicodeDecodeError, csv.Error) as error:
        msg = f"{path}: not a CSV table in UTF-8 ({error})"
        raise StudyError(msg) from error
    cases: dict[str, Case] = {}
    for where, row in rows:
        if is_long:
            case = _with_picture(cases, row, path.parent, where, methods)
        else:
            case = _pair(row, path.parent, where, methods)
            if case.name in cases:
                msg = f"{where}: case must be there once, got {case.name!r} twice"
                raise StudyError(msg)
        cases[case.name] = case
    return cases


def candidates(cases: Mapping[str, Case], protocol: Protocol) -> dict[str, Any]:
    """Return what a study may be drawn from, as `plan_study` takes it.

    Args:
        cases: All of cases.csv.
        protocol: With the design.

    Raises:
        DesignError: If cases lack a picture, or a column, that the design needs.
    """
    if protocol.layout is None:
        return {case.name: case.severity for case in cases.values()}
    wanted = dict.fromkeys([*protocol.design.strata, "severity"])
    found = {}
    for case in cases.values():
        _check_case(case, protocol)
        methods = tuple(m for m in protocol.methods if m in case.images)
        kept = {n: case.columns[n] for n in wanted if n in case.columns}
        found[case.name] = Candidate(methods, kept)
    return found


def _check_case(case: Case, protocol: Protocol) -> None:
    design = protocol.design
    for name in design.strata:
        value = case.columns.get(name, "")
        if not value or not value.isprintable():
            msg = (
                "must be columns of cases.csv with a line of text for every case, got "
                f"{value!r:.60} in {name} of {case.name}"
            )
            raise DesignError(msg, "design", "strata")
    n = len(case.images)
    if design.pairing == "paired" and n < len(design.arms):
        lacking = next(arm for arm in design.arms if arm not in case.images)
        msg = (
            f"must be 'partly paired' or 'unpaired' unless every case has a picture of "
            f"every arm, got none of {case.name} by {lacking}"
        )
        raise DesignError(msg, "design", "pairing")
    if design.pairing == "unpaired" and n > 1:
        msg = (
            "must be 'partly paired' or 'paired' where a case has several pictures, as "
            f"{case.name} has {n}"
        )
        raise DesignError(msg, "design", "pairing")


def _check_header(
    path: Path, header: Sequence[str], methods: Sequence[str], *, is_long: bool
) -> None:
    if not is_long and len(methods) != 2:
        msg = (
            f"{path} line 1: columns case, method and image must be there for a study "
            f"of {counted(len(methods), 'arm')}, got {', '.join(header) or 'none'}"
        )
        raise StudyError(msg)
    missing = [c for c in (LONG if is_long else COLUMNS) if c not in header]
    if missing:
        msg = f"{path} line 1: column {missing[0]} is missing"
        raise StudyError(msg)


def _pair(row: _Row, folder: Path, where: str, methods: Sequence[str]) -> Case:
    """Return the case of a row with both its methods."""
    values = _filled(row, COLUMNS, where)
    images = [_file(folder, values[column], where) for column in COLUMNS[2:]]
    volumes = [_file_or_none(folder, row, column, where) for column in VOLUMES]
    given = {m: v for m, v in zip(methods, volumes, strict=True) if v is not None}
    truth, source = _truth(row, where)
    return Case(
        values["case"],
        dict(zip(methods, images, strict=True)),
        given,
        _columns(row),
        truth,
        source,
    )


def _with_picture(
    cases: Mapping[str, Case],
    row: _Row,
    folder: Path,
    where: str,
    methods: Sequence[str],
) -> Case:
    """Return the case of a row with the picture of the row added."""
    values = _filled(row, LONG, where)
    name, method = values["case"], values["method"]
    if method not in methods:
        known = ", ".join(methods)
        msg = f"{where}: method must be one of {known}, got {method!r:.60}"
        raise StudyError(msg)
    truth, source = _truth(row, where)
    before = cases.get(name, Case(name, {}, {}, _columns(row), truth, source))
    if method in before.images:
        msg = f"{where}: {name!r} must have one picture by {method}, got a second"
        raise StudyError(msg)
    for column, was, value in _said(before, row, where):
        if was != value:
            msg = (
                f"{where}: {column} must be the same in all rows of {name!r}, got "
                f"{value!r:.60} after {was!r:.60}"
            )
            raise StudyError(msg)
    volume = _file_or_none(folder, row, "volume", where)
    return replace(
        before,
        images={**before.images, method: _file(folder, values["image"], where)},
        volumes={**before.volumes, **({method: volume} if volume else {})},
    )


def _said(case: Case, row: _Row, where: str) -> Iterator[tuple[str, str, str]]:
    """Yield what a case is said to be, and what a row says."""
    for column, value in _columns(row).items():
        yield column, case.columns[column], value
    known = (case.truth, case.truth_source)
    yield from zip(TRUTH, known, _truth(row, where), strict=True)


def _columns(row: _Row) -> dict[str, str]:
    return {
        name: (value or "").strip()
        for name, value in row.items()
        if name and name not in _NOT_OF_THE_CASE
    }


def _filled(row: _Row, columns: Sequence[str], where: str) -> dict[str, str]:
    values = {column: (row[column] or "").strip() for column in columns}
    for column, value in values.items():
        if not value:
            msg = f"{where}: {column} must be given, got nothing"
            raise StudyError(msg)
    return values


def _file_or_none(folder: Path, row: _Row, column: str, where: str) -> Path | None:
    text = (row.get(column) or "").strip()
    return _file(folder, text, where) if text else None


def _file(folder: Path, text: str, where: str) -> Path:
    path = folder / text
    if not path.is_file():
        msg = f"{where}: {path} must be a file, got none"
        raise StudyError(msg)
    return path


def _truth(row: _Row, where: str) -> tuple[str, str]:
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
