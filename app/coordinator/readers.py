"""Readers: who reads, and the codes that let them in."""

from html import escape

import streamlit as st

from app import state
from app.accounts import COORDINATOR, perform, require_coordinator
from app.coordinator.live import show_live, show_table, show_zone
from app.coordinator.view import CoordinatorView, find_coordinator_view, reader_rows
from app.room import Room, served_room
from reader_study.running.access import CODE_DAYS, issue_code, revoke_reader_codes
from reader_study.running.registry import LONGEST_CAREER, Profile, add_reader

_READER = "code-for"
_FRESH = "fresh-code"  # who issued it, for whom, and the code
_NAME, _SPECIALTY, _YEARS = "new-name", "new-specialty", "new-years"


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
    if _show_fresh_code():
        return
    if not active:
        st.text("A code is for a reader; add one first.")
        return
    st.selectbox("Reader", active, key=_READER)
    with st.container(horizontal=True):
        st.button("Issue a code", key="issue", type="primary", on_click=_issue)
        st.button("Revoke codes and end sessions", key="revoke", on_click=_revoke)


def _show_fresh_code() -> bool:
    """Show the code that was just issued to who issued it, if there is one."""
    issuer, reader, code = st.session_state.get(_FRESH, ("", "", ""))
    if not code or issuer != require_coordinator(served_room()):
        forget_code()
        return False
    with st.container(key="fresh-code-box"):
        st.html(
            f"<p>Code for {escape(reader)}</p><p class='code'>{escape(code)}</p>"
            f"<p class='small'>Hand it over in person or by telephone. It lets in once "
            f"within {CODE_DAYS:g} days, and is shown only here.</p>"
        )
        st.button("Done", key="fresh-code-done", on_click=forget_code)
    return True


def _issue() -> None:
    def act(room: Room, coordinator: str) -> None:
        _issue_code(room, _chosen(), coordinator)

    perform(act, COORDINATOR)


def _issue_code(room: Room, reader: str, coordinator: str) -> None:
    """Issue a code for a reader; not a second one while the first is shown."""
    if _FRESH not in st.session_state:
        code = issue_code(room.store, reader, by=coordinator, clock=room.clock)
        st.session_state[_FRESH] = (coordinator, reader, code)


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
        st.form_submit_button("Add and issue a code", on_click=_add)


def _add() -> None:
    given = st.session_state
    name, specialty = str(given.get(_NAME) or ""), str(given.get(_SPECIALTY) or "")
    years = given.get(_YEARS)
    if not name.strip() or not specialty.strip() or years is None:
        state.notify("Name, specialty and years must all be given.")
        return

    def act(room: Room, coordinator: str) -> None:
        profile = Profile(name.strip(), specialty.strip(), float(years))
        added = add_reader(
            room.study, room.store, profile, by=coordinator, clock=room.clock
        )
        state.notify(f"{added.name} has {added.slot}.", good=True)
        forget_code()
        _issue_code(room, added.name, coordinator)
        for key in (_NAME, _SPECIALTY, _YEARS):
            st.session_state[key] = None

    perform(act, COORDINATOR)
