"""responses.csv: one row per reading, written once here and read once here."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reader_study.formats.checking import Code, FormatError
from reader_study.formats.delimited import TRUE, csv_text
from reader_study.formats.questionnaire import Question, Questionnaire
from reader_study.formats.spellings import in_our_words
from reader_study.formats.tabular import Row, read_table
from reader_study.formats.wide import hint

FILE_NAME = "responses.csv"
REQUIRED = ("reader", "case", "method")

_UNBLINDED = ("case", "method", "severity")
_LOOKS_LIKE_A_QUESTION = re.compile(r"Q\d+[A-Za-z]?(_reason)?")

_Located = tuple[int, str]
"""A line of the file and what to say about it."""


@dataclass(frozen=True)
class Reading:
    """What one reader answered to one case under one method.

    Attributes:
        line: Line of responses.csv.
        reader: Name of the reader.
        case: Name of the case.
        method: Method that made the picture.
        answers: Code per question id; a question not answered is left out.
        reasons: Explanation per question id, where one was given.
        trial: 1 or 2, None where the file does not tell.
        position: Place in the order of presentation of the trial, from 1, or None.
        severity: Class of the case, or None.
    """

    line: int
    reader: str
    case: str
    method: str
    answers: Mapping[str, Code]
    reasons: Mapping[str, str] = field(default_factory=dict)
    trial: int | None = None
    position: int | None = None
    severity: str | None = None


@dataclass(frozen=True)
class Responses:
    """All readings of a study, checked.

    Attributes:
        readings: In the order of the file.
        questionnaire: What was asked.
        reference: Name of the reference method.
        test: Name of the test method.
        notes: What is incomplete but no fault: readings without a partner, missing
            reasons; each with its line.
        simulated: Some readings are a rehearsal's.
        reconstructed: Some readings were reconstructed from published tables.
        assumed: How the file was understood where it is not as its format says: its
            encoding, spellings, labels instead of codes, names that may be one.
    """

    readings: Sequence[Reading]
    questionnaire: Questionnaire
    reference: str
    test: str
    notes: Sequence[str] = ()
    simulated: bool = False
    reconstructed: bool = False
    assumed: Sequence[str] = ()

    @property
    def readers(self) -> list[str]:
        """Readers in the order of their first reading."""
        return list(dict.fromkeys(reading.reader for reading in self.readings))

    def __repr__(self) -> str:
        """Return a summary, not the readings."""
        cases = len({reading.case for reading in self.readings})
        return (
            f"Responses({len(self.readings)} readings, {len(self.readers)} readers, "
            f"{cases} cases, {self.reference} and {self.test})"
        )


def responses_text(
    questionnaire: Questionnaire,
    rows: Iterable[Mapping[str, object]],
    *,
    masked: bool = False,
) -> str:
    """Return the text of responses.csv.

    Args:
        questionnaire: What was asked.
        rows: Cells by column; texts are guarded against spreadsheets already.
        masked: Without what the pictures are: case, method and severity.
    """
    ids = questionnaire.ids
    header = [
        "reader", "trial", "position", "pseudo_id", *(() if masked else _UNBLINDED),
        *ids, *(f"{name}_reason" for name in ids), "note", "revision", "opened_at",
        "submitted_at", "seconds", "active_seconds", "simulated",
    ]  # fmt: skip
    return csv_text(header, rows)


def read_responses(
    path: str | Path, questionnaire: Questionnaire, *, reference: str, test: str
) -> Responses:
    """Read responses.csv and check every line of it.

    Args:
        path: The file; see docs/file-formats.md.
        questionnaire: What was asked.
        reference: Name of the reference method in column `method`.
        test: Name of the test method.

    Raises:
        FormatError: If it cannot be read, or anything makes the readings ambiguous:
            headers, codes that are not on the scale, methods, repeated readings. It
            names all faults.
    """
    if reference == test:
        msg = f"Reference and test method must differ, both are {reference}"
        raise FormatError([msg])
    given = read_table(path)
    table = in_our_words(given, questionnaire, (reference, test))
    header, *rows = table.rows
    names = header.cells
    faults = _header_faults(names, questionnaire)
    if faults:
        wide = hint(path, given, questionnaire)
        faults = [wide] if wide else faults
        raise FormatError([f"{path} line {header.line}: {fault}" for fault in faults])
    if not rows:
        raise FormatError([f"{path} has a header but no readings"])
    parser = _Parser(questionnaire, names, (reference, test))
    readings = [parser.reading(row) for row in rows]
    kept = [reading for reading in readings if reading is not None]
    found = sorted([*parser.faults, *_repeated(kept)])
    if found:
        raise FormatError([f"{path} line {line}: {fault}" for line, fault in found])
    notes = sorted(
        [
            *_missing_partners(kept, reference, test),
            *_missing_reasons(kept, questionnaire),
        ]
    )
    return Responses(
        readings=kept,
        questionnaire=questionnaire,
        reference=reference,
        test=test,
        notes=[f"line {line}: {note}" for line, note in notes],
        simulated="simulated" in parser.flags,
        reconstructed="reconstructed" in parser.flags,
        assumed=table.assumed,
    )


def _header_faults(names: Sequence[str], questionnaire: Questionnaire) -> list[str]:
    needed = [*REQUIRED, *questionnaire.ids]
    faults = [f"column {name} is missing" for name in needed if name not in names]
    if len(faults) == len(needed):
        return [f"a header is missing; it must name {', '.join(needed)}"]
    repeated = sorted({name for name in names if names.count(name) > 1})
    faults += [f"column {name or '(without a name)'} stands twice" for name in repeated]
    known = {
        *questionnaire.ids,
        *(question.reason_column for question in questionnaire),
    }
    faults += [
        f"column {name} is not a question of the questionnaire"
        for name in names
        if _LOOKS_LIKE_A_QUESTION.fullmatch(name) and name not in known
    ]
    return faults


class _Parser:
    """Turns rows into readings and collects what is wrong with them."""

    def __init__(
        self, questionnaire: Questionnaire, names: list[str], methods: tuple[str, str]
    ) -> None:
        self.questionnaire = questionnaire
        self.names = names
        self.methods = methods
        self.faults: list[_Located] = []
        self.flags: set[str] = set()

    def reading(self, row: Row) -> Reading | None:
        if len(row.cells) != len(self.names):
            msg = f"has {len(row.cells)} cells, the header has {len(self.names)}"
            self.faults.append((row.line, msg))
            return None
        cells = dict(zip(self.names, row.cells, strict=True))
        for column in ("reader", "case"):
            if not cells[column]:
                self.faults.append((row.line, f"{column} is empty"))
        if cells["method"] not in self.methods:
            expected = " or ".join(self.methods)
            msg = f"method must be {expected}, got {cells['method']!r}"
            self.faults.append((row.line, msg))
        for flag in ("simulated", "reconstructed"):
            if cells.get(flag, "").lower() in TRUE:
                self.flags.add(flag)
        return self._answered(row.line, cells)

    def _answered(self, line: int, cells: dict[str, str]) -> Reading:
        answers: dict[str, Code] = {}
        reasons: dict[str, str] = {}
        for question in self.questionnaire:
            code = self._code(line, question, cells[question.id])
            if code is not None:
                answers[question.id] = code
            if cells.get(question.reason_column):
                reasons[question.id] = cells[question.reason_column]
        return Reading(
            line,
            cells["reader"],
            cells["case"],
            cells["method"],
            answers,
            reasons,
            trial=self._whole_number(line, "trial", cells),
            position=self._whole_number(line, "position", cells),
            severity=cells.get("severity") or None,
        )

    def _whole_number(
        self, line: int, column: str, cells: Mapping[str, str]
    ) -> int | None:
        cell = cells.get(column, "")
        number = _positive(cell)
        if cell and number is None:
            msg = f"{column} must be a whole number of 1 or more or empty, got {cell!r}"
            self.faults.append((line, msg))
        return number

    def _code(self, line: int, question: Question, cell: str) -> Code | None:
        if not cell:
            return None
        code = question.parse(cell)
        if code is None:
            scale = ", ".join(map(str, question.codes))
            msg = f"{question.id} must be one of {scale} or empty, got {cell!r}"
            self.faults.append((line, msg))
        return code


def _positive(cell: str) -> int | None:
    """Return the whole number of 1 or more that a cell holds, else None."""
    text = cell.strip().removesuffix(".0")
    return int(text) or None if text.isascii() and text.isdigit() else None


def _repeated(readings: Sequence[Reading]) -> Iterator[_Located]:
    """Find readings of the same reader, case and method."""
    first: dict[tuple[str, str, str], int] = {}
    for reading in readings:
        key = (reading.reader, reading.case, reading.method)
        if key in first:
            yield (
                reading.line,
                f"reader {reading.reader} has read case {reading.case} under "
                f"{reading.method} before, on line {first[key]}",
            )
        first.setdefault(key, reading.line)


def _missing_partners(
    readings: Sequence[Reading], reference: str, test: str
) -> Iterator[_Located]:
    """Find readings whose case the reader did not read under the other method."""
    read = {(reading.reader, reading.case, reading.method) for reading in readings}
    other = {reference: test, test: reference}
    for reading in readings:
        partner = other[reading.method]
        if (reading.reader, reading.case, partner) not in read:
            yield (
                reading.line,
                f"reader {reading.reader} has not read case {reading.case} "
                f"under {partner}",
            )


def _missing_reasons(
    readings: Sequence[Reading], questionnaire: Questionnaire
) -> Iterator[_Located]:
    """Find answers that ask for an explanation and have none."""
    for reading in readings:
        for question in questionnaire:
            answer = reading.answers.get(question.id)
            if answer is None or answer not in question.reason_codes:
                continue
            if question.id not in reading.reasons:
                label = question.labels[question.codes.index(answer)]
                yield reading.line, f"{question.id} is {label} without a reason"
