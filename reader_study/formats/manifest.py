"""The manifest of a study: what is shown, to whom, in which order - never what it is.

A token stands for one picture as one group of readers sees it in one trial. Neither
case nor method is named; the sealed key alone says what is behind a token.
"""

from collections.abc import Mapping
from dataclasses import asdict, field, replace
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import Field

from reader_study.errors import StudyError
from reader_study.formats import canonical, checking

FILE_NAME = "manifest.json"
MOST_PANELS = 8
SCHEMA: Literal[1] = 1


@checking.record
class Presentation:
    """A picture as one group of readers sees it in one trial.

    Attributes:
        token: Opaque and unique in the study.
        group: Readers who see the same pictures in the same trial.
        trial: 1 or 2.
        pseudo_id: What readers know the case as in this trial.
        image: File name inside STUDY/images.
        sha256: Hash of the file, in hexadecimal.
        length: Length of the file in bytes.
    """

    token: checking.Filled
    group: checking.Filled
    trial: checking.Positive
    pseudo_id: checking.Filled
    image: checking.Filled
    sha256: checking.Filled
    length: checking.Positive

    def __post_init__(self) -> None:
        if self.image != PurePosixPath(self.image).name or "\\" in self.image:
            msg = f"must be a plain file name, got {self.image!r}"
            raise checking.Invalid(msg, "image")


@checking.record
class Panel:
    """What one panel of a stack shows, in all cases alike.

    Attributes:
        name: Title, such as `CBF`.
        unit: Unit of the values.
        dtype: `int16` for values as they are, `uint8` for codes of which 0 is `low`,
            or nothing, and 255 is `high`.
        low: Value of code 0, or lower end of the window at first.
        high: Value of code 255, or upper end of the window at first.
        colours: 256 colours in hexadecimal, rrggbb each, from low to high; empty for
            grey.
    """

    name: checking.Filled
    unit: checking.Text
    dtype: Literal["int16", "uint8"]
    low: checking.Number
    high: checking.Number
    colours: Annotated[str, Field(pattern=r"^([0-9a-f]{1536})?$")] = ""

    def __post_init__(self) -> None:
        if not self.low < self.high:
            msg = f"must be more than low, {self.low:g}, got {self.high:g}"
            raise checking.Invalid(msg, "high")

    @property
    def n_bytes(self) -> int:
        """Bytes of a value."""
        return 2 if self.dtype == "int16" else 1


@checking.record
class VolumeFile:
    """The sealed volume of one presentation.

    Attributes:
        volume: File name inside STUDY/volumes.
        sha256: Hash of the file, in hexadecimal.
        length: Length of the file in bytes.
    """

    volume: Annotated[str, Field(pattern=r"^[0-9a-f]{32}\.bin$")]
    sha256: checking.Filled
    length: checking.Positive


@checking.record
class Volumes:
    """The grid and the panels that all volumes of a study share, and their files.

    Attributes:
        slices: Number of slices of every volume.
        rows: Rows of a slice.
        columns: Columns of a slice.
        panels: Side by side, from left to right.
        files: By pseudo-ID.
    """

    slices: checking.Positive
    rows: checking.Positive
    columns: checking.Positive
    panels: Annotated[tuple[Panel, ...], Field(min_length=1, max_length=MOST_PANELS)]
    files: Mapping[str, VolumeFile]

    def __post_init__(self) -> None:
        names = [file.volume for file in self.files.values()]
        if len(set(names)) != len(names):
            why = "must each have their own volume, got one twice"
            raise checking.Invalid(why, "files")

    def layout(self) -> dict[str, Any]:
        """Return grid and panels as plain values, without the files."""
        content = asdict(self)
        del content["files"]
        return content


@checking.record
class Slot:
    """The place of one planned reader.

    Attributes:
        name: Such as `reader-1`.
        group: Which pictures this reader sees in which trial.
        orders: By trial the tokens in the order of presentation.
    """

    name: checking.Filled
    group: checking.Filled
    orders: Annotated[Mapping[int, tuple[checking.Filled, ...]], Field(min_length=1)]


