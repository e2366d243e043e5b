"""The questions to one picture, and the draft that is kept while they are answered."""

import streamlit as st

from app import state
from app.accounts import perform
from app.answering import Form, plain_markdown, reasoned_choices
from app.room import Room
from app.times import clock_time
from reader_study.formats.questionnaire import Answer, Question, Questionnaire
from reader_study.reading.answers import LONGEST_REASON
from reader_study.store.readings import Draft

_UPRIGHT = 60
"""Letters of all choices together beyond which they stand below one another."""


@st.fragment
def show_questions(form: Form, draft: Draft, *, keep: bool, said: str = "") -> None:
    """Show the questions; nothing is chosen but what was chosen before.

    Args:
        form: Whose fields they are.
        draft: Answers kept before.
        keep: Whether to keep a draft whenever something changes.
        said: What is said below until there is a draft.
    """
    st.html(f"<style>{_hidden_reasons(form.questionnaire)}</style>")
    with st.container(key="questions"):
        waiting = st.session_state.get("missing", ())
        for question in form.questionnaire.questions:
            with st.container(key=f"question-{question.id}"):
                _show_question(form, question, draft)
                if question.id in waiting and question.id in form.missing(_fields()):
                    with st.container(key=f"waits-{question.id}"):
                        st.text("Please complete")
    if keep:
        _keep_draft(form)
        saved = state.kept_draft()[3]
        with st.container(key="kept"):
            at = f"Draft kept {clock_time(saved, state.zone())}" if saved else ""
            st.text(at or said or "Answers are kept as you give them")


def _hidden_reasons(questionnaire: Questionnaire) -> str:
    """Return the style that shows an explanation's field while its answer is chosen."""
    chosen = {
        question.id: ", ".join(
            f"input[value='{n}']:checked" for n in reasoned_choices(question)
        )
        for question in questionnaire.questions
    }
    return "\n".join(
        f".st-key-question-{question}:not(:has({asking})) "
        f".st-key-reason-{question} {{ display: none; }}"
        for question, asking in chosen.items()
        if asking
    )


def _show_question(form: Form, question: Question, draft: Draft) -> None:
    codes: list[Answer] = [choice.code for choice in question.scale]
    labels: dict[Answer, str] = {
        choice.code: plain_markdown(choice.label) for choice in question.scale
    }
    kept = draft.answers.get(question.id)
    width = sum(len(choice.label) + 4 for choice in question.scale)
    st.radio(
        plain_markdown(f"{question.id}  {question.text}"),
        codes,
        # Not through the session's state: what a page holds that the server has lost
        # in a restart is newer than the draft, and must win.
        index=codes.index(kept) if kept in codes else None,
        format_func=labels.__getitem__,
        key=form.answer_key(question.id),
        horizontal=width <= _UPRIGHT,
    )
    if not reasoned_choices(question):
        return
    # Always there, and shown by the page's style: a field that came and went with the
    # answer would lose its text, and keys typed before it came would go astray.
    with st.container(key=f"reason-{question.id}"):
        st.text_area(
            "Short explanation",
            value=draft.reasons.get(question.id, ""),
            key=form.reason_key(question.id),
            max_chars=LONGEST_REASON,
            height=68,
            placeholder="Why? A few words.",
            label_visibility="collapsed",
        )


def _keep_draft(form: Form) -> None:
    answers, reasons = form.answers(_fields()), form.reasons(_fields())
    if state.kept_draft()[:3] != (form.token, answers, reasons):

        def act(room: Room, reader: str) -> None:
            session = room.session_of(reader)
            saved = session.save_draft(form.token, answers, reasons)
            state.remember_draft((form.token, answers, reasons, saved))

        if not perform(act):
            st.rerun()


def _fields() -> dict[str, object]:
    return {str(key): value for key, value in st.session_state.items()}
