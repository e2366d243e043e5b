"""The frame of every screen: its look, the line on top, and the words on its use."""

from collections.abc import Callable
from html import escape
from importlib.resources import files

import streamlit as st

from app import state
from app.accounts import READER, leave
from app.components import keep_session
from app.words import language, say

USE = "Research use only"
NOT_SHOWN = "The picture could not be shown."

_DAMAGED = (
    "Its file is damaged. Nothing that you saved is lost, and it is not your doing: go "
    "on without it. The study keeps that it could not be shown."
)


def show_style() -> None:
    """Return all screens their quiet look."""
    style = files("app.screens").joinpath("style.css").read_text("utf-8")
    st.html(f"<style>{style}</style>")


def show_bar(
    title: str,
    middle: str = "",
    reader: str = "",
    *,
    on_leave: Callable[[], None] | None = None,
    idle_seconds: float = READER.idle_seconds,
) -> None:
    """Show the line on top.

    Args:
        title: Of the study.
        middle: Where the reader stands.
        reader: Who is signed in; empty if nobody.
        on_leave: Signs out; None for what signs out a reader.
        idle_seconds: After so long without a sign of somebody the page is left.
    """
    with st.container(key="bar", horizontal=True, vertical_alignment="center"):
        st.html(
            f"<div class='bar' lang='{language()}'>"
            f"<span class='title'>{escape(title)}</span>"
            f"<span class='middle'>{escape(middle)}</span>"
            f"<span class='reader'>{escape(reader)}</span>"
            f"<span class='use'>{escape(say(USE))}</span></div>"
        )
        if reader:
            st.button(say("Sign out"), key="sign-out", on_click=on_leave or _leave)
            state.remember_correction(keep_session(idle_seconds))


def show_sheet(heading: str, text: str = "") -> None:
    """Show the beginning of a screen of text."""
    st.html(f"<h1>{escape(heading)}</h1>{paragraphs(text)}")


def show_damaged(go_on: Callable[..., None], *given: object) -> None:
    """Show that a picture cannot be shown, and a button that goes on without it."""
    with st.container(key="trouble"):
        state.show_notice(f"damaged-{given[0]}")
        show_sheet(say("This picture cannot be shown"), say(_DAMAGED))
        st.button(
            say("Go on without this picture"),
            key=f"go-on-{given[0]}",
            type="primary",
            on_click=go_on,
            args=given,
        )


def paragraphs(text: str) -> str:
    """Return a text as HTML that shows it letter by letter."""
    parts = [part.strip() for part in text.split("\n\n") if part.strip()]
    return "".join(f"<p>{escape(part)}</p>" for part in parts)


def _leave() -> None:
    leave(READER)
