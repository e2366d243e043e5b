"""What a reader has confirmed, practised and answered, as the store says now."""

from app.identity import sign_in_version
from app.room import Room
from app.stage import Acknowledged
from reader_study.reading.acknowledgements import (
    Confirmation,
    acknowledge,
    acknowledged_versions,
)
from reader_study.reading.closing import requires_closing
from reader_study.reading.reader_state import ReaderState

__all__ = ["Confirmation", "acknowledge", "acknowledged", "acknowledged_versions"]


def acknowledged(room: Room, progress: ReaderState) -> Acknowledged:
    """Ask the store what a reader has done beside the readings.

    Raises:
        StudyError: If the store cannot be read.
    """
    store, reader = room.store, progress.reader
    version = room.study.manifest.protocol_sha256
    return Acknowledged(
        version in acknowledged_versions(store, reader, Confirmation.INSTRUCTIONS),
        sign_in_version() in acknowledged_versions(store, reader, Confirmation.DISPLAY),
        room.training_of(reader).at_hand(progress.trial) is None,
        not (progress.finished and requires_closing(room.study, store, reader)),
    )
