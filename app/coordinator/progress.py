"""Progress: how far each reader has come in each trial."""

import streamlit as st

from app import state
from app.coordinator.desk import Desk
from app.coordinator.identity import require_coordinator
from app.coordinator.live import show_live, show_table, show_zone
from app.coordinator.tables import progress_rows
from app.room import served_room


def show_progress() -> None:
    """Show counts and times of all readers."""
    require_coordinator(served_room())
    show_live(_show)


def _show(desk: Desk) -> None:
    show_table(progress_rows(desk, state.zone()), "No readers yet.")
    st.text(
        "Missing: assigned, but not submitted. Seconds: median per reading, from "
        "opening to submitting as the server saw it. Active seconds: median of what "
        "the reader's browser counted, without idle time."
    )
    show_zone()
