"""Which screen a reader is on: decided by the store, never by the page; pure."""

from dataclasses import dataclass
from enum import StrEnum

from app.accounts import sign_in_version
from app.room import Room
from reader_study.reading.acknowledgements import (
    Kind,
    acknowledge,
    acknowledged_versions,
)
from reader_study.reading.closing import requires_closing
from reader_study.reading.progress import Progress
from reader_study.store.phase import Phase


class Stage(StrEnum):
    """The screens of a reader who has signed in, in their order."""

    CLOSED = "closed"
    INSTRUCTIONS = "instructions"
    DISPLAY = "display"
    TRAINING = "training"
    READING = "reading"
    REVIEW = "review"
    WASHOUT = "washout"
    CLOSING = "closing"
    FINISHED = "finished"


@dataclass(frozen=True)
class Acknowledged:
    """What a reader has done beside the readings.

    Attributes:
        instructions: Those of this protocol are confirmed, with consent to take part.
        display: It shows all grey steps; confirmed since the last sign-in.
        training: Before the trial at hand, it is done or there is none.
        closing: The closing questions are answered, or are not asked.
    """

    instructions: bool = False
    display: bool = False
    training: bool = True
    closing: bool = True


def stage_of(progress: Progress, phase: Phase, acknowledged: Acknowledged) -> Stage:
    """Give the screen that a reader is on."""
    closing = progress.finished and phase is Phase.OPEN and not acknowledged.closing
    needs = (
        (Stage.CLOSING, closing),
        (Stage.FINISHED, progress.finished),
        (Stage.CLOSED, phase is not Phase.OPEN),
        (Stage.WASHOUT, progress.washout_until is not None),
        (Stage.INSTRUCTIONS, not acknowledged.instructions),
        (Stage.DISPLAY, not acknowledged.display),
        (Stage.REVIEW, progress.may_sign),
        (Stage.TRAINING, not acknowledged.training),
    )
    return next((stage for stage, needed in needs if needed), Stage.READING)


__all__ = ["Kind", "acknowledge", "acknowledged", "acknowledged_versions"]


def acknowledged(room: Room, progress: Progress) -> Acknowledged:
    """Ask the store what a reader has done beside the readings.

    Raises:
        StudyError: If the store cannot be read.
    """
    store, reader = room.store, progress.reader
    version = room.study.manifest.protocol_sha256
    return Acknowledged(
        version in acknowledged_versions(store, reader, Kind.INSTRUCTIONS),
        sign_in_version() in acknowledged_versions(store, reader, Kind.DISPLAY),
        room.training_of(reader).at_hand(progress.trial) is None,
        not (progress.finished and requires_closing(room.study, store, reader)),
    )
