"""Sign-in with the reader's name and a code that opens once."""

import streamlit as st

from app import state
from app.accounts import FAILED, report
from app.oidc.accounts import LOGIN, SENTENCES, served_accounts
from app.room import served_room
from app.screens.frame import show_bar, show_sheet
from reader_study.errors import StudyError
from reader_study.running.access import AccessError, sign_in

NOTICE = "account"
"""Name in the page's address under which a refusal is told."""


def _show_link() -> None:
    """Offer the hospital account and say why it let nobody in, if there are any."""
    if served_accounts() is None:
        return
    # Anything may stand in an address; what is not a refusal says nothing.
    given = st.query_params.get(NOTICE, "")
    for refusal, sentence in SENTENCES.items():
        if refusal.value == given:
            with st.container(key="notice-bad-account"):
                st.text(sentence)
    st.html(f"<p><a href='{LOGIN}'>Sign in with your hospital account</a></p>")


_NAME, _CODE = "sign-in-name", "sign-in-code"


def show_sign_in(title: str) -> None:
    """Ask who is there."""
    show_bar(title)
    with st.container(key="sheet"):
        show_sheet("Sign in")
        state.show_notice()
        _show_link()
        with st.form("sign-in"):
            st.text_input("Name", key=_NAME, max_chars=40, autocomplete="off")
            st.text_input("Code", key=_CODE, max_chars=60, autocomplete="off")
            st.form_submit_button("Sign in", type="primary", on_click=_sign_in)
        st.html(
            "<p class='small'>The coordinator of the study gives you name and code. A "
            "code opens once; the same browser stays signed in until you sign out.</p>"
        )


def _sign_in() -> None:
    if state.handed_off() is not None:  # a second click; the code is used up already
        return
    name = str(st.session_state.get(_NAME) or "").strip()
    code = str(st.session_state.get(_CODE) or "")
    room = served_room()
    try:
        state.hand_off(sign_in(room.store, name, code, clock=room.clock).secret)
    except AccessError as error:
        state.notify(f"{error}.")
    except StudyError as error:
        report(error)
        state.notify(FAILED)
