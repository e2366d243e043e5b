"""The manifest of a study: what is shown, to whom, in which order - never what it is.

A token stands for one picture as one group of readers sees it in one trial. Neither
case nor method is named; the sealed key alone says what is behind a token.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from reader_study.errors import StudyError
from reader_study.formats.checking import entries, fields, text, whole

SCHEMA = 1


@dataclass(frozen=True)
class Presentation:
    """A picture as one group of readers sees it in one trial.

    Attributes:
        token: Opaque and unique in the study.
        group: Readers who see the same pictures in the same trial.
        trial: 1 or 2.
        pseudo_id: What readers know the case as in this trial.
        image: File name inside STUDY/images.
        sha256: Of the file, in hexadecimal.
        length: Of the file, in bytes.
    """

    token: str
    group: str
    trial: int
    pseudo_id: str
    image: str
    sha256: str
    length: int

    def __post_init__(self) -> None:
        for name in ("token", "group", "pseudo_id", "image", "sha256"):
            text(getattr(self, name), f"{name} of a presentation")
        if self.image != PurePosixPath(self.image).name or "\\" in self.image:
            msg = f"image must be a plain file name, got {self.image!r}"
            raise StudyError(msg)
        whole(self.trial, f"trial of {self.token}", 1)
        whole(self.length, f"length of {self.token}", 1)


@dataclass(frozen=True)
class Slot:
    """The place of one planned reader.

    Attributes:
        name: Such as `reader-1`.
        group: Which pictures this reader sees in which trial.
        orders: By trial the tokens in the order of presentation.
    """

    name: str
    group: str
    orders: Mapping[int, tuple[str, ...]]


@dataclass(frozen=True)
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
    """

    schema: int
    study_id: str
    protocol_sha256: str
    questionnaire_sha256: str
    commitment: str
    nonce: str
    presentations: tuple[Presentation, ...]
    slots: tuple[Slot, ...]
    training_sha256: str = ""

    def __post_init__(self) -> None:
        if self.schema != SCHEMA:
            msg = f"schema of the manifest must be {SCHEMA}, got {self.schema!r}"
            raise StudyError(msg)
        for name in ("study_id", "protocol_sha256", "questionnaire_sha256"):
            text(getattr(self, name), name)
        for name in ("token", "pseudo_id", "image"):
            values = [getattr(p, name) for p in self.presentations]
            if len(set(values)) != len(values):
                msg = f"Each presentation must have its own {name}, got one twice"
                raise StudyError(msg)
        for slot in self.slots:
            self._check(slot)
        if len({slot.name for slot in self.slots}) != len(self.slots):
            msg = "Each slot must have its own name, got one twice"
            raise StudyError(msg)

    def presentation(self, token: str) -> Presentation:
        """Give what a token stands for.

        Raises:
            StudyError: If the study has no such token.
        """
        if token not in self._by_token:
            msg = f"The study has no presentation {token!r}"
            raise StudyError(msg)
        return self._by_token[token]

    def slot(self, name: str) -> Slot:
        """Give the place of a planned reader.

        Raises:
            StudyError: If the study has no such slot.
        """
        for slot in self.slots:
            if slot.name == name:
                return slot
        msg = f"The study has no slot {name!r}; it has {len(self.slots)}"
        raise StudyError(msg)

    def orders(self, slot_name: str, trial: int) -> tuple[str, ...]:
        """Give the tokens of a reader's trial in the order of presentation.

        Raises:
            StudyError: If the study has no such slot or trial.
        """
        orders = self.slot(slot_name).orders
        if trial not in orders:
            msg = f"trial must be one of {sorted(orders)}, got {trial!r}"
            raise StudyError(msg)
        return orders[trial]

    def to_dict(self) -> dict[str, Any]:
        """Give the content as plain values."""
        content = asdict(self)
        for slot in content["slots"]:
            slot["orders"] = {str(trial): o for trial, o in slot["orders"].items()}
        if not self.training_sha256:  # as before there was training
            del content["training_sha256"]
        return content

    @staticmethod
    def from_dict(content: object) -> "Manifest":
        """Rebuild what `to_dict` gave.

        Raises:
            StudyError: If it is not such a content.
        """
        *wanted, later = Manifest.__dataclass_fields__
        given = fields(content, "manifest", wanted, (later,))
        names = Presentation.__dataclass_fields__
        presentations = [
            Presentation(**fields(p, "a presentation", names))
            for p in entries(given["presentations"], "presentations")
        ]
        slots = [_slot(entry) for entry in entries(given["slots"], "slots")]
        return Manifest(
            **given | {"presentations": tuple(presentations), "slots": tuple(slots)}
        )

    @cached_property
    def _by_token(self) -> dict[str, Presentation]:
        return {p.token: p for p in self.presentations}

    def _check(self, slot: Slot) -> None:
        for trial, order in slot.orders.items():
            there = [
                p.token
                for p in self.presentations
                if (p.group, p.trial) == (slot.group, trial)
            ]
            if sorted(order) != sorted(there):
                counts = f"{len(order)} for {len(there)}"
                why = f"must show each picture of its group once, got {counts}"
                msg = f"{slot.name}: trial {trial} {why}"
                raise StudyError(msg)


def _slot(entry: object) -> Slot:
    given = fields(entry, "a slot", Slot.__dataclass_fields__)
    orders = given["orders"] if isinstance(given["orders"], dict) else {}
    if not orders or not all(str(trial).isdecimal() for trial in orders):
        msg = f"orders of a slot must be lists by trial, got {given['orders']!r:.60}"
        raise StudyError(msg)
    by_trial = {
        int(trial): tuple(text(t, "a token") for t in entries(order, "an order"))
        for trial, order in orders.items()
    }
    return Slot(text(given["name"], "name of a slot"), given["group"], by_trial)
