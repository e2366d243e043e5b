"""Memory of a page between two runs: notices and drafts, never the place."""

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from reader_study.formats.questionnaire import Answer

_NOTICE = "notice"
_DRAFT = "draft"
_HANDOFF = "handoff"
_LEFT = "left-correcting"
_AHEAD = "ahead"

Kept = tuple[str, Mapping[str, Answer], Mapping[str, str], str]
"""Token, answers, reasons and time of the draft that the store has."""


def notify(text: str, *, good: bool = False) -> None:
    """Let the next page say something once."""
    st.session_state[_NOTICE] = (text, good)


def show_notice() -> None:
    """Say what there is to say, and forget it."""
    text, good = _take_notice()
    if text:
        with st.container(key="notice-good" if good else "notice-bad"):
            st.text(text)


def show_trouble() -> str:
    """Say what went wrong, and give what went well, to be said more quietly."""
    text, good = _take_notice()
    if text and not good:
        notify(text)
        show_notice()
    return text if good else ""


def kept_draft() -> Kept:
    """Return the draft that the store is known to have."""
    kept: Kept = st.session_state.get(_DRAFT, ("", {}, {}, ""))
    return kept


def remember_draft(kept: Kept) -> None:
    """Note which draft the store has."""
    st.session_state[_DRAFT] = kept


@dataclass
class Handoff:
    """A sign-in on its way to the browser, if there is one; a leaving one is empty.

    Streamlit gives a run up where it asks for the session's state while a second click
    waits. Who uses up a code must have asked for this before: then nothing stands
    between the store's answer and its keeping.
    """

    secret: str | None = None


def handoff() -> Handoff:
    """Return where a sign-in is kept until the browser has it."""
    handoff: Handoff = st.session_state.setdefault(_HANDOFF, Handoff())
    return handoff


def remember_ahead(token: str) -> None:
    """Note of which reading the page has fetched the picture ahead."""
    st.session_state[_AHEAD] = token


def at_hand(token: str) -> str:
    """Return the token if the page has that reading's picture; else an empty one."""
    return token if st.session_state.get(_AHEAD) == token else ""


def remember_correction(token: str) -> None:
    """Note which reading a page was correcting when its connection was lost."""
    st.session_state[_LEFT] = token


def left_correction() -> str:
    """Return that reading's token; empty if there is none."""
    return str(st.session_state.get(_LEFT, ""))


def _take_notice() -> tuple[str, bool]:
    text, good = st.session_state.pop(_NOTICE, ("", False))
    return text, good


def zone() -> str | None:
    """Return the time zone of the browser."""
    return st.context.timezone
