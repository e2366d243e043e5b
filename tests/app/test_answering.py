import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.answering import Form, asked_if, missing_text, plain_markdown
from app.components import mark_on
from reader_study.formats.checking import parse_json
from reader_study.formats.questionnaire import paper_questionnaire, questionnaire_of
from tests.app.material import GOOD
from tests.reader_study.every_type import EVERY_TYPE, FULL

FORM = Form(paper_questionnaire(), "t1")
codes = {q.id: [c.code for c in q.scale] for q in FORM.questionnaire.questions}
answers_given = st.fixed_dictionaries(
    {}, optional={q: st.sampled_from(scale) for q, scale in codes.items()}
)


def filled(form, answers, reasons):
    """The content of all fields for some answers."""
    content = {}
    for question in form.questionnaire.ids:
        content[form.answer_key(question)] = answers.get(question)
        content[form.reason_key(question)] = reasons.get(question, "")
    return content


@given(answers_given)
def test_what_was_kept_stands_in_the_fields_again(answers):
    reasons = {q: "noise" for q, code in answers.items() if q[:2] == "Q2" and code == 0}
    fields = filled(FORM, answers, reasons)

    assert FORM.answers(fields) == answers
    assert FORM.reasons(fields) == reasons


@given(answers_given)
def test_fields_of_another_reading_are_not_looked_at(answers):
    fields = filled(Form(FORM.questionnaire, "t2"), answers, {})

    assert FORM.answers(fields) == {}
    assert Form(FORM.questionnaire, "t2", "correction1").answers(fields) == {}


def test_an_explanation_counts_only_where_it_is_asked_for():
    fields = filled(FORM, GOOD, {"Q2A": "typed before the answer was changed"})

    assert FORM.reasons(fields) == {}
    assert FORM.missing(fields) == ()
    assert FORM.missing(fields | {FORM.answer_key("Q2B"): 0}) == ("Q2B",)
    assert FORM.missing({}) == FORM.questionnaire.ids


@pytest.mark.parametrize(
    ("missing", "text"),
    [(["Q1"], "Please complete Q1."), (["Q1", "Q4"], "Please complete Q1 and Q4.")],
)
def test_missing_questions_are_named(missing, text):
    assert missing_text(missing) == text


def test_no_markup_in_the_words_of_a_questionnaire():
    assert plain_markdown("![x](http://a) $1$ 20%") == (
        r"\!\[x\]\(http\:\/\/a\) \$1\$ 20%".replace(r"\/", "/")
    )


EVERY = Form(questionnaire_of(parse_json(json.dumps(EVERY_TYPE), "own.json")), "t1")


def fields_of(answers):
    """What stands in the fields of every type."""
    found = {EVERY.answer_key(name): given for name, given in answers.items()}
    codes = answers.get("sites", "").split("|")
    places = enumerate(("1", "2", "-1"))
    found |= {EVERY.choice_key("sites", n): code in codes for n, code in places}
    return found | {EVERY.answer_key("sure"): {"mark": answers.get("sure")}}


def test_fields_of_every_type_give_their_answers():
    assert EVERY.answers(fields_of(FULL)) == FULL
    assert EVERY.missing(fields_of(FULL)) == ()
    assert EVERY.answers(fields_of({})) == {}
    assert EVERY.missing(fields_of({"lesion": 0})) == ("grade", "sure")


def test_what_is_hidden_is_kept_as_a_draft_and_not_sent():
    fields = fields_of(FULL | {"lesion": 0})

    assert set(FULL) - set(EVERY.answers(fields)) == {"sites", "volume"}
    assert EVERY.missing(fields) == ()
    assert EVERY.draft(fields).answers == FULL | {"lesion": 0}


def test_a_number_that_is_not_on_a_step_waits_and_is_no_draft():
    fields = fields_of(FULL | {"volume": 2.3})

    assert EVERY.missing(fields) == ("volume",)
    assert "volume" not in EVERY.draft(fields).answers


def test_one_of_several_may_ask_for_its_reason():
    fields = fields_of(FULL | {"sites": "1|-1"})
    assert EVERY.missing(fields) == ("sites",)

    fields[EVERY.reason_key("sites")] = "near the falx"
    assert EVERY.reasons(fields) == {"sites": "near the falx"}
    assert EVERY.missing(fields) == ()


@pytest.mark.parametrize(
    "told", [None, 3, {}, {"mark": True}, {"mark": 101}, {"mark": "5"}]
)
def test_a_mark_is_not_believed_unless_it_is_on_the_line(told):
    assert mark_on(told) is None


def test_a_page_is_told_what_shows_a_question():
    assert asked_if(EVERY.questionnaire) == {
        "sites": [{"question": "lesion", "places": [0]}],
        "volume": [{"question": "lesion", "places": [0]}],
        "why": [{"question": "sure", "least": None, "most": 50}],
    }
