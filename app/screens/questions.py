"""The questions to one picture, and the draft that is kept while they are answered."""

from decimal import Decimal
from html import escape

import streamlit as st

from app import state
from app.accounts import perform
from app.answering import Form, asked_if, plain_markdown, reasoned_choices
from app.components import line, marks
from app.room import Room
from app.times import clock_time
from app.words import say
from reader_study.formats.questionnaire import Answer, Question
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
    st.html(f"<style>{_hidden_reasons(form)}{_hidden_questions(form)}</style>")
    with st.container(key="questions"):
        waiting = st.session_state.get("missing", ())
        for question in form.questionnaire.questions:
            with st.container(key=f"question-{question.id}"):
                _show_question(form, question, draft)
                if question.id in waiting and question.id in form.missing(_fields()):
                    with st.container(key=f"waits-{question.id}"):
                        st.text(say("Please complete"))
    if keep:
        _keep_draft(form)
        saved = state.kept_draft()[3]
        with st.container(key="kept"):
            at = clock_time(saved, state.zone()) if saved else ""
            kept = say("Draft kept {time}", time=at) if at else ""
            st.text(kept or said or say("Answers are kept as you give them"))


def _hidden_reasons(form: Form) -> str:
    """Return the style that shows an explanation's field while its answer is chosen."""
    chosen = {
        question.id: ", ".join(
            f".st-key-{form.choice_key(question.id, n)} input:checked"
            if question.type == "several"
            else f"input[value='{n}']:checked"
            for n in reasoned_choices(question)
        )
        for question in form.questionnaire.questions
    }
    return "\n".join(
        f".st-key-question-{question}:not(:has({asking})) "
        f".st-key-reason-{question} {{ display: none; }}"
        for question, asking in chosen.items()
        if asking
    )


def _hidden_questions(form: Form) -> str:
    """Return the style that hides questions until the page finds that they are asked.

    Their fields are there always: those that came and went would lose their texts.
    """
    names = [f".st-key-question-{name}" for name in asked_if(form.questionnaire)]
    hidden = ", ".join(f"{name}:not([data-asked])" for name in names)
    return f"{hidden} {{ display: none !important; }}" if hidden else ""


def _show_question(form: Form, question: Question, draft: Draft) -> None:
    kept = draft.answers.get(question.id)
    if question.required:
        _show_field(form, question, kept)
    else:
        with st.container(key=f"optional-{question.id}"):
            _show_field(form, question, kept)
    if not reasoned_choices(question):
        return
    # Always there, and shown by the page's style: a field that came and went with the
    # answer would lose its text, and keys typed before it came would go astray.
    with st.container(key=f"reason-{question.id}"):
        st.text_area(
            say("Short explanation"),
            value=draft.reasons.get(question.id, ""),
            key=form.reason_key(question.id),
            max_chars=LONGEST_REASON,
            height=68,
            placeholder=say("Why? A few words."),
            label_visibility="collapsed",
        )


# What was kept is not handed over through the session's state: what a page holds that
# the server has lost in a restart is newer than the draft, and must win.


def _show_field(form: Form, question: Question, kept: Answer | None) -> None:
    words = _words(question)
    label, key = plain_markdown(words), form.answer_key(question.id)
    if question.on_scale:
        _show_choices(question, label, key, kept)
    elif question.type == "several":
        st.html(f"<p class='asked'>{escape(words)}</p>")
        _show_several(form, question, kept)
    elif question.type == "number":
        _show_number(question, label, key, kept)
    elif question.type == "analogue":
        st.html(f"<p class='asked'>{escape(words)}</p>")
        ends = question.ends or ("0", "100")
        mark = int(kept) if isinstance(kept, int | float) else None
        line(key, question.text, ends, mark, unmarked=say("no mark yet"))
    elif question.marked:
        st.html(f"<p class='asked'>{escape(words)}</p>")
        given = question.answer_of(kept)
        stored = None if given is None else str(given)
        marks(key, question.text, question.rules, stored, words=_mark_words(question))
    else:
        _show_text(question, label, key, str(kept or ""))


def _mark_words(question: Question) -> dict[str, str]:
    """Return what the list of marks says; it puts numbers in itself."""
    return {
        "point": say("Point"),
        "box": say("Box"),
        "undo": say("Undo"),
        "nothing": say("Nothing to mark"),
        "label": say("Label"),
        "confidence": say("How sure?"),
        "mark": say("Mark {number}"),
        "remove": say("Remove mark {number}"),
        "slice": say("Slice"),
        "full": say("No more than {number} marks.", number=question.rules.at_most),
        "point_hint": say(
            "Click on the picture, or move the cross by arrows and press Enter. "
            "Esc ends."
        ),
        "box_hint": say(
            "Drag on the picture, or move the cross by arrows and press Enter at two "
            "corners. Esc ends."
        ),
    }


def _words(question: Question) -> str:
    about = [question.unit, "" if question.required else say("optional")]
    further = "".join(f" ({text})" for text in about if text)
    return f"{question.id}  {question.text}{further}"


def _show_choices(
    question: Question, label: str, key: str, kept: Answer | None
) -> None:
    codes: list[Answer] = [choice.code for choice in question.scale]
    labels: dict[Answer, str] = {
        choice.code: plain_markdown(choice.label) for choice in question.scale
    }
    width = sum(len(choice.label) + 4 for choice in question.scale)
    st.radio(
        label,
        codes,
        index=codes.index(kept) if kept in codes else None,
        format_func=labels.__getitem__,
        key=key,
        horizontal=width <= _UPRIGHT,
    )


def _show_several(form: Form, question: Question, kept: Answer | None) -> None:
    chosen = question.chosen(kept)
    with st.container(key=f"several-{question.id}"):
        for place, choice in enumerate(question.scale):
            st.checkbox(
                plain_markdown(choice.label),
                value=choice in chosen,
                key=form.choice_key(question.id, place),
            )


def _show_number(question: Question, label: str, key: str, kept: Answer | None) -> None:
    low, high, step = question.limits
    whole = all(isinstance(number, int) for number in (low, high, step))
    kind = int if whole else float
    decimals = 0 if whole else max(1, -int(Decimal(str(step)).as_tuple().exponent))
    st.number_input(
        label,
        min_value=kind(low),
        max_value=kind(high),
        value=kind(kept) if isinstance(kept, int | float) else None,
        step=kind(step),
        format=f"%.{decimals}f" if decimals else "%d",
        key=key,
        placeholder=say("{low} to {high}", low=low, high=high),
    )


def _show_text(question: Question, label: str, key: str, kept: str) -> None:
    if question.type == "text":
        st.text_input(label, value=kept, key=key, max_chars=question.length)
    else:
        st.text_area(label, value=kept, key=key, max_chars=question.length, height=68)


def _keep_draft(form: Form) -> None:
    found = form.draft(_fields())
    answers, reasons = dict(found.answers), dict(found.reasons)
    if state.kept_draft()[:3] != (form.token, answers, reasons):

        def act(room: Room, reader: str) -> None:
            session = room.session_of(reader)
            saved = session.save_draft(form.token, answers, reasons)
            state.remember_draft((form.token, answers, reasons, saved))

        if not perform(act):
            st.rerun()


def _fields() -> dict[str, object]:
    return {str(key): value for key, value in st.session_state.items()}
