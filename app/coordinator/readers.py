"""Readers: who reads, and the codes that let them in."""

import streamlit as st

from app import state
from app.coordinator import fresh_code
from app.coordinator.acting import perform
from app.coordinator.desk import Desk, read_desk
from app.coordinator.live import show_live, show_table, show_zone
from app.coordinator.new_reader import show_new_reader
from app.coordinator.tables import reader_rows
from app.room import Room, served_room
from reader_study.running.access import revoke_reader_codes

_READER = "code-for"


def show_readers() -> None:
    """Show the readers; codes are issued and revoked below."""
    desk = read_desk(served_room())
    show_live(_show)
    state.show_notice()
    codes, new = st.columns(2, gap="large")
    with codes:
        _show_codes(list(desk.progress))
    with new:
        show_new_reader()


def _show(desk: Desk) -> None:
    show_table(reader_rows(desk, state.zone()), "No readers yet.")
    show_zone()


def _show_codes(active: list[str]) -> None:
    st.html("<h2>Codes</h2>")
    if fresh_code.show():
        return
    if not active:
        st.text("A code is for a reader; add one first.")
        return
    st.selectbox("Reader", active, key=_READER)
    with st.container(horizontal=True):
        st.button("Issue a code", key="issue", type="primary", on_click=_issue)
        st.button("Revoke codes and end sessions", key="revoke", on_click=_revoke)


def _issue() -> None:
    def act(room: Room, coordinator: str) -> None:
        fresh_code.issue(room, _chosen(), coordinator)

    perform(act)


def _revoke() -> None:
    def act(room: Room, coordinator: str) -> None:
        name = _chosen()
        n = revoke_reader_codes(room.store, name, by=coordinator, clock=room.clock)
        words = f"{n} codes of {name} are worthless now, and all sessions have ended."
        state.notify(words, good=True)

    perform(act)


def _chosen() -> str:
    return str(st.session_state.get(_READER) or "")
