"""Which screen a reader is on: decided by the store, never by the page."""

from dataclasses import dataclass
from enum import StrEnum

from app.accounts import sign_in_version
from app.room import Room
from reader_study.reading.acknowledgements import Confirmation, acknowledged_versions
from reader_study.reading.reader_state import Due, ReaderState


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


_STAGES = {
    Due.NOT_OPEN: Stage.CLOSED,
    Due.WASHOUT: Stage.WASHOUT,
    Due.TRAINING: Stage.TRAINING,
    Due.READING: Stage.READING,
    Due.SIGNATURE: Stage.REVIEW,
    Due.CLOSING: Stage.CLOSING,
    Due.NOTHING: Stage.FINISHED,
}
_AT_WORK = {Due.TRAINING, Due.READING, Due.SIGNATURE}


@dataclass(frozen=True, kw_only=True)
class ReaderView:
    """What the pages know of a reader at one moment."""

    state: ReaderState
    """Readings and trials of the reader, and the phase of the study."""

    due: Due = Due.READING
    """What the reader has to do now, as `ReadingSession` says."""

    instructed: bool = False
    """Whether the instructions of this protocol are confirmed, with consent."""

    display_checked: bool = False
    """Whether the display was found fit since the last sign-in."""

    @property
    def stage(self) -> Stage:
        """The screen that the reader is on."""
        if self.due in _AT_WORK and not self.instructed:
            return Stage.INSTRUCTIONS
        if self.due in _AT_WORK and not self.display_checked:
            return Stage.DISPLAY
        return _STAGES[self.due]


def find_reader_view(room: Room, reader: str) -> ReaderView:
    """Ask the store what the pages know of a reader.

    Raises:
        StudyError: If the reader takes no part, or the store cannot be read.
        TypeError: If `room` is none.
    """
    _require_room(room)
    session = room.session_of(reader)
    state, due = session.progress(), session.due()
    version = room.study.manifest.protocol_sha256
    confirmed = {
        kind: acknowledged_versions(room.store, reader, kind) for kind in Confirmation
    }
    return ReaderView(
        state=state,
        due=due,
        instructed=version in confirmed[Confirmation.INSTRUCTIONS],
        display_checked=sign_in_version() in confirmed[Confirmation.DISPLAY],
    )


def _require_room(given: object) -> None:
    if not isinstance(given, Room):
        msg = f"room must be a Room, got {given!r}"
        raise TypeError(msg)
