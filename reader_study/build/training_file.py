"""training.csv: cases to practise on, with expected answers and feedback."""

import csv
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from reader_study.errors import StudyError
from reader_study.formats.questionnaire import Questionnaire

_FEEDBACK = "_feedback"


@dataclass(frozen=True)
class TrainingRow:
    """A case to practise on, as the investigators describe it.

    Attributes:
        where: File and line.
        case: Name; not one of the study's.
        image: Its montage.
        expected: Code by question, where there is a right one.
        feedback: Text by question.
    """

    where: str
    case: str
    image: Path
    expected: Mapping[str, int]
    feedback: Mapping[str, str]


def read_training_file(
    path: Path, questionnaire: Questionnaire, forbidden: Collection[str]
) -> tuple[TrainingRow, ...]:
    """Read training.csv; paths of images are relative to its folder.

    Args:
        path: The file. Columns are `case`, `image`, and for any question `Q` the code
            expected in `Q` and a text in `Q_feedback`; both may be empty.
        questionnaire: Of the study.
        forbidden: Names of the methods, which readers must not be told.

    Raises:
        StudyError: If it cannot be read or a row cannot be used; the line is named.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines)
            _check_columns(path, reader.fieldnames or (), questionnaire)
            rows = [(f"{path} line {reader.line_num}", row) for row in reader]
    except OSError as error:
        msg = f"{path}: {error.strerror}"
        raise StudyError(msg) from error
    except (UnicodeDecodeError, csv.Error) as error:
        msg = f"{path}: not a CSV table in UTF-8 ({error})"
        raise StudyError(msg) from error
    if not rows:
        msg = f"{path} must have one or more cases, got none"
        raise StudyError(msg)
    words = _pattern(forbidden)
    read = tuple(_row(where, row, path.parent, questionnaire) for where, row in rows)
    for row in read:
        _check_row(row, read, words)
    return read


def _check_columns(
    path: Path, columns: Collection[str], questionnaire: Questionnaire
) -> None:
    ids = questionnaire.ids
    known = ("case", "image", *ids, *(f"{name}{_FEEDBACK}" for name in ids))
    missing = [name for name in known[:2] if name not in columns]
    unknown = [name for name in columns if name not in known]
    if missing or unknown:
        what = f"{missing[0]} is missing" if missing else f"{unknown[0]!r} is unknown"
        msg = f"{path} line 1: column {what}; known are {', '.join(known)}"
        raise StudyError(msg)


def _row(
    where: str,
    row: Mapping[str, str | None],
    folder: Path,
    questionnaire: Questionnaire,
) -> TrainingRow:
    cells = {name: (text or "").strip() for name, text in row.items() if name}
    for name in ("case", "image"):
        if not cells[name]:
            msg = f"{where}: {name} must be given, got nothing"
            raise StudyError(msg)
    image = folder / cells["image"]
    if not image.is_file():
        msg = f"{where}: {image} must be a file, got none"
        raise StudyError(msg)
    expected, feedback = {}, {}
    for question in questionnaire.questions:
        given = cells.get(question.id, "")
        if given:
            codes = {str(c): c for c in question.codes if isinstance(c, int)}
            if given not in codes:
                why = f"must be {' or '.join(codes)} or empty, got {given!r}"
                msg = f"{where}: {question.id} {why}"
                raise StudyError(msg)
            expected[question.id] = codes[given]
        if text := cells.get(f"{question.id}{_FEEDBACK}", ""):
            feedback[question.id] = text
    return TrainingRow(where, cells["case"], image, expected, feedback)


def _check_row(
    row: TrainingRow, rows: Collection[TrainingRow], words: re.Pattern[str]
) -> None:
    if not row.expected and not row.feedback:
        msg = f"{row.where}: an expected answer or a feedback must be given, got none"
        raise StudyError(msg)
    if sum(row.case == other.case for other in rows) > 1:
        msg = f"{row.where}: case must be there once, got {row.case!r} twice"
        raise StudyError(msg)
    for question, text in row.feedback.items():
        if found := words.search(text):
            msg = f"{row.where}: {question}{_FEEDBACK} must not name a method, got "
            raise StudyError(msg + repr(found[0]))


def _pattern(names: Collection[str]) -> re.Pattern[str]:
    either = "|".join(re.escape(name) for name in names)
    return re.compile(rf"(?<!\w)(?:{either})(?!\w)", re.IGNORECASE)
