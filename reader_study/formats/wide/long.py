"""Wide tables of readings, and files of each method, as rows of responses.csv.

`long_of` finds out what the columns stand for, `quality_old` for a question and a
method, `R1` for a reader, and says so in a sentence that can be checked before use.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from reader_study.formats.checking import FormatError
from reader_study.formats.delimited import csv_text, guarded, unguarded
from reader_study.formats.questionnaire import Questionnaire
from reader_study.formats.spellings import answer, is_no_name, is_nothing
from reader_study.formats.tabular import Row, Table
from reader_study.formats.wide.layout import (
    CARRIED,
    ROLES,
    Column,
    Layout,
    Told,
    cut_out,
    layout_of,
)


@dataclass(frozen=True)
class Long:
    """Readings, a row each.

    Attributes:
        header: Columns in the order of responses.csv.
        rows: Cells by column.
        methods: In the order in which they came.
        understood: How each file was read, a sentence each.
    """

    header: list[str]
    rows: list[dict[str, str]]
    methods: list[str]
    understood: list[str]

    def text(self) -> str:
        """Return the text of responses.csv."""
        safe = [
            {
                name: cell if _is_code(cell) else guarded(cell)
                for name, cell in r.items()
            }
            for r in self.rows
        ]
        return csv_text(self.header, safe)


def long_of(
    tables: Mapping[Path, Table], questionnaire: Questionnaire, told: Told
) -> Long:
    """Return the readings of one or more tables.

    Args:
        tables: By their files; of several, each holds the readings of one method unless
            it has a column `method`.
        questionnaire: What was asked.
        told: What the tables do not say.

    Raises:
        FormatError: If it cannot be told what a table holds, or it holds answers that
            are not on the scale or a reading twice; all faults are named.
    """
    readings = _Readings(questionnaire)
    understood: list[str] = []
    for path, given in zip(tables, _methods_of_files(tables, told), strict=True):
        of_file, method = _of_name(path, given, questionnaire, told)
        layout = layout_of(path, tables[path], questionnaire, of_file, method)
        understood += [f"{path.name}: {sentence}" for sentence in tables[path].assumed]
        understood += [f"{path.name}: {sentence}" for sentence in layout.sentences()]
        for row in tables[path].rows[1:]:
            readings.add(path, layout, row)
    if readings.faults:
        raise FormatError(readings.faults)
    rows = [row for row in readings.rows.values() if readings.has_answer(row)]
    if not rows:
        raise FormatError([f"{path}: holds no answers" for path in tables])
    without = len(readings.rows) - len(rows)
    if without:
        understood.append(f"readings without any answer are left out: {without}")
    used = {name for row in rows for name in row}
    unanswered = [name for name in questionnaire.ids if name not in used]
    if unanswered:
        understood.append(f"no answers to {', '.join(unanswered)}")
    header = [n for n in readings.columns() if n in used or n in questionnaire.ids]
    methods = list(dict.fromkeys(row["method"] for row in rows if "method" in row))
    return Long(header, rows, methods, understood)


def hint(path: str | Path, table: Table, questionnaire: Questionnaire) -> str | None:
    """Return what to do with a table that seems wide; None if it does not."""
    try:
        layout = layout_of(Path(path), table, questionnaire, Told(), None)
    except FormatError:
        return None
    if not layout.in_columns:
        return None
    return (
        f"must have a row for each reading, but has {next(layout.sentences())}; "
        f"`magic-analyze tidy {path}` makes such a file"
    )


def _methods_of_files(tables: Mapping[Path, Table], told: Told) -> list[str | None]:
    if len(tables) == 1:
        return [told.methods[0] if len(told.methods) == 1 else None]
    if told.methods and len(told.methods) != len(tables):
        msg = (
            f"There must be a method for each file, got {len(tables)} files and "
            f"{len(told.methods)} methods"
        )
        raise FormatError([msg])
    return list(told.methods) or [path.stem for path in tables]


def _of_name(
    path: Path, method: str | None, questionnaire: Questionnaire, told: Told
) -> tuple[Told, str | None]:
    """Take the question that the name of a file tells, as `Q3_old.csv` does."""
    for question in questionnaire:
        rest = cut_out(path.stem, question.id)
        if rest is not None and told.question is None:
            named = rest if method == path.stem and rest else method
            return replace(told, question=question.id), named
    return told, method


def _is_code(cell: str) -> bool:
    return re.fullmatch(r"-?\d+", cell) is not None


class _Readings:
    """Rows of responses.csv, one for each reading, and what is wrong with them."""

    def __init__(self, questionnaire: Questionnaire) -> None:
        self.questions = {question.id: question for question in questionnaire}
        self.rows: dict[tuple[str, ...], dict[str, str]] = {}
        self.faults: list[str] = []
        self._seen: dict[tuple[object, ...], str] = {}

    def columns(self) -> list[str]:
        reasons = [question.reason_column for question in self.questions.values()]
        return [*ROLES, *CARRIED, *self.questions, *reasons]

    def has_answer(self, row: Mapping[str, str]) -> bool:
        return any(row.get(name) for name in self.questions)

    def add(self, path: Path, layout: Layout, row: Row) -> None:
        """Add the readings of a row."""
        where = f"{path} line {row.line}"
        width = max([*layout.places.values(), *(c.place for c in layout.columns)]) + 1
        if len(row.cells) < width:
            self.faults.append(f"{where}: has {len(row.cells)} cells, needs {width}")
            return
        texts = [unguarded(cell).strip() for cell in row.cells]
        fixed = {name: texts[place] for name, place in layout.places.items()}
        if layout.method is not None:
            fixed["method"] = layout.method
        empty = [name for name in ROLES if name in fixed and is_no_name(fixed[name])]
        if empty:
            self.faults += [f"{where}: {name} is empty" for name in empty]
            return
        for column in layout.columns:
            self._cell(where, column, {**fixed, **column.of}, texts[column.place])

    def _cell(self, where: str, column: Column, of: dict[str, str], text: str) -> None:
        key = tuple(of.get(name, "") for name in (*ROLES, "repeat", "session"))
        place = (*key, column.question, column.is_reason)
        if place in self._seen:
            named = " ".join(f"{role} {of[role]}" for role in ROLES if role in of)
            before = self._seen[place]
            self.faults.append(f"{where}: {named} was there before, in {before}")
            return
        self._seen[place] = where
        row = self.rows.setdefault(
            key, {name: cell for name, cell in of.items() if cell}
        )
        question = self.questions[column.question]
        if column.is_reason:
            if not is_nothing(text):
                row[question.reason_column] = text
            return
        code, how = answer(question, text) if text else ("", "nothing")
        if how == "unknown":
            self.faults.append(
                f"{where} column {column.name}: {question.id} must be "
                f"{question.must_be} or empty, got {text!r}"
            )
        elif code:
            row[question.id] = code
