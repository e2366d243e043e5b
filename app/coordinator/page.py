"""The monitor: asks who is there, and shows the page that was chosen."""

from collections.abc import Callable, Mapping
from importlib.resources import files

import streamlit as st

from app import state
from app.accounts import report
from app.components import begin_session, end_session
from app.coordinator import readers
from app.coordinator.identity import require_coordinator, secret_of_browser
from app.coordinator.overview import show_overview, show_progress
from app.coordinator.readers import show_readers
from app.coordinator.sign_in import show_sign_in
from app.room import served_room
from app.screens.frame import show_bar, show_sheet, show_style
from reader_study.errors import StudyError
from reader_study.running.access import AccessError
from reader_study.running.coordinators import IDLE_MINUTES, sign_out

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
        _show_desk()
    except StudyError as error:
        report(error)
        with st.container(key="trouble"):
            show_sheet("Please wait", _TROUBLE)


def _show_desk() -> None:
    room = served_room()
    _, protocol = room.state()
    try:
        name = require_coordinator(room, alive=True)
    except AccessError:
        readers.forget()
        show_sign_in(protocol.title)
        return
    hours = IDLE_MINUTES / 60
    show_bar(protocol.title, "Monitor", name, leave=_leave, idle_hours=hours)
    chosen = st.segmented_control(
        "Page",
        list(PAGES),
        default="Overview",
        required=True,
        key=_CHOSEN,
        label_visibility="collapsed",
        on_change=readers.forget,
    )
    PAGES[chosen or "Overview"]()


def _leave() -> None:
    try:
        room = served_room()
        sign_out(room.store, secret_of_browser(), clock=room.clock)
    except StudyError as error:
        report(error)
    readers.forget()
    state.hand_off("")
