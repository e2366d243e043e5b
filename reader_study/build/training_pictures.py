"""Put the training into a study that is being built."""

import hashlib
import json
import os
import secrets
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from reader_study.build.cases_file import Case
from reader_study.build.images import read_montage
from reader_study.build.pictures import FILE_TIME, Picture
from reader_study.build.png import common_length, image_data, padded_file
from reader_study.build.training_file import TrainingRow, read_training_file
from reader_study.build.training_set import FOLDER, LIST, TrainingCase, TrainingSet
from reader_study.errors import StudyError
from reader_study.formats.protocol import Protocol
from reader_study.formats.questionnaire import Questionnaire


def practice_cases(
    protocol: Protocol,
    questionnaire: Questionnaire,
    folder: Path,
    cases: Mapping[str, Case],
) -> tuple[TrainingRow, ...]:
    """Read the training cases that the protocol asks for; none are cases of the study.

    Args:
        protocol: Of the study.
        questionnaire: Of the study.
        folder: Of the protocol's file.
        cases: All that the study may be drawn from.

    Raises:
        StudyError: If one cannot be used, or its name or file is that of a case; the
            line is named.
    """
    if not protocol.training_cases:
        return ()
    names = (protocol.reference, protocol.test)
    rows = read_training_file(folder / protocol.training_cases, questionnaire, names)
    _check_apart(rows, cases.values())
    return rows


def write_training(
    stage: Path, rows: Iterable[TrainingRow], pictures: Iterable[Picture]
) -> TrainingSet:
    """Write the pictures, encoded as those of the study are, under random names.

    Args:
        stage: Folder of the study.
        rows: Of training.csv.
        pictures: Those that the study shows.

    Raises:
        StudyError: If one cannot be read, or is a picture of the study.
        OSError: If one cannot be written.
    """
    encoded = _encoded(rows, pictures)
    if not encoded:
        return TrainingSet()
    length = common_length(max(len(data) for _, _, data in encoded))
    (stage / FOLDER).mkdir()
    cases = []
    for row, size, data in encoded:
        content = padded_file(size, data, length)
        sha256 = hashlib.sha256(content).hexdigest()
        case = TrainingCase(
            secrets.token_hex(16), sha256, length, row.expected, row.feedback
        )
        path = stage / FOLDER / case.image
        path.write_bytes(content)
        os.utime(path, (FILE_TIME, FILE_TIME))
        cases.append(case)
    written = TrainingSet(tuple(cases))
    text = json.dumps(written.to_dict(), indent=1, ensure_ascii=False) + "\n"
    (stage / FOLDER / LIST).write_text(text, encoding="utf-8")
    return written


def training_details(
    rows: Iterable[TrainingRow], training: TrainingSet
) -> dict[str, list[dict[str, str]]]:
    """Give what the key says of the training: which case is behind which token."""
    cases = [
        {"token": case.token, "case": row.case}
        for row, case in zip(rows, training.cases, strict=True)
    ]
    return {"training": cases} if cases else {}


def _check_apart(rows: Iterable[TrainingRow], cases: Collection[Case]) -> None:
    names = {case.name for case in cases}
    images = {
        image.resolve()
        for case in cases
        for image in (case.reference_image, case.test_image)
    }
    for row in rows:
        if row.case in names or row.image.resolve() in images:
            msg = (
                f"{row.where}: a training case must be none of the study's cases, "
                f"got {row.case!r} with {row.image.name}"
            )
            raise StudyError(msg)


def _encoded(
    rows: Iterable[TrainingRow], pictures: Iterable[Picture]
) -> list[tuple[TrainingRow, tuple[int, int], bytes]]:
    shown = {hashlib.sha256(picture.data).digest() for picture in pictures}
    encoded: list[tuple[TrainingRow, tuple[int, int], bytes]] = []
    for row in rows:
        pixels = read_montage(row.image)
        data = image_data(pixels)
        if hashlib.sha256(data).digest() in shown:
            msg = f"{row.where}: {row.image} must show none of the study's pictures"
            raise StudyError(msg)
        encoded.append((row, pixels.shape[:2], data))
    return encoded
