"""Whether the display is fit for reading: large enough, and all grey steps seen."""

import math
from collections.abc import Mapping

import streamlit as st

from app.accounts import perform, sign_in_version
from app.components import display_size
from app.room import Room
from app.screens.frame import show_sheet
from app.words import say
from reader_study.reading.acknowledgements import Confirmation, acknowledge

LEAST = {"width": 900, "height": 420}
"""Smallest window in points (CSS pixels) that shows the picture beside the questions:
that of a laptop of 1366 x 768 whose browser enlarges to 150 %, and of a tablet held
across, is larger."""

PIXELS = {"width": 1000, "height": 560}
"""What it must have in pixels of the screen, which is what a picture is drawn with."""


def show_display_check() -> None:
    """Let the reader confirm what the display shows."""
    with st.container(key="wide-sheet"):
        show_sheet(
            say("Your display"),
            say(
                "Please read in a darkened room with the window as large as it can be. "
                "You should see 18 steps from black to white, and a square in each of "
                "the two fields below. If not, change brightness or contrast of the "
                "display."
            ),
        )
        size = display_size()
        problem = size_problem(size)
        if problem:
            with st.container(key="notice-bad"):
                st.text(problem)
        st.button(
            say("I see all steps and both squares"),
            key="display-continue",
            type="primary",
            disabled=bool(problem) or not size,
            on_click=_accept,
            args=(size,),
        )


def size_problem(size: Mapping[str, float]) -> str:
    """Say what is wrong with a window; empty if nothing is known to be.

    Examples:
        >>> size_problem({"width": 911, "height": 425, "ratio": 1.5})
        ''
    """
    if not size:
        return ""
    ratio = size.get("ratio", 1)
    for what, least, scale, remedy in (
        (say("pixels of the screen"), PIXELS, ratio, say("Make it larger.")),
        (
            say("points"),
            LEAST,
            1,
            say("Make it larger or the zoom of the browser smaller."),
        ),
    ):
        width, height = (scale * size.get(side, math.inf) for side in least)
        if width < least["width"] or height < least["height"]:
            wanted = f"{least['width']} x {least['height']}"
            got = f"{width:.0f} x {height:.0f}"
            told = say(
                "The window must have at least {wanted} {what}, got {got}.",
                wanted=wanted,
                what=what,
                got=got,
            )
            return f"{told} {remedy}"
    return ""


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
