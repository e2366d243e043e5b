"""Who sits at the browser: told by a cookie that no script of a page can read."""

import hashlib

import streamlit as st

from app.room import Room
from reader_study.running.access import AccessError, resume

COOKIE = "reading_session"


def secret_of_browser() -> str:
    """Give what the browser sent when it connected; empty if nothing.

    The session of Streamlit is not asked: whoever presents its id takes it over.
    """
    return st.context.cookies.to_dict().get(COOKIE, "")


def reader_at_browser(room: Room) -> str | None:
    """Give the reader who is signed in and keep the session alive; None if nobody.

    Raises:
        StudyError: If the store cannot be used.
    """
    secret = secret_of_browser()
    if not secret:
        return None
    try:
        return resume(room.store, secret, clock=room.clock)
    except AccessError:
        return None


def sign_in_version() -> str:
    """Name this sign-in as the log does, without giving its secret away."""
    return hashlib.sha256(secret_of_browser().encode()).hexdigest()[:16]
