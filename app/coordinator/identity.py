"""Which coordinator sits at the browser: told by a cookie that opens no reading."""

import streamlit as st

from app.room import Room
from reader_study.running.access import COORDINATOR, AccessError, resume

COOKIE = "monitor_session"
"""Not that of readers: a browser sends both to every port of a machine."""


def secret_of_browser() -> str:
    """Give what the browser sent when it connected; empty if nothing."""
    return st.context.cookies.to_dict().get(COOKIE, "")


def require_coordinator(room: Room, *, alive: bool = False) -> str:
    """Give the coordinator who is signed in at this moment.

    Args:
        room: The study.
        alive: Whether this is a sign of somebody, which keeps the session alive.

    Raises:
        AccessError: If nobody is, or only a reader.
        StudyError: If the store cannot be used.
    """
    secret = secret_of_browser()
    if not secret:
        msg = "A coordinator must be signed in"
        raise AccessError(msg)
    return resume(room.store, secret, clock=room.clock, role=COORDINATOR, alive=alive)
