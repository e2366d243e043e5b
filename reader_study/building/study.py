"""A built study: its folder, checked against its manifest when opened and when used."""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from reader_study.building import training_set
from reader_study.building.pictures import montage_rows
from reader_study.errors import DamagedPictureError, StudyError
from reader_study.formats.asking.marks import Grid
from reader_study.formats.manifest import Manifest, Volumes
from reader_study.formats.manifest import read_manifest as _read_manifest
from reader_study.formats.protocol import Protocol, read_protocol
from reader_study.formats.questionnaire import Questionnaire, read_questionnaire

PROTOCOL = "study.toml"
QUESTIONNAIRE = "questionnaire.json"
MANIFEST = "manifest.json"
IMAGES = "images"
VOLUMES = "volumes"
TRAINING = training_set.FOLDER
DATABASE = "study.sqlite"


@dataclass(frozen=True)
class Study:
    """A study as a reading server sees it: nothing in it tells the methods apart.

    Attributes:
        folder: STUDY.
        protocol: The protocol as built.
        questionnaire: What readers are asked.
        manifest: What is shown, to whom, in which order.
        training: Cases to practise on.
        training_fault: Why the list of training cases cannot be used; readers then go
            on without training. Empty if it can.
    """

    folder: Path
    protocol: Protocol
    questionnaire: Questionnaire
    manifest: Manifest
    training: training_set.TrainingSet = training_set.NO_TRAINING
    training_fault: str = ""

    @property
    def database_url(self) -> str:
        """Where answers are kept unless another database is named."""
        return f"sqlite:///{self.folder.resolve() / DATABASE}"

    def image_bytes(self, token: str) -> bytes:
        """Return the bytes of a picture, checked each time.

        Raises:
            DamagedPictureError: If the file is missing, or is not the one that the
                study was built with.
            StudyError: If there is no such token.
        """
        presentation = self.manifest.presentation(token)
        path = self.folder / IMAGES / presentation.image
        return training_set.checked_picture(path, presentation.sha256)

    def volume_bytes(self, token: str) -> bytes:
        """Return the bytes of a volume, checked each time.

        Raises:
            DamagedPictureError: If the file is missing, or is not the one that the
                study was built with.
            StudyError: If there is no such token, or the study shows montages.
        """
        presentation = self.manifest.presentation(token)
        if self.manifest.volumes is None:
            msg = f"{self.folder} must have volumes, got a study of montages"
            raise StudyError(msg)
        file = self.manifest.volumes.files[presentation.pseudo_id]
        path = self.folder / VOLUMES / file.volume
        return training_set.checked_picture(path, file.sha256)

    def shown_bytes(self, token: str) -> bytes:
        """Return what readers see under a token: its volume, or else its picture.

        Raises:
            DamagedPictureError: If it cannot be shown.
            StudyError: If there is no such token.
        """
        stack = self.manifest.volumes is not None
        return self.volume_bytes(token) if stack else self.image_bytes(token)

    @property
    def counts_slices(self) -> bool:
        """Whether what was on screen is kept with each answer."""
        return self.manifest.volumes is not None or self.protocol.require_all_slices

    def n_slices(self, token: str) -> int:
        """Return how many slices a reading has: of its volume, or rows of its montage.

        0 of another picture than a montage in the usual form, or of one that is gone,
        and where there is no such token.
        """
        if self.manifest.volumes is not None:
            return self.manifest.volumes.slices
        try:
            path = self.folder / IMAGES / self.manifest.presentation(str(token)).image
            with path.open("rb") as file:
                width, height = struct.unpack(">16x2I", file.read(24))
        except (OSError, StudyError, struct.error):
            return 0
        return montage_rows((height, width // self.protocol.design.at_once))

    def grid(self, token: str) -> Grid | None:
        """Return what a reading's picture has room for; None of one that is gone."""
        volumes, at_once = self.manifest.volumes, self.protocol.design.at_once
        try:
            shown = self.manifest.presentation(str(token))
            if volumes is None:
                return montage_grid(self.folder / IMAGES / shown.image, at_once)
            file = volumes.files[shown.pseudo_id].volume
            return volume_grid(self.folder / VOLUMES / file, volumes)
        except (OSError, StudyError, struct.error):
            return None

    def damaged_pictures(self) -> dict[str, str]:
        """Return what is wrong with pictures, by token; each file is read anew.

        Volumes count as pictures.
        """
        found = {}
        for presentation in self.manifest.presentations:
            try:
                self.image_bytes(presentation.token)
                self.shown_bytes(presentation.token)
            except DamagedPictureError as error:
                found[presentation.token] = f"{error} ({presentation.pseudo_id})"
        return found

    def damage(self) -> tuple[str, ...]:
        """Return what is wrong with pictures and training; nothing of it stops a study.

        Each file is read anew.
        """
        listed = (self.training_fault,) if self.training_fault else ()
        practice = training_set.damaged_pictures(self.folder, self.training)
        return (*self.damaged_pictures().values(), *listed, *practice)


def montage_grid(path: Path, at_once: int = 1) -> Grid:
    """Return the grid of a PNG, which may be of several pictures side by side.

    Raises:
        OSError: If it cannot be read.
        StudyError: If it is no PNG.
    """
    with path.open("rb") as file:
        head = file.read(24)
    if not head.startswith(b"\x89PNG") or len(head) < 24:
        msg = f"{path} must be a PNG"
        raise StudyError(msg)
    width, height = struct.unpack(">16x2I", head)
    return Grid(width / at_once, height, pictures=at_once)


def volume_grid(path: Path, layout: Volumes) -> Grid:
    """Return the grid of a container.

    Raises:
        OSError: If it cannot be read.
        struct.error: If it is too short.
    """
    with path.open("rb") as file:
        affine = struct.unpack("<16d", file.read(128))
    names = tuple(panel.name for panel in layout.panels)
    return Grid(
        layout.columns, layout.rows, slices=layout.slices, panels=names, affine=affine
    )


def open_study(folder: Path) -> Study:
    """Open a built study and check manifest, protocol and questionnaire.

    Pictures are checked where they are used, for one that is damaged is the loss of
    one reading and not of a study; `Study.damage` checks all of them.

    Raises:
        StudyError: If it was not built, or one of the three was changed since; all are
            named, and what puts them back.
    """
    manifest = read_manifest(folder)
    faults = [
        *_faults(read_protocol, folder / PROTOCOL, manifest.protocol_sha256),
        *_faults(
            read_questionnaire, folder / QUESTIONNAIRE, manifest.questionnaire_sha256
        ),
    ]
    if faults:
        raise StudyError("; ".join([*faults, remedy(folder)]))
    protocol = read_protocol(folder / PROTOCOL)
    questionnaire = read_questionnaire(folder / QUESTIONNAIRE)
    try:
        training = training_set.read_training(folder, manifest.training_sha256)
    except StudyError as error:
        fault = f"{error}; {remedy(folder)}"
        nothing = training_set.NO_TRAINING
        return Study(folder, protocol, questionnaire, manifest, nothing, fault)
    return Study(folder, protocol, questionnaire, manifest, training)


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a study.

    Raises:
        StudyError: If there is none, or it cannot be used; what puts it back is named.
    """
    path = folder / MANIFEST
    if not path.is_file():
        msg = f"{folder} must be a built study, got none with a {MANIFEST}"
        raise StudyError(
            f"{msg}; {remedy(folder)}" if (folder / IMAGES).exists() else msg
        )
    try:
        return _read_manifest(path)
    except StudyError as error:
        msg = f"{error}; {remedy(folder)}"
        raise StudyError(msg) from error


def _faults(
    read: Callable[[Path], Protocol | Questionnaire], path: Path, wanted: str
) -> Iterator[str]:
    try:
        if read(path).sha256 != wanted:
            yield f"{path} was changed after the study was built"
    except StudyError as error:
        yield str(error)


def remedy(folder: Path) -> str:
    """Return what puts back a damaged file of a study."""
    return f"magic-study restore {folder} --key KEY puts back what was built"
