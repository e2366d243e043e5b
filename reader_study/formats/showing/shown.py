"""responses.csv of several pictures at once: which methods were shown and chosen."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from reader_study.formats.asking.question import Answer, Question
from reader_study.formats.checking import FormatError
from reader_study.formats.delimited import TRUE
from reader_study.formats.questionnaire import Questionnaire
from reader_study.formats.responses import REPEAT, SHOWN
from reader_study.formats.showing.display import ORDER, TIE, parted
from reader_study.formats.tabular import Row, read_table


@dataclass(frozen=True)
class ShownReading:
    """What one reader answered to several pictures of a case.

    Attributes:
        line: Line of responses.csv.
        reader: Name of the reader.
        case: Name of the case.
        shown: Methods from the left.
        orders: By question about the pictures, methods from the best on; none of a tie.
        answers: To other questions.
        again: Whether the reader has seen these pictures before.
        severity: Class of severity of the case, empty where not known.
    """

    line: int
    reader: str
    case: str
    shown: tuple[str, ...]
    orders: Mapping[str, tuple[str, ...]]
    answers: Mapping[str, Answer]
    again: bool = False
    severity: str = ""


@dataclass(frozen=True)
class ShownReadings:
    """All readings of such a study, checked.

    Attributes:
        readings: First readings, in the order of the file.
        repeats: Second readings of the same pictures.
        questionnaire: What was asked.
        simulated: Some readings are a rehearsal's.
        reconstructed: No such study was made of printed tables.
    """

    readings: Sequence[ShownReading]
    repeats: Sequence[ShownReading]
    questionnaire: Questionnaire
    simulated: bool = False
    reconstructed: Literal[False] = False

    @property
    def methods(self) -> tuple[str, ...]:
        """Methods that were shown, in the order in which they first were."""
        return tuple(dict.fromkeys(m for r in self.readings for m in r.shown))

    @property
    def readers(self) -> list[str]:
        """Readers in the order of their first reading."""
        return list(dict.fromkeys(reading.reader for reading in self.readings))

    def __repr__(self) -> str:
        """Return a summary, not the readings."""
        return (
            f"ShownReadings({len(self.readings)} readings, {len(self.repeats)} "
            f"repeats, {len(self.readers)} readers, {', '.join(self.methods)})"
        )


def lists_shown(path: str | Path) -> bool:
    """Return whether a file has readings of several pictures at once.

    Raises:
        FormatError: If it cannot be read.
    """
    return SHOWN in read_table(path).rows[0].cells


def read_shown(path: str | Path, questionnaire: Questionnaire) -> ShownReadings:
    """Read responses.csv of several pictures at once and check every line of it.

    Raises:
        FormatError: If it cannot be read, or a row cannot be used; all are named.
    """
    header, *rows = read_table(path).rows
    needed = ["reader", "case", SHOWN, *questionnaire.ids]
    missing = [name for name in needed if name not in header.cells]
    if missing:
        msg = f"{path} line {header.line}: column {missing[0]} is missing"
        raise FormatError([msg])
    if not rows:
        raise FormatError([f"{path} has a header but no readings"])
    found, faults, simulated = [], [], False
    for row in rows:
        cells = dict(zip(header.cells, row.cells, strict=False))
        wrong = list(_faults(cells, questionnaire))
        faults += [f"{path} line {row.line}: {fault}" for fault in wrong]
        simulated |= cells.get("simulated", "").lower() in TRUE
        if not wrong:
            found.append(_reading(row, cells, questionnaire))
    if faults:
        raise FormatError(faults)
    first = [reading for reading in found if not reading.again]
    again = [reading for reading in found if reading.again]
    return ShownReadings(first, again, questionnaire, simulated)


def _reading(
    row: Row, cells: Mapping[str, str], questionnaire: Questionnaire
) -> ShownReading:
    orders, answers = {}, {}
    for question in questionnaire:
        cell = cells[question.id]
        if cell and question.of_display:
            orders[question.id] = _order(cell)
        elif cell and (answer := question.parse(cell)) is not None:
            answers[question.id] = answer
    return ShownReading(
        row.line,
        cells["reader"],
        cells["case"],
        parted(cells[SHOWN]),
        orders,
        answers,
        again=cells.get(REPEAT, "") not in {"", "1"},
        severity=cells.get("severity", ""),
    )


def _order(cell: str) -> tuple[str, ...]:
    if cell == TIE:
        return ()
    return tuple(part.strip() for part in cell.split(ORDER.strip()))


def _faults(cells: Mapping[str, str], questionnaire: Questionnaire) -> Iterator[str]:
    for name in ("reader", "case", SHOWN):
        if not cells.get(name):
            yield f"{name} must not be empty"
            return
    shown = parted(cells[SHOWN])
    if len(set(shown)) != len(shown) or len(shown) < 2:
        yield f"{SHOWN} must be two or more methods with | between, got {shown}"
        return
    for question in questionnaire:
        if cells[question.id]:
            yield from _answer_faults(question, cells[question.id], shown)


def _answer_faults(
    question: Question, cell: str, shown: Sequence[str]
) -> Iterator[str]:
    if not question.of_display:
        if question.parse(cell) is None:
            yield f"{question.id} must be {question.must_be} or empty, got {cell!r}"
        return
    order = _order(cell)
    if question.type == "rank" and sorted(order) != sorted(shown):
        yield f"{question.id} must have all of {', '.join(shown)}, got {cell!r}"
    elif question.type == "which" and not set(order) <= set(shown):
        yield f"{question.id} must be one of {', '.join(shown)}, got {cell!r}"
