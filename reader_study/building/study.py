"""A built study: its folder, checked against its manifest whenever it is opened."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from reader_study.building import training_set
from reader_study.errors import StudyError
from reader_study.formats.manifest import Manifest
from reader_study.formats.manifest import read_manifest as _read_manifest
from reader_study.formats.protocol import Protocol, read_protocol
from reader_study.formats.questionnaire import Questionnaire, read_questionnaire

PROTOCOL = "study.toml"
QUESTIONNAIRE = "questionnaire.json"
MANIFEST = "manifest.json"
IMAGES = "images"
TRAINING = training_set.FOLDER
DATABASE = "study.sqlite"


@dataclass(frozen=True)
class Study:
    """A study as a reading server sees it: nothing in it tells the methods apart."""

    folder: Path
    protocol: Protocol
    questionnaire: Questionnaire
    manifest: Manifest
    training: training_set.TrainingSet = training_set.NO_TRAINING

    @property
    def database_url(self) -> str:
        """Where answers are kept unless another database is named."""
        return f"sqlite:///{self.folder.resolve() / DATABASE}"

    def image_bytes(self, token: str) -> bytes:
        """Return the bytes of a picture, checked each time.

        Raises:
            StudyError: If there is no such token, or the file is not the one that the
                study was built with.
        """
        presentation = self.manifest.presentation(token)
        path = self.folder / IMAGES / presentation.image
        try:
            content = path.read_bytes()
        except OSError as error:
            msg = f"{path}: {error.strerror}"
            raise StudyError(msg) from error
        same = hashlib.sha256(content).hexdigest() == presentation.sha256
        if not same or len(content) != presentation.length:
            msg = f"{path} must be the picture the study was built with, got another"
            raise StudyError(msg)
        return content

    def check_images(self) -> None:
        """Check every picture.

        Raises:
            StudyError: If one is missing or is not the one the study was built with.
        """
        for presentation in self.manifest.presentations:
            self.image_bytes(presentation.token)


def open_study(folder: Path) -> Study:
    """Open a built study and check protocol, questionnaire and every picture.

    Raises:
        StudyError: If it was not built, or something in it was changed since.
    """
    manifest = read_manifest(folder)
    protocol = read_protocol(folder / PROTOCOL)
    questionnaire = read_questionnaire(folder / QUESTIONNAIRE)
    training = training_set.read_training(folder, manifest.training_sha256)
    study = Study(folder, protocol, questionnaire, manifest, training)
    for content, name, wanted in (
        (study.protocol.sha256, PROTOCOL, study.manifest.protocol_sha256),
        (
            study.questionnaire.sha256,
            QUESTIONNAIRE,
            study.manifest.questionnaire_sha256,
        ),
    ):
        if content != wanted:
            msg = f"{folder / name} was changed after the study was built"
            raise StudyError(msg)
    study.check_images()
    return study


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a study.

    Raises:
        StudyError: If there is none, or it cannot be used.
    """
    path = folder / MANIFEST
    if not path.is_file():
        msg = f"{folder} must be a built study, got none with a {MANIFEST}"
        raise StudyError(msg)
    return _read_manifest(path)
