"""Which screen a reader is on: decided by the store, never by the page."""

from dataclasses import dataclass
from enum import StrEnum

from app.accounts import sign_in_version
from app.room import Room
from reader_study.reading.acknowledgements import Confirmation, acknowledged_versions
from reader_study.reading.closing import requires_closing
from reader_study.reading.reader_state import ReaderState
from reader_study.store.milestones import Phase


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


@dataclass(frozen=True, kw_only=True)
class ReaderView:
    """What the pages know of a reader at one moment."""

    state: ReaderState
    """Readings and trials of the reader, and the phase of the study."""

    instructed: bool = False
    """Whether the instructions of this protocol are confirmed, with consent."""

    display_checked: bool = False
    """Whether the display was found fit since the last sign-in."""

    trained: bool = True
    """Whether the training before the current trial is done, or there is none."""

    closed: bool = True
    """Whether the closing questions are answered, or not asked."""

    @property
    def stage(self) -> Stage:
        """The screen that the reader is on."""
        state, phase = self.state, self.state.phase
        closing = state.finished and phase is Phase.OPEN and not self.closed
        needs = (
            (Stage.CLOSING, closing),
            (Stage.FINISHED, state.finished),
            (Stage.CLOSED, phase is not Phase.OPEN),
            (Stage.WASHOUT, state.washout_until is not None),
            (Stage.INSTRUCTIONS, not self.instructed),
            (Stage.DISPLAY, not self.display_checked),
            (Stage.REVIEW, state.may_sign),
            (Stage.TRAINING, not self.trained),
        )
        return next((stage for stage, needed in needs if needed), Stage.READING)


def find_reader_view(room: Room, reader: str) -> ReaderView:
    """Ask the store what the pages know of a reader.

    Raises:
        StudyError: If the reader takes no part, or the store cannot be read.
        TypeError: If `room` is none.
    """
    _require_room(room)
    store, state = room.store, room.session_of(reader).progress()
    version = room.study.manifest.protocol_sha256
    confirmed = {
        kind: acknowledged_versions(store, reader, kind) for kind in Confirmation
    }
    return ReaderView(
        state=state,
        instructed=version in confirmed[Confirmation.INSTRUCTIONS],
        display_checked=sign_in_version() in confirmed[Confirmation.DISPLAY],
        trained=room.training_of(reader).at_hand(state.trial) is None,
        closed=not (state.finished and requires_closing(room.study, store, reader)),
    )


def _require_room(given: object) -> None:
    if not isinstance(given, Room):
        msg = f"room must be a Room, got {given!r}"
        raise TypeError(msg)
