"""A code that was just issued: shown to who issued it, until that person is done."""

from html import escape

import streamlit as st

from app.coordinator.identity import require_coordinator
from app.room import Room, served_room
from reader_study.running.access import CODE_DAYS, issue_code

_FRESH = "fresh-code"


def issue(room: Room, reader: str, coordinator: str) -> None:
    """Issue a code for a reader; not a second one while the first is shown.

    Raises:
        StudyError: If there is no such active reader.
    """
    if _FRESH not in st.session_state:
        code = issue_code(room.store, reader, by=coordinator, clock=room.clock)
        st.session_state[_FRESH] = (coordinator, reader, code)


def show() -> bool:
    """Show the code that was just issued.

    Returns:
        Whether there is one.
    """
    issuer, reader, code = st.session_state.get(_FRESH, ("", "", ""))
    if not code or issuer != require_coordinator(served_room()):
        forget()
        return False
    with st.container(key="fresh-code-box"):
        st.html(
            f"<p>Code for {escape(reader)}</p><p class='code'>{escape(code)}</p>"
            f"<p class='small'>Hand it over in person or by telephone. It lets in once "
            f"within {CODE_DAYS:g} days, and is shown only here.</p>"
        )
        st.button("Done", key="fresh-code-done", on_click=forget)
    return True


def forget() -> None:
    """Show it no more."""
    st.session_state.pop(_FRESH, None)
