"""Readers: who reads, and the codes that let them in."""

from dataclasses import dataclass

import streamlit as st

from app import state
from app.accounts import (
    COORDINATOR,
    perform,
    require_coordinator,
    room_at_browser,
)
from app.components import print_button
from app.coordinator.live import show_live, show_table, show_zone
from app.coordinator.view import CoordinatorView, find_coordinator_view, reader_rows
from app.room import Room
from reader_study.running.access import revoke_reader_codes
from reader_study.running.registry import (
    LONGEST_CAREER,
    LONGEST_SITE,
    Profile,
    add_reader,
)
from reader_study.running.slips import Slip, issue_slips, slip_html

_READER = "code-for"
_FRESH = "fresh-code"
_NAME, _SPECIALTY, _YEARS = "new-name", "new-specialty", "new-years"
_SITE = "new-site"


@dataclass
class FreshCodes:
    """Codes that are shown now, and only now.

    A second click interrupts the run of the first wherever that run touches the
    memory of the page. So the page holds this from before a code is made, and
    codes are noted in it without touching that memory again.

    Attributes:
        issuer: Who issued them; only they see them.
        slips: What is to be handed over; empty if nothing is.
        added: Says which reader was added with it; empty if none was.
    """

    issuer: str = ""
    slips: tuple[Slip, ...] = ()
    added: str = ""


def show_readers() -> None:
    """Show the readers; codes are issued and revoked below."""
    view = find_coordinator_view(room_at_browser(COORDINATOR))
    show_live(_show)
    state.show_notice("codes" if _fresh().slips else "readers")
    codes, new = st.columns(2, gap="large")
    with codes:
        _show_codes(list(view.readers))
    with new:
        _show_new_reader()


def forget_code() -> None:
    """Show a code that was just issued no more."""
    st.session_state.pop(_FRESH, None)


def _show(view: CoordinatorView) -> None:
    show_table(reader_rows(view, state.zone()), "No readers yet.")
    show_zone()


def _show_codes(active: list[str]) -> None:
    st.html("<h2>Codes</h2>")
    if _show_fresh_codes():
        return
    if not active:
        st.text("A code is for a reader; add one first.")
        return
    st.selectbox("Reader", active, key=_READER)
    with st.container(horizontal=True):
        st.button("Issue a code", key="issue", type="primary", on_click=_issue)
        st.button("Revoke codes and end sessions", key="revoke", on_click=_revoke)
    st.button(
        "Issue codes for all who have none", key="issue-all", on_click=_issue_for_all
    )


def _show_fresh_codes() -> bool:
    """Show the codes that were just issued to who issued them, if there are any."""
    fresh = _fresh()
    room = room_at_browser(COORDINATOR)
    if not fresh.slips or fresh.issuer != require_coordinator(room):
        forget_code()
        return False
    _, protocol = room.state()
    with st.container(key="fresh-code-box"):
        body = "".join(slip_html(protocol.title, slip) for slip in fresh.slips)
        st.html(
            f"<div class='slips'>{body}</div><p class='small'>Shown only here, and "
            "once. Print the slips, or hand each code over by telephone.</p>"
        )
        print_button()
        st.button("Done", key="fresh-code-done", on_click=forget_code)
    return True


def _fresh() -> FreshCodes:
    fresh: FreshCodes = st.session_state.setdefault(_FRESH, FreshCodes())
    return fresh


def _issue() -> None:
    _issue_unless_shown([_chosen()])


def _issue_for_all() -> None:
    _issue_unless_shown([])


def _issue_unless_shown(readers: list[str]) -> None:
    """Issue codes for readers; not a second time while the first are shown."""
    fresh = _fresh()

    def act(room: Room, coordinator: str) -> None:
        if not fresh.slips:
            _issue_codes(room, readers, coordinator, fresh)

    perform(act, COORDINATOR)


def _issue_codes(
    room: Room, readers: list[str], coordinator: str, fresh: FreshCodes
) -> None:
    slips = issue_slips(room.store, readers, by=coordinator, clock=room.clock)
    fresh.issuer, fresh.slips = coordinator, slips


def _revoke() -> None:
    def act(room: Room, coordinator: str) -> None:
        name = _chosen()
        n = revoke_reader_codes(room.store, name, by=coordinator, clock=room.clock)
        words = f"{n} codes of {name} are worthless now, and all sessions have ended."
        state.notify(words, good=True)

    perform(act, COORDINATOR)


def _chosen() -> str:
    return str(st.session_state.get(_READER) or "")


def _show_new_reader() -> None:
    """Ask for name, specialty and years of experience."""
    st.html("<h2>Add a reader</h2>")
    with st.form("new-reader"):
        st.text_input("Short name", key=_NAME, max_chars=40, autocomplete="off")
        roles = room_at_browser(COORDINATOR).study.protocol.roles
        if roles:
            st.selectbox("Specialty", roles, index=None, key=_SPECIALTY)
        else:
            st.text_input("Specialty", key=_SPECIALTY, max_chars=80)
        st.number_input(
            "Years of experience",
            min_value=0.0,
            max_value=float(LONGEST_CAREER),
            value=None,
            step=1.0,
            format="%g",
            key=_YEARS,
        )
        st.text_input("Site, if there are several", key=_SITE, max_chars=LONGEST_SITE)
        st.form_submit_button("Add and issue a code", on_click=_add)


def _add() -> None:
    given = st.session_state
    name, specialty = str(given.get(_NAME) or ""), str(given.get(_SPECIALTY) or "")
    years = given.get(_YEARS)
    if not name.strip() or not specialty.strip() or years is None:
        state.notify("Name, specialty and years must all be given.")
        return

    site = str(given.get(_SITE) or "")
    fresh = _fresh()

    def act(room: Room, coordinator: str) -> None:
        profile = Profile(name.strip(), specialty.strip(), float(years), site=site)
        if not fresh.added or all(s.reader != profile.name for s in fresh.slips):
            added = add_reader(
                room.study, room.store, profile, by=coordinator, clock=room.clock
            )
            fresh.added = f"{added.name} has {added.slot}."
            _issue_codes(room, [added.name], coordinator, fresh)
        state.notify(fresh.added, good=True)
        for key in (_NAME, _SPECIALTY, _YEARS):
            st.session_state[key] = None

    perform(act, COORDINATOR)
