"""Instructions and consent, with the version that is confirmed."""

from html import escape

import streamlit as st

from app.accounts import perform
from app.room import Room
from app.screens.frame import paragraphs, show_sheet
from app.words import say
from reader_study.formats.protocol import Protocol
from reader_study.reading.acknowledgements import Confirmation, acknowledge

_AGREED = "instructions-agreed"


def show_instructions(protocol: Protocol, version: str) -> None:
    """Show what readers are told; they go on once they agree."""
    with st.container(key="sheet"):
        told = protocol.instructions or say("Please read each picture.")
        show_sheet(say("Instructions"), told)
        if protocol.training:
            st.html(paragraphs(f"{say('Training')}\n\n{protocol.training}"))
        shown = escape(say("Version {version}", version=version[:12]))
        st.html(f"<p class='small'>{shown}</p>")
        st.checkbox(
            say(
                "I have read the instructions and take part of my own accord. I know "
                "that these pictures are for research and not for the care of a "
                "patient."
            ),
            key=_AGREED,
        )
        st.button(
            say("Continue"),
            key="instructions-continue",
            type="primary",
            disabled=not st.session_state.get(_AGREED),
            on_click=_accept,
            args=(version,),
        )


def _accept(version: str) -> None:
    def act(room: Room, reader: str) -> None:
        acknowledge(
            room.store, reader, Confirmation.INSTRUCTIONS, version, clock=room.clock
        )

    perform(act)
