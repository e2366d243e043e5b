"""Cases to practise on: pictures with expected answers and feedback, apart from others.

They lie in STUDY/training; the manifest has the hash of their list, and the list that
of every picture.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from reader_study.errors import StudyError
from reader_study.formats.canonical import sha256_of
from reader_study.formats.checking import entries, fields, text, whole
from reader_study.formats.questionnaire import read_json

FOLDER = "training"
LIST = "training.json"
SCHEMA = 1


@dataclass(frozen=True)
class TrainingCase:
    """A case to practise on.

    Attributes:
        token: Opaque; names its picture.
        sha256: Of the picture's file, in hexadecimal.
        length: Of the file, in bytes.
        expected: Code by question, where there is a right one.
        feedback: What is said after answering, by question.
    """

    token: str
    sha256: str
    length: int
    expected: Mapping[str, int]
    feedback: Mapping[str, str]

    @property
    def image(self) -> str:
        """File name of the picture."""
        return f"{self.token}.png"


@dataclass(frozen=True)
class TrainingSet:
    """Cases in the order in which they are shown; none if the study has no training."""

    cases: tuple[TrainingCase, ...] = ()

    @cached_property
    def sha256(self) -> str:
        """Hash of the list; empty if there are no cases."""
        return sha256_of(self.to_dict()) if self.cases else ""

    def to_dict(self) -> dict[str, Any]:
        """Give the content of training.json."""
        return {"schema": SCHEMA, "cases": [asdict(case) for case in self.cases]}

    def position(self, token: str) -> int:
        """Give the place of a case, from 1.

        Raises:
            StudyError: If there is no such case.
        """
        for n, case in enumerate(self.cases, 1):
            if case.token == token:
                return n
        msg = f"The training has no case {token!r:.40}"
        raise StudyError(msg)


NO_TRAINING = TrainingSet()


def read_training(folder: Path, sha256: str) -> TrainingSet:
    """Read the training of a study and check every picture.

    Args:
        folder: STUDY.
        sha256: As in the manifest; empty if the study has no training.

    Raises:
        StudyError: If it cannot be read, or was changed since the study was built.
    """
    if not sha256:
        return NO_TRAINING
    path = folder / FOLDER / LIST
    content = fields(read_json(path), str(path), ("schema", "cases"))
    found = TrainingSet(tuple(_case(e) for e in entries(content["cases"], "cases")))
    if content["schema"] != SCHEMA or found.sha256 != sha256:
        msg = f"{path} was changed after the study was built"
        raise StudyError(msg)
    for case in found.cases:
        training_image(folder, case)
    return found


def training_image(folder: Path, case: TrainingCase) -> bytes:
    """Give the bytes of a picture, checked.

    Raises:
        StudyError: If the file is not the one that the study was built with.
    """
    path = folder / FOLDER / case.image
    try:
        content = path.read_bytes()
    except OSError as error:
        msg = f"{path}: {error.strerror}"
        raise StudyError(msg) from error
    if hashlib.sha256(content).hexdigest() != case.sha256:
        msg = f"{path} must be the picture the study was built with, got another"
        raise StudyError(msg)
    return content


def _case(entry: object) -> TrainingCase:
    given = fields(entry, "a training case", TrainingCase.__dataclass_fields__)
    for name in ("expected", "feedback"):
        if not isinstance(given[name], dict):
            msg = f"{name} of a training case must be by question"
            raise StudyError(msg)
    for name in ("token", "sha256"):
        text(given[name], f"{name} of a training case")
    whole(given["length"], "length of a training case", 1)
    return TrainingCase(**given)
