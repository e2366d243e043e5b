"""What a click does to the store: who clicked is asked anew, faults become words."""

from collections.abc import Callable

from app import state
from app.accounts import report
from app.coordinator.identity import require_coordinator
from app.room import Room, served_room
from reader_study.errors import StudyError
from reader_study.running.access import AccessError

ENDED = "Your session has ended; nothing was changed. Please sign in again."

Act = Callable[[Room, str], None]
"""Does something in the name of a coordinator."""


def perform(act: Act) -> None:
    """Do something for the coordinator who is signed in at this moment.

    If it cannot be done, the next page says why, in the words of the library: they
    tell what must be typed otherwise.
    """
    try:
        room = served_room()
        act(room, require_coordinator(room, alive=True))
    except AccessError:
        state.notify(ENDED)
    except StudyError as error:
        report(error)
        state.notify(f"{error}.")
