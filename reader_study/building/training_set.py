"""Cases to practise on: pictures with expected answers and feedback, apart from others.

They lie in STUDY/training; the manifest has the hash of their list, and the list that
of every picture.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from reader_study.errors import DamagedPictureError, StudyError
from reader_study.formats import checking
from reader_study.formats.canonical import sha256_of

FOLDER = "training"
LIST = "training.json"
SCHEMA: Literal[1] = 1


@checking.record
class TrainingCase:
    """A case to practise on.

    Attributes:
        token: Opaque; names its picture.
        sha256: Hash of the picture's file, in hexadecimal.
        length: Length of the file in bytes.
        expected: Answer by question, where there is a right one.
        feedback: What is said after answering, by question.
        volume_sha256: Hash of the volume's file, where readers scroll through stacks.
        volume_length: Length of that file in bytes.
    """

    token: checking.Filled
    sha256: checking.Filled
    length: checking.Positive
    expected: Mapping[str, checking.Stored]
    feedback: Mapping[str, checking.Text]
    volume_sha256: checking.Text = ""
    volume_length: checking.Count = 0

    @property
    def image(self) -> str:
        """File name of the picture."""
        return f"{self.token}.png"

    @property
    def volume(self) -> str:
        """File name of the volume."""
        return f"{self.token}.bin"

    def to_dict(self) -> dict[str, Any]:
        """Return the content as plain values."""
        content = asdict(self)
        if not self.volume_sha256:  # as before there were volumes
            del content["volume_sha256"], content["volume_length"]
        return content


@checking.record
class TrainingSet:
    """Cases in the order in which they are shown; none if the study has no training."""

    cases: tuple[TrainingCase, ...] = ()
    schema: Literal[1] = SCHEMA

    @cached_property
    def sha256(self) -> str:
        """Hash of the list; empty if there are no cases."""
        return sha256_of(self.to_dict()) if self.cases else ""

    def to_dict(self) -> dict[str, Any]:
        """Return the content of training.json."""
        return {"schema": self.schema, "cases": [c.to_dict() for c in self.cases]}

    def position(self, token: str) -> int:
        """Return the place of a case, from 1.

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
    """Read the list of training cases of a study; pictures are checked when shown.

    Args:
        folder: STUDY.
        sha256: As in the manifest; empty if the study has no training.

    Raises:
        StudyError: If it cannot be read, or was changed since the study was built.
    """
    if not sha256:
        return NO_TRAINING
    path = folder / FOLDER / LIST
    source = checking.read_json(path)
    found = checking.check(TrainingSet, source.content, source)
    if found.sha256 != sha256:
        msg = f"{path} was changed after the study was built"
        raise StudyError(msg)
    return found


def training_image(folder: Path, case: TrainingCase) -> bytes:
    """Return the bytes of a picture, checked.

    Raises:
        DamagedPictureError: If the file is not the one that the study was built with.
    """
    return checked_picture(folder / FOLDER / case.image, case.sha256)


def training_volume(folder: Path, case: TrainingCase) -> bytes:
    """Return the bytes of a volume, checked.

    Raises:
        DamagedPictureError: If the file is not the one that the study was built with.
    """
    return checked_picture(folder / FOLDER / case.volume, case.volume_sha256)


def damaged_pictures(folder: Path, training: TrainingSet) -> tuple[str, ...]:
    """Return what is wrong with the pictures of a training; each is read anew."""
    found = []
    for case in training.cases:
        try:
            training_image(folder, case)
            if case.volume_sha256:
                training_volume(folder, case)
        except DamagedPictureError as error:
            found.append(str(error))
    return tuple(found)


def checked_picture(path: Path, sha256: str) -> bytes:
    """Return the bytes of a picture's file.

    Raises:
        DamagedPictureError: If it cannot be read, or has another hash.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        msg = f"{path}: {error.strerror}"
        raise DamagedPictureError(msg) from error
    if hashlib.sha256(content).hexdigest() != sha256:
        msg = f"{path} must be the picture the study was built with, got another"
        raise DamagedPictureError(msg)
    return content
