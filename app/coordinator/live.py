"""A part of a page that asks the store again by itself."""

from collections.abc import Callable

import streamlit as st

from app import state
from app.accounts import COORDINATOR, room_at_browser
from app.coordinator.view import CoordinatorView, Row, find_coordinator_view
from app.room import report
from reader_study.errors import StudyError
from reader_study.running.access import AccessError

REFRESH_SECONDS = 10

_WIDE = (
    *((name, 112) for name in ("Added", "Recorded", "Signed", "Usable until")),
    ("Stands", 192),
    ("Active seconds", 106),
    *((name, 66) for name in ("Assigned", "Opened", "Declined", "Missing", "Seconds")),
    *((name, 74) for name in ("Corrected", "Submitted")),
    ("Trial", 46),
)
"""Least widths in points of columns that need more, or less, than usual; together they
fit a window of 1024."""

_TROUBLE = "The study cannot be read at the moment. The page tries again by itself."


@st.fragment(run_every=REFRESH_SECONDS)
def show_live(show: Callable[[CoordinatorView], None]) -> None:
    """Show what the store says now, and again after a while.

    Refreshing is no sign of the coordinator: a session ends behind an open page, too.
    """
    try:
        view = find_coordinator_view(room_at_browser(COORDINATOR))
    except AccessError:
        st.rerun(scope="app")
    except StudyError as error:
        report(error)
        st.text(_TROUBLE)
        return
    show(view)


def show_table(rows: list[Row], empty: str) -> None:
    """Show rows that can be sorted by each column.

    Args:
        rows: With the same headings.
        empty: What is said where there are none.
    """
    if not rows:
        st.text(empty)
        return
    st.dataframe(
        rows,
        hide_index=True,
        width="stretch",
        height="content",
        placeholder="",
        column_config={name: st.column_config.Column(width=w) for name, w in _WIDE},
    )


def show_zone() -> None:
    """Say what times mean, and that the page is not left behind."""
    zone = state.zone() or "UTC"
    st.text(f"Times in {zone}. Refreshed every {REFRESH_SECONDS} seconds.")
