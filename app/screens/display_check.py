"""Whether the display is fit for reading: large enough, and all grey steps seen."""

from collections.abc import Mapping

import streamlit as st

from app.accounts import perform, sign_in_version
from app.components import display_size
from app.room import Room
from app.screens.frame import show_sheet
from reader_study.reading.acknowledgements import Confirmation, acknowledge

LEAST = {"width": 1000, "height": 560}
"""Smallest window in CSS pixels that shows the picture beside the questions: that of a
full-HD laptop at 150 %, and of a tablet held across, is larger."""


def show_display_check() -> None:
    """Let the reader confirm what the display shows."""
    with st.container(key="wide-sheet"):
        show_sheet(
            "Your display",
            "Please read in a darkened room with the window as large as it can be. You "
            "should see 18 steps from black to white, and a square in each of the two "
            "fields below. If not, change brightness or contrast of the display.",
        )
        size = display_size()
        problem = size_problem(size)
        if problem:
            with st.container(key="notice-bad"):
                st.text(problem)
        st.button(
            "I see all steps and both squares",
            key="display-continue",
            type="primary",
            disabled=bool(problem) or not size,
            on_click=_accept,
            args=(size,),
        )


def size_problem(size: Mapping[str, float]) -> str:
    """Say what is wrong with a window; empty if nothing is known to be.

    Examples:
        >>> size_problem({"width": 1366, "height": 768})
        ''
    """
    small = [name for name, least in LEAST.items() if size.get(name, least) < least]
    if not small:
        return ""
    return (
        f"The window must have at least {LEAST['width']} x {LEAST['height']} points, "
        f"got {size.get('width', 0):.0f} x {size.get('height', 0):.0f}. Make it larger "
        "or make the zoom of the browser smaller."
    )


def _accept(size: Mapping[str, float]) -> None:
    def act(room: Room, reader: str) -> None:
        acknowledge(
            room.store,
            reader,
            Confirmation.DISPLAY,
            sign_in_version(),
            clock=room.clock,
            details=dict(size),
        )

    perform(act)
