"""The questions after the last trial: what was recognised, and what was believed."""

import streamlit as st

from app import state
from app.accounts import perform
from app.room import Room
from app.screens.frame import show_sheet
from app.words import say
from reader_study.formats.closing import CONFIDENCE, RECOGNISED
from reader_study.reading import closing
from reader_study.reading.answers import LONGEST_REASON
from reader_study.reading.reading_session import ReadingSession

_RECOGNISED, _WHICH, _CUES, _CONFIDENCE = (
    "closing-recognised",
    "closing-which",
    "closing-cues",
    "closing-confidence",
)
_ENDS = {1: "1 (guessed)", 5: "5 (certain)"}


def show_closing(session: ReadingSession) -> None:
    """Ask once; nothing is chosen beforehand."""
    orders = session.study.manifest.slots[0].orders
    with st.container(key="sheet"):
        show_sheet(
            say("Before you go"),
            say(
                "Both trials are signed. Some pictures of the study were synthetic. "
                "Please say what you noticed; your readings stay as they are."
            ),
        )
        state.show_notice("closing")
        # A form: the page stays as it is until all is sent, and moves under no click.
        with st.form("closing", border=False, enter_to_submit=False):
            st.radio(
                say("Did you recognise cases of trial 1 in trial 2?"),
                list(RECOGNISED),
                index=None,
                format_func=lambda kind: say(RECOGNISED[kind]),
                key=_RECOGNISED,
                horizontal=True,
            )
            st.text_input(
                say("Which ones? Positions, if you remember them (optional)"),
                key=_WHICH,
                max_chars=LONGEST_REASON,
            )
            for trial, order in sorted(orders.items()):
                _ask_number(trial, len(order))
            st.text_area(
                say("What gave them away? (optional)"),
                key=_CUES,
                max_chars=LONGEST_REASON,
            )
            st.radio(
                say("How sure are you of these two numbers?"),
                list(CONFIDENCE),
                index=None,
                format_func=lambda n: say(_ENDS.get(n, str(n))),
                key=_CONFIDENCE,
                horizontal=True,
            )
            st.form_submit_button(
                say("Send"),
                key="closing-send",
                type="primary",
                on_click=_send,
                args=(tuple(sorted(orders)),),
            )


def _ask_number(trial: int, n: int) -> None:
    asked = say(
        "How many of the {n} pictures of trial {trial} were synthetic, in your "
        "opinion?",
        n=n,
        trial=trial,
    )
    st.number_input(
        asked, min_value=0, max_value=n, value=None, step=1, key=_count_key(trial)
    )


def _count_key(trial: int) -> str:
    return f"closing-synthetic-{trial}"


def _send(trials: tuple[int, ...]) -> None:
    fields = {str(key): value for key, value in st.session_state.items()}
    needed = (_RECOGNISED, *map(_count_key, trials), _CONFIDENCE)
    if any(fields.get(key) is None for key in needed):
        state.notify(say("Please answer all questions that are not optional."))
        return

    def act(room: Room, reader: str) -> None:
        answers = closing.ClosingAnswers(
            recognised=str(fields[_RECOGNISED]),
            synthetic={trial: fields[_count_key(trial)] for trial in trials},
            confidence=fields[_CONFIDENCE],
            which=str(fields.get(_WHICH) or ""),
            cues=str(fields.get(_CUES) or ""),
        )
        room.session_of(reader).answer_closing(answers)

    perform(act)
