"""Readers: who reads, and the codes that let them in."""

import streamlit as st

from app import state
from app.accounts import COORDINATOR, perform, require_coordinator
from app.components import print_button
from app.coordinator.live import show_live, show_table, show_zone
from app.coordinator.view import CoordinatorView, find_coordinator_view, reader_rows
from app.room import Room, served_room
from reader_study.running.access import revoke_reader_codes
from reader_study.running.registry import (
    LONGEST_CAREER,
    LONGEST_SITE,
    Profile,
    add_reader,
)
from reader_study.running.slips import issue_slips, slip_html

_READER = "code-for"
_FRESH = "fresh-code"  # who issued them, and the slips
_NAME, _SPECIALTY, _YEARS = "new-name", "new-specialty", "new-years"
_SITE = "new-site"


def show_readers() -> None:
    """Show the readers; codes are issued and revoked below."""
    view = find_coordinator_view(served_room())
    show_live(_show)
    state.show_notice()
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
    issuer, slips = st.session_state.get(_FRESH, ("", ()))
    if not slips or issuer != require_coordinator(served_room()):
        forget_code()
        return False
    _, protocol = served_room().state()
    with st.container(key="fresh-code-box"):
        body = "".join(slip_html(protocol.title, slip) for slip in slips)
        st.html(
            f"<div class='slips'>{body}</div><p class='small'>Shown only here, and "
            "once. Print the slips, or hand each code over by telephone.</p>"
        )
        print_button()
        st.button("Done", key="fresh-code-done", on_click=forget_code)
    return True


def _issue() -> None:
    perform(lambda room, name: _issue_codes(room, [_chosen()], name), COORDINATOR)


def _issue_for_all() -> None:
    perform(lambda room, name: _issue_codes(room, [], name), COORDINATOR)


def _issue_codes(room: Room, readers: list[str], coordinator: str) -> None:
    """Issue codes for readers; not a second time while the first are shown."""
    if _FRESH not in st.session_state:
        slips = issue_slips(room.store, readers, by=coordinator, clock=room.clock)
        st.session_state[_FRESH] = (coordinator, slips)


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
        roles = served_room().study.protocol.roles
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

    def act(room: Room, coordinator: str) -> None:
        site = str(given.get(_SITE) or "")
        profile = Profile(name.strip(), specialty.strip(), float(years), site=site)
        added = add_reader(
            room.study, room.store, profile, by=coordinator, clock=room.clock
        )
        state.notify(f"{added.name} has {added.slot}.", good=True)
        forget_code()
        _issue_codes(room, [added.name], coordinator)
        for key in (_NAME, _SPECIALTY, _YEARS):
            st.session_state[key] = None

    perform(act, COORDINATOR)