@checking.record
class Manifest:
    """All that a reading server needs to know, and nothing that unblinds.

    Attributes:
        schema: Version of this form.
        study_id: Random name of the study, which key and manifest share.
        protocol_sha256: Hash of the protocol the study was built from.
        questionnaire_sha256: Hash of the questionnaire.
        commitment: Salted hash of the key's content.
        nonce: SHA-256 of the nonce, itself in the key, that seeded the design.
        presentations: By token, so that their order tells nothing.
        slots: One per planned reader.
        training_sha256: Hash of the list of training cases; empty if there are none.
        volumes: Sealed volumes, where readers scroll through stacks; else None.
        panel_readings: By token how many readers of a panel gave which answer, where
            its adjudication shows that.
        program: Version of the program that built it; empty in earlier studies.
        content_sha256: Hash of all of the above, by which damage is found before a
            database knows the study; empty in studies of earlier versions.
    """

    schema: Literal[1]
    study_id: checking.Filled
    protocol_sha256: checking.Filled
    questionnaire_sha256: checking.Filled
    commitment: checking.Text
    nonce: checking.Text
    presentations: tuple[Presentation, ...]
    slots: tuple[Slot, ...]
    training_sha256: checking.Text = ""
    volumes: Volumes | None = None
    panel_readings: Mapping[str, checking.Filled] = field(default_factory=dict)
    program: checking.Text = ""
    content_sha256: checking.Text = ""

    def __post_init__(self) -> None:
        for name in ("token", "pseudo_id", "image"):
            values = [getattr(p, name) for p in self.presentations]
            if len(set(values)) != len(values):
                why = f"must each have its own {name}, got one twice"
                raise checking.Invalid(why, "presentations")
        shown = {p.pseudo_id for p in self.presentations}
        if self.volumes is not None and set(self.volumes.files) != shown:
            msg = f"must be one for each presentation, got {len(self.volumes.files)}"
            raise checking.Invalid(msg, "volumes", "files")
        for place, slot in enumerate(self.slots):
            self._check(slot, place)
        if len({slot.name for slot in self.slots}) != len(self.slots):
            msg = "must each have its own name, got one twice"
            raise checking.Invalid(msg, "slots")

    @property
    def is_whole(self) -> bool:
        """Whether its hash is that of its content; of an earlier version, unknown."""
        return self.content_sha256 in ("", self._hash())

    def sealed(self) -> "Manifest":
        """Return it with the hash of its content."""
        return replace(self, content_sha256=self._hash())

    def presentation(self, token: str) -> Presentation:
        """Return what a token stands for.

        Raises:
            StudyError: If the study has no such token.
        """
        if token not in self._by_token:
            msg = f"The study has no presentation {token!r}"
            raise StudyError(msg)
        return self._by_token[token]

    def slot(self, name: str) -> Slot:
        """Return the place of a planned reader.

        Raises:
            StudyError: If the study has no such slot.
        """
        for slot in self.slots:
            if slot.name == name:
                return slot
        msg = f"The study has no slot {name!r}; it has {len(self.slots)}"
        raise StudyError(msg)

    def orders(self, slot_name: str, trial: int) -> tuple[str, ...]:
        """Return the tokens of a reader's trial in the order of presentation.

        Raises:
            StudyError: If the study has no such slot or trial.
        """
        orders = self.slot(slot_name).orders
        if trial not in orders:
            msg = f"trial must be one of {sorted(orders)}, got {trial!r}"
            raise StudyError(msg)
        return orders[trial]

    def to_dict(self) -> dict[str, Any]:
        """Return the content as plain values."""
        content = asdict(self)
        for slot in content["slots"]:
            slot["orders"] = {str(trial): o for trial, o in slot["orders"].items()}
        if not self.training_sha256:  # as before there was training
            del content["training_sha256"]
        if self.volumes is None:  # as before there were volumes
            del content["volumes"]
        for name in ("panel_readings", "program", "content_sha256"):
            if not content[name]:  # as before it had them
                del content[name]
        return content

    def to_json(self) -> str:
        """Return the text of manifest.json."""
        return checking.json_text(self.to_dict(), indent=1)

    @staticmethod
    def from_dict(content: object, where: str = "manifest") -> "Manifest":
        """Return what `to_dict` was called on.

        Args:
            content: What `to_dict` returned.
            where: What messages begin with.

        Raises:
            FormatError: If it is not such a content.
        """
        return checking.check(Manifest, content, checking.Source(where, content))

    def _hash(self) -> str:
        content = self.to_dict()
        content.pop("content_sha256", None)
        return canonical.sha256_of(content)

    @cached_property
    def _by_token(self) -> dict[str, Presentation]:
        return {p.token: p for p in self.presentations}

    def _check(self, slot: Slot, place: int) -> None:
        for trial, order in slot.orders.items():
            there = [
                p.token
                for p in self.presentations
                if (p.group, p.trial) == (slot.group, trial)
            ]
            if sorted(order) != sorted(there):
                counts = f"{len(order)} for {len(there)}"
                why = f"must show each picture of its group once, got {counts}"
                raise checking.Invalid(why, "slots", place, "orders", str(trial))


def program_version() -> str:
    """Return the version of this program; `unknown` where it was not installed."""
    try:
        return version("magic-ctp")
    except PackageNotFoundError:
        return "unknown"


def read_manifest(path: str | Path) -> Manifest:
    """Read manifest.json.

    Raises:
        FormatError: If it cannot be read or used; all faults are named, with file and
            line.
    """
    source = checking.read_json(path)
    return checking.check(Manifest, source.content, source)
