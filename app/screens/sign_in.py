"""Sign-in with a name and what only its owner knows: a code, or a passphrase."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from app import state
from app.accounts import (
    COORDINATOR,
    READER,
    Role,
    room_at_browser,
    secret_of_browser,
)
from app.oidc.link import show_link
from app.room import Room, report, served_room, served_rooms
from app.screens.frame import show_bar, show_sheet
from app.words import ENGLISH, say
from reader_study.errors import StudyError
from reader_study.running import pins
from reader_study.running.access import AccessError

_NAME, _PIN, _WAKE = "sign-in-name", "sign-in-pin", "wake-pin"
_PIN_HELP = (
    "A PIN of your own lets you back in at this browser after a long pause, without a "
    "new code: 6 to 12 digits that nobody else knows."
)


_ASLEEP = "Welcome back, {reader}. Your session has ended after a long pause."
_DEMONSTRATION = "This is a demonstration: drawn pictures, no patients."


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
        title: Title of the study; empty where several are served, since nobody shall
            see which before a code has named one.
        role: Who is let in.
        guests: Whether anybody may look around: in a demonstration of this process.
    """
    form = _COORDINATORS if role is COORDINATOR else _READERS
    show_bar(title)
    with st.container(key="sheet"):
        show_sheet(say(form.heading))
        state.show_notice("sign-in")
        if role is READER:
            show_link()
            _offer_to_wake()
        if guests:
            st.html(f"<p>{say(_DEMONSTRATION)}</p>")
            st.button(
                say("Enter as a guest"),
                key="guest",
                type="primary",
                on_click=_let_guest_in,
            )
        with st.form("sign-in"):
            st.text_input(say("Name"), key=_NAME, max_chars=40, autocomplete="off")
            st.text_input(
                say(form.field),
                key=form.key,
                max_chars=60,
                type="password" if form.hidden else "default",
                autocomplete="off",
            )
            with_pin = _accepts_pins(role)
            if with_pin:
                _ask_pin(say("PIN of your own (optional)"), _PIN)
            st.form_submit_button(
                say("Sign in"), type="primary", on_click=_sign_in, args=(role, form.key)
            )
        for text in (form.help, _PIN_HELP if with_pin else ""):
            if text:
                st.html(f"<p class='small'>{say(text)}</p>")


def _ask_pin(label: str, key: str) -> None:
    st.text_input(label, key=key, max_chars=20, type="password", autocomplete="off")


def common_language() -> str:
    """Return the language of all studies that are served; English if they differ."""
    spoken = {room.study.protocol.language for room in served_rooms()}
    return spoken.pop() if len(spoken) == 1 else ENGLISH


def _accepts_pins(role: Role) -> bool:
    try:
        return any(role.accepts_pin(room) for room in served_rooms())
    except StudyError as error:
        report(error)
        return False


def _offer_to_wake() -> None:
    """Ask for the PIN of the session that has ended by idleness at this browser."""
    secret = secret_of_browser(READER)
    try:
        room = room_at_browser(READER)
        if not READER.accepts_pin(room):
            return
        reader = pins.reader_asleep(room.store, secret, clock=room.clock)
    except AccessError:  # of none of several studies
        return
    except StudyError as error:
        report(error)
        return
    if reader is None:
        return
    with st.form("wake"):
        st.text(say(_ASLEEP, reader=reader))
        _ask_pin(say("Your PIN"), _WAKE)
        st.form_submit_button(say("Go on"), type="primary", on_click=_wake)
    st.html(f"<p>{say('Or sign in with a new code:')}</p>")


def _wake() -> None:
    pin = str(st.session_state.get(_WAKE) or "")
    secret = secret_of_browser(READER)

    def let_in(room: Room) -> str:
        return pins.wake(room.store, secret, pin, clock=room.clock).secret

    _let_in(let_in, READER, lambda: room_at_browser(READER))


def _sign_in(role: Role, key: str) -> None:
    name = str(st.session_state.get(_NAME) or "").strip()
    given = str(st.session_state.get(key) or "")
    pin = str(st.session_state.get(_PIN) or "")

    def let_in(room: Room) -> str:
        wanted = bool(pin.strip()) and role.accepts_pin(room)
        if wanted:
            pins.check_pin(pin)  # before the code is used up
        secret = role.sign_in(room, name, given)
        if wanted:
            pins.set_pin(room.store, secret, pin, clock=room.clock)
        return secret

    _let_in(let_in, role, lambda: role.room_named(name, given))


def _let_in(
    let_in: Callable[[Room], str], role: Role, find_room: Callable[[], Room]
) -> None:
    """Let somebody in, once, and hand the secret to the browser; or say why not."""
    handoff = state.handoff()
    if handoff.secret is not None:  # a second click; a code is used up already
        return
    try:
        handoff.secret = let_in(find_room())
    except AccessError as error:
        state.notify(f"{error}.")
    except StudyError as error:
        report(error)
        state.notify(say(role.failed))


def _let_guest_in() -> None:
    from app.demo import let_guest_in

    _let_in(let_guest_in, READER, served_room)
