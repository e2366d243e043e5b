"""Sign-in with a name and what only its owner knows: a code, or a passphrase."""

from dataclasses import dataclass

import streamlit as st

from app import state
from app.accounts import COORDINATOR, READER, Role
from app.oidc.link import show_link
from app.room import report, served_room
from app.screens.frame import show_bar, show_sheet
from reader_study.errors import StudyError
from reader_study.running.access import AccessError

_NAME = "sign-in-name"


@dataclass(frozen=True)
class _Form:
    heading: str
    field: str
    hidden: bool
    help: str

    @property
    def key(self) -> str:
        return f"sign-in-{self.field.lower()}"


_READERS = _Form(
    "Sign in",
    "Code",
    hidden=False,
    help="The coordinator of the study gives you name and code. A code opens once; the "
    "same browser stays signed in until you sign out.",
)
_COORDINATORS = _Form(
    "Coordinator: sign in",
    "Passphrase",
    hidden=True,
    help="Who runs the server gives you name and passphrase. A reader's code opens "
    "nothing here. Without a sign of you the session ends after "
    f"{COORDINATOR.idle_seconds / 60:g} minutes.",
)


def show_sign_in(title: str, role: Role = READER, *, guests: bool = False) -> None:
    """Ask who is there.

    Args:
        title: Title of the study.
        role: Who is let in.
        guests: Whether anybody may look around: in a demonstration of this process.
    """
    form = _COORDINATORS if role is COORDINATOR else _READERS
    show_bar(title)
    with st.container(key="sheet"):
        show_sheet(form.heading)
        state.show_notice()
        if role is READER:
            show_link()
        if guests:
            st.html("<p>This is a demonstration: drawn pictures, no patients.</p>")
            st.button(
                "Enter as a guest", key="guest", type="primary", on_click=_let_guest_in
            )
        with st.form("sign-in"):
            st.text_input("Name", key=_NAME, max_chars=40, autocomplete="off")
            st.text_input(
                form.field,
                key=form.key,
                max_chars=60,
                type="password" if form.hidden else "default",
                autocomplete="off",
            )
            st.form_submit_button(
                "Sign in", type="primary", on_click=_sign_in, args=(role, form.key)
            )
        st.html(f"<p class='small'>{form.help}</p>")


def _sign_in(role: Role, key: str) -> None:
    if state.handed_off() is not None:  # a second click; a code is used up already
        return
    name = str(st.session_state.get(_NAME) or "").strip()
    given = str(st.session_state.get(key) or "")
    try:
        state.hand_off(role.sign_in(served_room(), name, given))
    except AccessError as error:
        state.notify(f"{error}.")
    except StudyError as error:
        report(error)
        state.notify(role.failed)


def _let_guest_in() -> None:
    from app.demo import let_guest_in

    if state.handed_off() is not None:
        return
    try:
        state.hand_off(let_guest_in(served_room()))
    except StudyError as error:
        report(error)
        state.notify(READER.failed)
