"""What every screen has: its look, the line on top, and the words on its use."""

from collections.abc import Callable
from html import escape
from importlib.resources import files

import streamlit as st

from app import state
from app.accounts import report, secret_of_browser
from app.components import keep_session
from app.room import Room, served_room
from reader_study.errors import StudyError
from reader_study.running.access import IDLE_HOURS, sign_out

USE = "Research use only"


def show_style() -> None:
    """Give all screens their quiet look."""
    style = files("app.screens").joinpath("style.css").read_text("utf-8")
    st.html(f"<style>{style}</style>")


def show_bar(
    title: str,
    middle: str = "",
    reader: str = "",
    *,
    leave: Callable[[], None] | None = None,
    idle_hours: float = IDLE_HOURS,
) -> None:
    """Show the line on top.

    Args:
        title: Of the study.
        middle: Where the reader stands.
        reader: Who is signed in; empty if nobody.
        leave: What signs out; None for the reader's.
        idle_hours: After how long without a sign of somebody the page is left.
    """
    with st.container(key="bar", horizontal=True, vertical_alignment="center"):
        st.html(
            f"<div class='bar'><span class='title'>{escape(title)}</span>"
            f"<span class='middle'>{escape(middle)}</span>"
            f"<span class='reader'>{escape(reader)}</span>"
            f"<span class='use'>{USE}</span></div>"
        )
        if reader:
            st.button("Sign out", key="sign-out", on_click=leave or _leave)
            keep_session(idle_hours * 3600)


def show_sheet(heading: str, text: str = "") -> None:
    """Show the beginning of a screen of text."""
    st.html(f"<h1>{escape(heading)}</h1>{paragraphs(text)}")


def paragraphs(text: str) -> str:
    """Give a text as HTML that shows it letter by letter."""
    parts = [part.strip() for part in text.split("\n\n") if part.strip()]
    return "".join(f"<p>{escape(part)}</p>" for part in parts)


def _leave() -> None:
    try:
        room: Room = served_room()
        sign_out(room.store, secret_of_browser(), clock=room.clock)
    except StudyError as error:
        report(error)
    state.hand_off("")
