"""What a click does to the store: who clicked is asked anew, faults become words."""

import sys
from collections.abc import Callable

from app import state
from app.identity import reader_at_browser
from app.room import Room, served_room
from reader_study.errors import StudyError
from reader_study.reading.answers import AnswersError
from reader_study.reading.reading_session import StaleReadingError

ENDED = "Your session has ended. What was saved is kept; please sign in again."
FAILED = "This could not be stored. Please try again, or tell the coordinator."

Act = Callable[[Room, str], None]
"""Does something for a reader in the reading room."""


def perform(act: Act) -> bool:
    """Do something for whoever is signed in at this moment.

    Returns:
        Whether it was done. If not, the next page says why.
    """
    try:
        room = served_room()
        reader = reader_at_browser(room)
        if reader is None:
            state.notify(ENDED)
            return False
        act(room, reader)
    except (AnswersError, StaleReadingError) as error:
        state.notify(f"{error}.")
        return False
    except StudyError as error:
        report(error)
        state.notify(FAILED)
        return False
    return True


def report(error: StudyError) -> None:
    """Tell the server's operator; a page shows no message that may hold a path."""
    sys.stderr.write(f"magic-app: {error}\n")
