"""The monitor: the page that was chosen, for a coordinator who is signed in."""

from collections.abc import Callable, Mapping
from importlib.resources import files

import streamlit as st

from app import state
from app.accounts import COORDINATOR, leave, require_coordinator
from app.components import begin_session, end_session
from app.coordinator.overview import show_overview, show_progress
from app.coordinator.readers import forget_code, show_readers
from app.room import report, served_room
from app.screens.frame import show_bar, show_sheet, show_style
from app.screens.sign_in import show_sign_in
from reader_study.errors import StudyError
from reader_study.running.access import AccessError

_CHOSEN = "page"
_TROUBLE = (
    "The study cannot be shown at the moment. Please load the page again in a minute; "
    "the server's own messages say more."
)

PAGES: Mapping[str, Callable[[], None]] = {
    "Overview": show_overview,
    "Progress": show_progress,
    "Readers and codes": show_readers,
}
"""Each asks anew who is there: a page that is not offered is not thereby protected."""


def show_page() -> None:
    """Show the sign-in or a page."""
    show_style()
    style = files("app.coordinator").joinpath("style.css").read_text("utf-8")
    st.html(f"<style>{style}</style>")
    secret = state.handed_off()
    if secret is not None:
        begin_session(secret) if secret else end_session()
        return
    try:
        _show_monitor()
    except StudyError as error:
        report(error)
        with st.container(key="trouble"):
            show_sheet("Please wait", _TROUBLE)


def _show_monitor() -> None:
    room = served_room()
    _, protocol = room.state()
    try:
        name = require_coordinator(room, alive=True)
    except AccessError:
        forget_code()
        show_sign_in(protocol.title, COORDINATOR)
        return
    show_bar(
        protocol.title,
        "Monitor",
        name,
        on_leave=_leave,
        idle_seconds=COORDINATOR.idle_seconds,
    )
    chosen = st.segmented_control(
        "Page",
        list(PAGES),
        default="Overview",
        required=True,
        key=_CHOSEN,
        label_visibility="collapsed",
        on_change=forget_code,
    )
    PAGES[chosen or "Overview"]()


def _leave() -> None:
    leave(COORDINATOR)
    forget_code()
