"""The last look at a trial before it is signed."""

from collections.abc import Iterable
from html import escape

import streamlit as st

from app import state
from app.accounts import perform
from app.answering import Form, asked_if
from app.components import desk
from app.room import Room
from app.screens.frame import show_sheet
from app.screens.picture import case_bytes, show_case, what_was_seen
from app.screens.questions import show_questions
from app.words import say
from reader_study.formats.questionnaire import Questionnaire
from reader_study.reading.reader_state import ReaderState
from reader_study.reading.reading_session import ReadingSession
from reader_study.store.readings import Draft, Response

_CORRECTING = "correcting"
_SIGNED = "sign-agreed"
_CHOSEN = "review-chosen"


def show_review(
    session: ReadingSession, progress: ReaderState, *, corrections: bool
) -> None:
    """Show all answers of the trial, to be corrected where allowed, and signed."""
    stored = {response.position: response for response in session.answered()}
    if _CORRECTING not in st.session_state:  # new, or of a server that was restarted
        left = state.left_correction()
        found = (n for n, response in stored.items() if response.token == left)
        st.session_state[_CORRECTING] = next(found, 0)
    at_hand = stored.get(st.session_state[_CORRECTING])
    if corrections and at_hand is not None:
        _show_correction(session, at_hand)
        return
    with st.container(key="wide-sheet"):
        show_sheet(say("Trial {trial}: your answers", trial=progress.trial))
        state.show_notice(f"review-{progress.trial}")
        with st.container(key="answers"):
            st.html(answers_table(session.study.questionnaire, stored.values()))
        if corrections:
            # The first of two steps stays as it was answered.
            _offer_corrections(tuple(n for n in stored if progress.step_of(n) != 1))
        _offer_signature(progress.trial)


def answers_table(questionnaire: Questionnaire, responses: Iterable[Response]) -> str:
    """Return a table of answers as HTML in which nothing typed becomes markup."""
    heads = [say("Reading"), *questionnaire.ids, say("Explanations")]
    rows = [_row(questionnaire, response) for response in responses]
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    return (
        f"<table class='answers'><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _row(questionnaire: Questionnaire, response: Response) -> str:
    cells = [str(response.position)]
    for question in questionnaire.questions:
        said = question.says(response.answers.get(question.id))
        cells.append(said or say("not answered"))
    notes = [f"{question}: {text}" for question, text in response.reasons.items()]
    if response.note:
        notes.append(response.note)
    body = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    why = escape("\n".join(notes))
    return f"<tr>{body}<td class='why'>{why}</td></tr>"


def _offer_corrections(positions: tuple[int, ...]) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", key="corrections"):
        st.selectbox(say("Reading"), positions, key=_CHOSEN, width=140)
        st.button(say("Look at it again"), key="review-open", on_click=_open)


def _offer_signature(trial: int) -> None:
    st.checkbox(
        say("These are my answers. I know that they cannot be changed once signed."),
        key=_SIGNED,
    )
    st.button(
        say("Sign trial {trial}", trial=trial),
        key=f"sign-{trial}",
        type="primary",
        disabled=not st.session_state.get(_SIGNED),
        on_click=_sign,
        args=(trial,),
    )


def _show_correction(session: ReadingSession, response: Response) -> None:
    purpose = f"correction{response.revision}"
    form = Form(session.study.questionnaire, response.token, purpose)
    given = Draft(response.answers, response.reasons)
    with st.container(key="reading"):
        left, right = st.columns([3, 1])
        with left:
            content = case_bytes(session, response.token)
            key = f"viewer-{purpose}-{response.token}"
            show_case(session.study, content, key, response.token)
        with right, st.container(key="panel"):
            state.show_notice(f"{purpose}-{response.token}")
            show_questions(form, given, keep=False)
            with st.container(key="foot-correction"):
                why = f"why-{purpose}-{response.token}"
                st.text_input(say("Why is it corrected?"), key=why, max_chars=2000)
                with st.container(horizontal=True):
                    st.button(
                        say("Save correction"),
                        key=f"save-correction-{response.token}",
                        type="primary",
                        width="stretch",
                        on_click=_correct,
                        args=(form, why),
                    )
                    st.button(say("Back"), key="review-back", on_click=_close)
    desk(_desk_key(form), asked_if(form.questionnaire))


def _desk_key(form: Form) -> str:
    return f"desk-{form.purpose}-{form.token}"


def _open() -> None:
    st.session_state[_CORRECTING] = st.session_state.get(_CHOSEN, 0)


def _close() -> None:
    st.session_state[_CORRECTING] = 0


def _correct(form: Form, why_key: str) -> None:
    fields = {str(key): value for key, value in st.session_state.items()}

    def act(room: Room, reader: str) -> None:
        session = room.session_of(reader)
        seen = what_was_seen(session.study, _desk_key(form), form.token)
        receipt = session.correct(
            form.token,
            form.answers(fields),
            form.reasons(fields),
            why=str(fields.get(why_key) or ""),
            seen=seen,
        )
        state.notify(
            say("Correction saved, receipt {code}", code=receipt.code), good=True
        )

    if perform(act):
        _close()


def _sign(trial: int) -> None:
    def act(room: Room, reader: str) -> None:
        receipt = room.session_of(reader).sign(trial)
        told = say(
            "Trial {trial} signed, receipt {code}", trial=trial, code=receipt.code
        )
        state.notify(told, good=True)

    perform(act)
