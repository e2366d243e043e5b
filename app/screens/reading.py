"""One reading: the picture, the questions, and the way to the next one."""

import streamlit as st

from app import state
from app.accounts import perform
from app.answering import Form, asked_if, missing_text
from app.components import active_seconds, desk, picture_at_hand
from app.room import Room, report
from app.screens.frame import NOT_SHOWN, show_damaged
from app.screens.picture import case_bytes, is_stack, show_case, what_was_seen
from app.screens.questions import show_questions
from app.times import clock_time
from app.words import say
from reader_study.errors import DamagedPictureError
from reader_study.reading.reading_session import Reading, ReadingSession
from reader_study.reading.recording import Receipt

_ANSWERING = """\
1 to 5            answer the marked question
Backspace         back to the last one, to answer anew
Tab, then arrows  move between questions and answers
Enter             leave a number, a line or boxes for the next question
Esc               leave a text field
Ctrl+Enter        save
"""
_KEYS = f"""\
{_ANSWERING}F   W   A         whole picture, full width, 1:1
+   -   Ctrl+wheel  zoom
arrows, Page      move the picture
wheel             rows of a montage; else zoom"""
_STACK_KEYS = f"""\
{_ANSWERING}wheel, arrows     slice
H                 all keys of the slices"""


def show_reading(session: ReadingSession, reading: Reading) -> None:
    """Show the reading at hand."""
    try:
        picture = case_bytes(session, reading.token)
    except DamagedPictureError as error:
        report(error)
        show_damaged(_decline, reading.token, reading.position, NOT_SHOWN)
        return
    form = Form(session.study.questionnaire, reading.token)
    if state.kept_draft()[0] != reading.token:
        answers, reasons = dict(reading.draft.answers), dict(reading.draft.reasons)
        state.remember_draft((reading.token, answers, reasons, ""))
        st.session_state.pop("missing", None)
    with st.container(key="reading"):
        left, right = st.columns([3, 1])
        with left:
            here = state.at_hand(reading.token)
            key = f"viewer-{reading.token}"
            show_case(session.study, picture, key, reading.token, ahead=here)
        with right, st.container(key="panel"):
            said = state.show_trouble(reading.token)
            _show_step(session, reading)
            readings = session.study.manifest.panel_readings.get(reading.token)
            if readings:
                st.text(say("Readings of the panel: {readings}", readings=readings))
            show_questions(form, reading.draft, keep=True, said=said)
            with st.container(key="foot"):
                _show_foot(
                    form, reading, _STACK_KEYS if is_stack(session.study) else _KEYS
                )
    desk(_desk_key(reading.token), asked_if(form.questionnaire))


def _show_step(session: ReadingSession, reading: Reading) -> None:
    """Say which step of its case a reading is, and what was answered before."""
    if not reading.step:
        return
    with st.container(key="step"):
        if reading.step == 1:
            st.text(say("Step 1 of 2. Your answers stay as they are once saved."))
            return
        st.text(say("Step 2 of 2. Please answer again with what is shown now."))
        given = reading.first.answers if reading.first else {}
        labels = [
            f"{question.id} {given_before}"
            for question in session.study.questionnaire
            if (given_before := question.says(given.get(question.id)))
        ]
        if labels:
            st.text(say("Step 1: {answers}", answers="; ".join(labels)))


def _show_foot(form: Form, reading: Reading, keys: str) -> None:
    last = reading.position == reading.n_readings
    st.button(
        say("Save and review") if last else say("Save and next"),
        key=f"save-{reading.token}",
        type="primary",
        width="stretch",
        on_click=_save,
        args=(form, reading.position),
    )
    with st.container(key="more", horizontal=True):
        with st.popover(say("I cannot answer this picture")):
            why = st.text_area(say("Why?"), key=f"why-{reading.token}", max_chars=2000)
            st.button(
                say("Leave it unanswered"),
                key=f"decline-{reading.token}",
                disabled=not why.strip(),
                on_click=_decline,
                args=(reading.token, reading.position),
            )
        with st.popover(say("Keys")), st.container(key="keys"):
            st.code(say(keys), language=None)


def _save(form: Form, position: int) -> None:
    fields = {str(key): value for key, value in st.session_state.items()}
    seconds = active_seconds(_desk_key(form.token))
    ahead = picture_at_hand(_desk_key(form.token))

    def act(room: Room, reader: str) -> None:
        session = room.session_of(reader)
        missing = form.missing(fields)
        # What comes late for another reading is told so, not asked to be completed.
        if missing and session.progress().token == form.token:
            st.session_state["missing"] = missing
            state.notify(missing_text(missing))
            return
        receipt = session.submit(
            form.token,
            form.answers(fields),
            form.reasons(fields),
            active_seconds=seconds,
            seen=what_was_seen(session.study, _desk_key(form.token), form.token),
        )
        state.remember_ahead(ahead)
        _tell(receipt, position)

    perform(act)


def _decline(token: str, position: int, why: str = "") -> None:
    why = why or str(st.session_state.get(f"why-{token}") or "")

    def act(room: Room, reader: str) -> None:
        _tell(room.session_of(reader).decline(token, why), position)

    perform(act)


def _tell(receipt: Receipt, position: int) -> None:
    at = clock_time(receipt.stored_at, state.zone())
    told = say(
        "Reading {position} saved {time}, receipt {code}",
        position=position,
        time=at,
        code=receipt.code,
    )
    state.notify(told, good=True)


def _desk_key(token: str) -> str:
    return f"desk-{token}"
