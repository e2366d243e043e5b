"""Sign-in of a coordinator with name and passphrase."""

import streamlit as st

from app import state
from app.accounts import report
from app.room import served_room
from app.screens.frame import show_bar, show_sheet
from reader_study.errors import StudyError
from reader_study.running.access import AccessError
from reader_study.running.coordinators import IDLE_MINUTES, sign_in

_NAME, _PASSPHRASE = "sign-in-name", "sign-in-passphrase"
_FAILED = "The study cannot be used at the moment. Please try again."


def show_sign_in(title: str) -> None:
    """Ask who is there."""
    show_bar(title)
    with st.container(key="sheet"):
        show_sheet("Coordinator: sign in")
        state.show_notice()
        with st.form("sign-in"):
            st.text_input("Name", key=_NAME, max_chars=40, autocomplete="off")
            st.text_input(
                "Passphrase",
                key=_PASSPHRASE,
                max_chars=60,
                type="password",
                autocomplete="off",
            )
            st.form_submit_button("Sign in", type="primary", on_click=_sign_in)
        st.html(
            "<p class='small'>Who runs the server gives you name and passphrase. A "
            "reader's code opens nothing here. Without a sign of you the session ends "
            f"after {IDLE_MINUTES:g} minutes.</p>"
        )


def _sign_in() -> None:
    if state.handed_off() is not None:  # a second click
        return
    name = str(st.session_state.get(_NAME) or "").strip()
    passphrase = str(st.session_state.get(_PASSPHRASE) or "")
    try:
        room = served_room()
        state.hand_off(sign_in(room.store, name, passphrase, clock=room.clock))
    except AccessError as error:
        state.notify(f"{error}.")
    except StudyError as error:
        report(error)
        state.notify(_FAILED)
