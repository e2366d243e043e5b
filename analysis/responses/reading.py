"""Read and check responses.csv: one row per reader, case and method."""

from collections.abc import Mapping
from pathlib import Path

from analysis.responses.checks import (
    TRUE,
    check_header,
    find_missing_partners,
    find_missing_reasons,
    find_repeated,
    whole_number,
)
from analysis.responses.delimited import Row, read_rows
from analysis.responses.faults import ResponsesError
from analysis.responses.questionnaire import Code, Question, Questionnaire
from analysis.responses.readings import Reading, Responses


def read_responses(
    path: Path, questionnaire: Questionnaire, *, reference: str, test: str
) -> Responses:
    """Read responses.csv and check every line of it.

    Args:
        path: The file; see docs/file-formats.md.
        questionnaire: What was asked.
        reference: Name of the reference method in column `method`.
        test: Name of the test method.

    Raises:
        ResponsesError: If anything makes the readings ambiguous: headers, codes that
            are not on the scale, methods, repeated readings. It names all faults.
        OSError: If the file cannot be read.
    """
    if reference == test:
        msg = f"Reference and test method must differ, both are {reference}"
        raise ResponsesError([msg])
    header, *rows = read_rows(path)
    names = [cell.strip() for cell in header.cells]
    faults = check_header(names, questionnaire)
    if faults:
        raise ResponsesError(
            [f"{path} line {header.line}: {fault}" for fault in faults]
        )
    if not rows:
        raise ResponsesError([f"{path} has a header but no readings"])
    parser = _Parser(questionnaire, names, (reference, test))
    readings = [parser.reading(row) for row in rows]
    kept = [reading for reading in readings if reading is not None]
    found = sorted([*parser.faults, *find_repeated(kept)])
    if found:
        raise ResponsesError([f"{path} line {line}: {fault}" for line, fault in found])
    notes = sorted(
        [
            *find_missing_partners(kept, reference, test),
            *find_missing_reasons(kept, questionnaire),
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
    )


class _Parser:
    """Turns rows into readings and collects what is wrong with them."""

    def __init__(
        self, questionnaire: Questionnaire, names: list[str], methods: tuple[str, str]
    ) -> None:
        self.questionnaire = questionnaire
        self.names = names
        self.methods = methods
        self.faults: list[tuple[int, str]] = []
        self.flags: set[str] = set()

    def reading(self, row: Row) -> Reading | None:
        if len(row.cells) != len(self.names):
            msg = f"has {len(row.cells)} cells, the header has {len(self.names)}"
            self.faults.append((row.line, msg))
            return None
        cells = dict(zip(self.names, (cell.strip() for cell in row.cells), strict=True))
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
        number = whole_number(cell)
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
