import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.answering import Form, missing_text, plain_markdown
from reader_study.formats.questionnaire import paper_questionnaire
from tests.app.material import GOOD

FORM = Form(paper_questionnaire(), "t1")
codes = {q.id: [c.code for c in q.scale] for q in FORM.questionnaire.questions}
answers_given = st.fixed_dictionaries(
    {}, optional={q: st.sampled_from(scale) for q, scale in codes.items()}
)


@given(answers_given)
def test_what_was_kept_stands_in_the_fields_again(answers):
    reasons = {q: "noise" for q, code in answers.items() if q[:2] == "Q2" and code == 0}
    fields = FORM.filled(answers, reasons)

    assert FORM.answers(fields) == answers
    assert FORM.reasons(fields) == reasons


@given(answers_given)
def test_fields_of_another_reading_are_not_looked_at(answers):
    fields = Form(FORM.questionnaire, "t2").filled(answers, {})

    assert FORM.answers(fields) == {}
    assert Form(FORM.questionnaire, "t2", "correction1").answers(fields) == {}


def test_an_explanation_counts_only_where_it_is_asked_for():
    fields = FORM.filled(GOOD, {"Q2A": "typed before the answer was changed"})

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
