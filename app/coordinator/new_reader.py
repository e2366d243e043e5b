"""A form that adds a reader and issues the first code."""

import streamlit as st

from app import state
from app.coordinator import fresh_code
from app.coordinator.acting import perform
from app.room import Room, served_room
from reader_study.running.registry import LONGEST_CAREER, Profile, add_reader

_NAME, _SPECIALTY, _YEARS = "new-name", "new-specialty", "new-years"


def show_new_reader() -> None:
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
        fresh_code.forget()
        fresh_code.issue(room, added.name, coordinator)
        for key in (_NAME, _SPECIALTY, _YEARS):
            st.session_state[key] = None

    perform(act)
