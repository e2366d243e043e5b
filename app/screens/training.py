"""One training case: answered like a reading, then compared with what is expected."""

from collections.abc import Iterator, Mapping
from html import escape

import streamlit as st

from app import state
from app.accounts import perform
from app.answering import Form, asked_if, missing_text
from app.components import desk
from app.room import Room, report
from app.screens.frame import show_damaged
from app.screens.picture import is_stack, show_case
from app.screens.questions import show_questions
from app.words import say
from reader_study.building.training_set import TrainingCase
from reader_study.errors import DamagedPictureError
from reader_study.formats.questionnaire import Answer, Question, Questionnaire
from reader_study.reading.reader_state import ReaderState
from reader_study.reading.training import Practice, TrainingSession
from reader_study.store.readings import Draft

_TOLD = "A case to practise on. Its answers are not part of the study."
_COMPARED = "Compare your answers with what is expected, then go on."


def show_training(room: Room, progress: ReaderState) -> None:
    """Show the training case at hand: its questions, or the feedback to them."""
    session = room.session_of(progress.reader).training
    practice = session.at_hand(progress.trial)
    if practice is None:  # another tab has finished the training just now
        st.rerun()
    shown = f"{practice.trial}-{practice.case.token}"
    try:
        stack = is_stack(session.study)
        picture = session.volume(practice) if stack else session.image(practice)
    except DamagedPictureError as error:
        report(error)
        show_damaged(_pass_over, practice.case.token)
        return
    with st.container(key="reading"):
        left, right = st.columns([3, 1])
        with left:
            token = practice.case.token
            show_case(session.study, picture, f"viewer-{shown}", token)
        with right, st.container(key="panel"):
            answered = "answered" if practice.given else "asked"
            state.show_notice(f"{answered}-{shown}")
            if practice.given is None:
                _ask(session, practice, shown)
            else:
                _compare(session.study.questionnaire, practice, practice.given.answers)
    desk(f"desk-training-{shown}", asked_if(session.study.questionnaire))


def feedback_html(
    questionnaire: Questionnaire, case: TrainingCase, given: Mapping[str, Answer]
) -> str:
    """Return expected answers and feedback beside the reader's own, as plain HTML.

    Args:
        questionnaire: Of the study.
        case: With what is expected.
        given: The reader's answers.
    """
    heads = (say("Question"), say("Your answer"), say("Expected"))
    rows = "".join(
        row
        for question in questionnaire.questions
        for row in _rows(question, case, given)
    )
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    table = f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody>"
    return f"<table class='answers'>{table}</table>"


def _rows(
    question: Question, case: TrainingCase, given: Mapping[str, Answer]
) -> Iterator[str]:
    own = question.says(given.get(question.id))
    expected = question.says(case.expected.get(question.id))
    cells = (question.id, own, expected or say("any"))
    body = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    yield f"<tr>{body}</tr>"
    if text := case.feedback.get(question.id):
        yield f"<tr><td></td><td class='why' colspan='2'>{escape(text)}</td></tr>"


def _ask(session: TrainingSession, practice: Practice, shown: str) -> None:
    form = Form(session.study.questionnaire, practice.case.token, f"training{shown[0]}")
    st.text(say(_TOLD))
    show_questions(form, Draft({}, {}), keep=False)
    with st.container(key="foot"):
        st.button(
            say("Compare my answers"),
            key=f"save-{shown}",
            type="primary",
            width="stretch",
            on_click=_submit,
            args=(form,),
        )
        if session.study.protocol.training_skippable:
            st.button(
                say("Leave out the training"), key="skip-training", on_click=_skip
            )


def _compare(
    questionnaire: Questionnaire, practice: Practice, given: Mapping[str, Answer]
) -> None:
    st.text(say(_COMPARED))
    with st.container(key="answers"):
        st.html(feedback_html(questionnaire, practice.case, given))
    with st.container(key="foot"):
        last = practice.position == practice.n_cases
        st.button(
            say("Begin trial {trial}", trial=practice.trial)
            if last
            else say("Next training case"),
            key=f"save-next-{practice.trial}-{practice.case.token}",
            type="primary",
            width="stretch",
            on_click=_go_on,
            args=(practice.case.token,),
        )


def _submit(form: Form) -> None:
    fields = {str(key): value for key, value in st.session_state.items()}

    def act(room: Room, reader: str) -> None:
        missing = form.missing(fields)
        if missing:
            st.session_state["missing"] = missing
            state.notify(missing_text(missing))
            return
        session = room.session_of(reader).training
        session.submit(form.token, form.answers(fields), form.reasons(fields))
        st.session_state.pop("missing", None)

    perform(act)


def _go_on(token: str) -> None:
    perform(lambda room, reader: room.session_of(reader).training.go_on(token))


def _pass_over(token: str) -> None:
    perform(lambda room, reader: room.session_of(reader).training.pass_over(token))


def _skip() -> None:
    perform(lambda room, reader: room.session_of(reader).training.skip())
