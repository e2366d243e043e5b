"""Training cases: read from training.csv, checked, and written into a study."""

import csv
import hashlib
import json
import re
import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from reader_study.building.cases_file import Case
from reader_study.building.pictures import Picture, encode_picture, write_picture
from reader_study.building.png import common_length
from reader_study.building.training_set import FOLDER, LIST, TrainingCase, TrainingSet
from reader_study.building.volumes import read_volume, write_container
from reader_study.errors import StudyError
from reader_study.formats.manifest import Volumes
from reader_study.formats.protocol import Protocol
from reader_study.formats.questionnaire import Answer, Questionnaire

_FEEDBACK = "_feedback"


@dataclass(frozen=True)
class TrainingRow:
    """A case to practise on, as the investigators describe it.

    Attributes:
        where: File and line.
        case: Name; not one of the study's.
        image: File of its montage.
        expected: Answer by question, where there is a right one.
        feedback: Text by question.
        volume: File of its volume, where given.
    """

    where: str
    case: str
    image: Path
    expected: Mapping[str, Answer]
    feedback: Mapping[str, str]
    volume: Path | None = None


def read_training_file(
    path: Path, questionnaire: Questionnaire, forbidden: Collection[str]
) -> tuple[TrainingRow, ...]:
    """Read training.csv; paths of images are relative to its folder.

    Args:
        path: The file. Columns are `case`, `image`, and for any question `Q` the code
            expected in `Q` and a text in `Q_feedback`; both may be empty.
        questionnaire: Questionnaire of the study.
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


def practice_cases(
    protocol: Protocol,
    questionnaire: Questionnaire,
    folder: Path,
    cases: Mapping[str, Case],
) -> tuple[TrainingRow, ...]:
    """Read the training cases that the protocol asks for; none are cases of the study.

    Args:
        protocol: Protocol of the study.
        questionnaire: Questionnaire of the study.
        folder: Folder of the protocol's file.
        cases: All that the study may be drawn from.

    Raises:
        StudyError: If one cannot be used, or its name or file is that of a case; the
            line is named.
    """
    if not protocol.training_cases:
        return ()
    path, names = folder / protocol.training_cases, protocol.methods
    rows = read_training_file(path, questionnaire, names)
    _check_apart(rows, cases.values())
    for row in rows:
        if protocol.viewer == "stack" and (
            row.volume is None or not row.volume.is_file()
        ):
            msg = (
                f"{row.where}: volume must be a file where viewer is 'stack', got none"
            )
            raise StudyError(msg)
    return rows


def write_training(
    stage: Path,
    rows: Iterable[TrainingRow],
    pictures: Iterable[Picture],
    seed: str,
    volumes: Volumes | None = None,
) -> TrainingSet:
    """Write pictures and volumes, encoded as those of the study, under random names.

    Args:
        stage: Folder of the study.
        rows: Rows of training.csv.
        pictures: Those that the study shows.
        seed: Of their padding.
        volumes: Those that the study shows; None in a study of montages.

    Raises:
        StudyError: If one cannot be read, or is a picture of the study, or a volume
            lies on another grid than those.
        OSError: If one cannot be written.
    """
    encoded = _encoded(rows, pictures)
    if not encoded:
        return TrainingSet()
    length = common_length(max(len(picture.data) for _, picture in encoded))
    (stage / FOLDER).mkdir()
    cases = []
    for row, picture in encoded:
        token = secrets.token_hex(16)
        content = picture.file(token, length, seed)
        sha256 = hashlib.sha256(content).hexdigest()
        case = TrainingCase(token, sha256, length, row.expected, row.feedback)
        write_picture(stage / FOLDER / case.image, content)
        cases.append(_with_volume(stage / FOLDER, case, row, volumes, seed))
    written = TrainingSet(tuple(cases))
    text = json.dumps(written.to_dict(), indent=1, ensure_ascii=False) + "\n"
    (stage / FOLDER / LIST).write_text(text, encoding="utf-8")
    return written


def _with_volume(
    folder: Path,
    case: TrainingCase,
    row: TrainingRow,
    volumes: Volumes | None,
    seed: str,
) -> TrainingCase:
    if volumes is None or row.volume is None:
        return case
    volume = read_volume(row.volume)
    grid = (volumes.slices, volumes.rows, volumes.columns)
    if volume.shape != grid or volume.panels != volumes.panels:
        msg = f"{row.where}: {row.volume} must have grid and panels of the study's"
        raise StudyError(msg)
    file = write_container(folder, case.token, volume, seed)
    return replace(case, volume_sha256=file.sha256, volume_length=file.length)


def training_details(
    rows: Iterable[TrainingRow], training: TrainingSet
) -> dict[str, list[dict[str, str]]]:
    """Return the training part of the key: case and montage behind each token."""
    cases = [
        {
            "token": case.token,
            "case": row.case,
            "sha256": hashlib.sha256(row.image.read_bytes()).hexdigest(),
            **_volume_hash(row, case),
        }
        for row, case in zip(rows, training.cases, strict=True)
    ]
    return {"training": cases} if cases else {}


def _volume_hash(row: TrainingRow, case: TrainingCase) -> dict[str, str]:
    if row.volume is None or not case.volume_sha256:
        return {}
    return {"volume": hashlib.sha256(row.volume.read_bytes()).hexdigest()}


def _check_columns(
    path: Path, columns: Collection[str], questionnaire: Questionnaire
) -> None:
    ids = questionnaire.ids
    feedback = (f"{name}{_FEEDBACK}" for name in ids)
    known = ("case", "image", *ids, *feedback, "volume")
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
            answer = question.parse(given)
            if answer is None:
                what = " or ".join(map(str, question.codes))
                what = what if question.on_scale else question.must_be
                msg = f"{where}: {question.id} must be {what} or empty, got {given!r}"
                raise StudyError(msg)
            expected[question.id] = answer
        if text := cells.get(f"{question.id}{_FEEDBACK}", ""):
            feedback[question.id] = text
    given = cells.get("volume", "")
    volume = folder / given if given else None
    return TrainingRow(where, cells["case"], image, expected, feedback, volume)


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


def _check_apart(rows: Iterable[TrainingRow], cases: Collection[Case]) -> None:
    names = {case.name for case in cases}
    images = {image.resolve() for case in cases for image in case.images.values()}
    for row in rows:
        if row.case in names or row.image.resolve() in images:
            msg = (
                f"{row.where}: a training case must be none of the study's cases, "
                f"got {row.case!r} with {row.image.name}"
            )
            raise StudyError(msg)


def _encoded(
    rows: Iterable[TrainingRow], pictures: Iterable[Picture]
) -> list[tuple[TrainingRow, Picture]]:
    shown = {hashlib.sha256(picture.data).digest() for picture in pictures}
    encoded: list[tuple[TrainingRow, Picture]] = []
    for row in rows:
        picture = encode_picture(row.image)
        if hashlib.sha256(picture.data).digest() in shown:
            msg = f"{row.where}: {row.image} must show none of the study's pictures"
            raise StudyError(msg)
        encoded.append((row, picture))
    return encoded
