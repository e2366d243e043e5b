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
    """Let the next page say something, in place of what was said before."""
    st.session_state[_NOTICE] = (text, good, "")


def show_notice(place: str) -> None:
    """Say what there is to say, for as long as the page is at this place.

    It does not go with the next run of the page, which may come while a mouse button is
    held down: what moves up under the pointer in that moment gets no click.

    Args:
        place: Names what the page shows; another place has nothing to say of this one.
    """
    text, good = _notice_at(place)
    if text:
        with st.container(key="notice-good" if good else "notice-bad"):
            st.text(text)


def show_trouble(place: str) -> str:
    """Say what went wrong, and give what went well, to be said more quietly."""
    text, good = _notice_at(place)
    if not good:
        show_notice(place)
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


def _notice_at(place: str) -> tuple[str, bool]:
    text, good, given_at = st.session_state.get(_NOTICE, ("", False, ""))
    if given_at not in ("", place):
        del st.session_state[_NOTICE]
        return "", False
    if text:
        st.session_state[_NOTICE] = (text, good, place)
    return text, good


def zone() -> str | None:
    """Return the time zone of the browser."""
    return st.context.timezone
