"""Schema 2 of the questionnaire: types, conditions, what may be left open."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reader_study.errors import StudyError
from reader_study.formats.asking.question import Type
from reader_study.formats.checking import FormatError, parse_json
from reader_study.formats.questionnaire import (
    Choice,
    Problem,
    Question,
    check_for_reading,
    questionnaire_of,
)
from reader_study.formats.spellings import answer
from tests.reader_study.every_type import EVERY_TYPE, FULL


def parsed(content):
    return questionnaire_of(parse_json(json.dumps(content, indent=1), "own.json"))


ASKED = parsed(EVERY_TYPE)
OF = {question.id: question for question in ASKED}


def changed(name, **changes):
    """The content with another question in the place of the named one."""
    questions = [
        {k: v for k, v in (q | changes).items() if v is not None}
        if q["id"] == name
        else q
        for q in EVERY_TYPE["questions"]
    ]
    return EVERY_TYPE | {"questions": questions}


def test_a_questionnaire_of_every_type_survives_json():
    again = parsed(ASKED.to_dict())

    assert again == ASKED
    assert again.to_dict() == ASKED.to_dict() == EVERY_TYPE
    assert again.sha256 == ASKED.sha256


def test_schema_1_is_written_where_it_can_say_all():
    of_choices = EVERY_TYPE | {"questions": EVERY_TYPE["questions"][:1]}
    of_schema_1 = of_choices | {"schema": 1}

    assert parsed(of_choices).to_dict() == of_schema_1
    assert parsed(of_choices).sha256 == parsed(of_schema_1).sha256


@pytest.mark.parametrize(
    ("name", "valid", "stored", "cell", "said"),
    [
        ("lesion", 1, 1, "1.0", "Yes"),
        ("grade", 3, 3, "3", "step 3"),
        ("sites", "2|1", "1|2", " 2 |1.0", "Cortex, White matter"),
        ("sites", [-1], "-1", "-1", "Elsewhere"),
        ("volume", 2.5, 2.5, "2.50", "2.5 mL"),
        ("volume", 3.0, 3, "3", "3 mL"),
        ("sure", 0, 0, "0", "0"),
        ("why", " motion ", "motion", "motion", "motion"),
        ("remarks", "a\nb", "a\nb", "a\nb", "a\nb"),
    ],
)
def test_a_valid_answer_has_one_form(name, valid, stored, cell, said):
    question = OF[name]

    assert question.answer_of(valid) == stored
    assert type(question.answer_of(valid)) is type(stored)
    assert question.answer_of(stored) == stored == question.parse(cell)
    assert question.parse(str(stored)) == stored
    assert question.says(valid) == said


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        *(("lesion", wrong) for wrong in (2, True, "1", 1.0, None, [1])),
        *(("grade", wrong) for wrong in (0, "2")),
        *(("sites", wrong) for wrong in ("", "3", "1|", "1|1", [], [True], [1, 1], 5)),
        *(("volume", wrong) for wrong in (-1, 60.5, 2.3, "2", True, float("nan"))),
        *(("sure", wrong) for wrong in (101, -1, 50.5, "50", None)),
        *(("why", wrong) for wrong in ("", "  ", "x" * 41, "a\nb", 3, "a\0b")),
        *(("remarks", wrong) for wrong in ("x" * 4001, "\ud800", " \n")),
    ],
)
def test_nothing_else_is_an_answer(name, wrong):
    assert OF[name].answer_of(wrong) is None
    assert OF[name].says(wrong) == ""
    problems = ASKED.problems(FULL | {name: wrong}, {})
    assert [p.message for p in problems if p.question == name] == [
        f"must be answered by {OF[name].must_be}"
    ]


@given(st.integers(0, 120), st.floats(-1e-8, 1e-8))
def test_numbers_are_stored_without_what_binary_fractions_add(steps, noise):
    assert OF["volume"].answer_of(steps * 0.5) == steps / 2
    tenths = parsed(changed("volume", step=0.1))
    volume = next(q for q in tenths if q.id == "volume")
    found = volume.answer_of(min(max(steps * 0.1 + noise, 0), 60))
    assert str(found) == str(steps // 10 if steps % 10 == 0 else steps / 10)


def test_what_must_be_is_said():
    assert OF["sites"].must_be == "one or more of 1, 2, -1, with | between them"
    assert OF["volume"].must_be == "a number from 0 to 60 in steps of 0.5"
    assert OF["sure"].must_be == "a number from 0 to 100 in steps of 1"
    assert OF["why"].must_be == "a text of at most 40 characters in one line"
    assert OF["remarks"].must_be == "a text of at most 4000 characters"


def test_complete_answers_have_no_problem_and_what_is_optional_may_be_open():
    assert ASKED.problems(FULL, {}) == []
    without = {name: given for name, given in FULL.items() if name != "remarks"}
    assert ASKED.problems(without, {}) == []
    assert ASKED.kept(FULL, {"grade": "x"}) == (FULL, {"grade": "x"})


def test_a_question_is_asked_only_after_the_answers_it_needs():
    shown = [question.id for question in ASKED.shown({"lesion": 0, "sure": 51})]
    assert shown == ["lesion", "grade", "sure", "remarks"]
    answers = FULL | {"lesion": 0}

    assert {
        p.question: p.message for p in ASKED.problems(answers, {})
    } == dict.fromkeys(
        ("sites", "volume"), "must be left out, for it is not asked after these answers"
    )
    kept, reasons = ASKED.kept(answers, {"sites": "x", "lesion": "y"})
    assert kept == {
        name: given
        for name, given in answers.items()
        if name not in {"sites", "volume"}
    }
    assert reasons == {"lesion": "y"}
    assert ASKED.problems(kept, {}) == []


def test_the_answer_of_a_hidden_question_shows_no_other():
    late = changed(
        "why",
        shown_if=[{"question": "volume", "at_least": 1}],
    )
    asked = parsed(late)

    assert "why" in {q.id for q in asked.shown({"lesion": 1, "volume": 2})}
    assert "why" not in {q.id for q in asked.shown({"lesion": 0, "volume": 2})}


def test_a_reason_is_asked_for_by_one_of_several():
    answers = FULL | {"sites": "1|-1"}

    assert ASKED.problems(answers, {}) == [
        Problem("sites", "needs a short explanation when answered Elsewhere")
    ]
    assert ASKED.problems(answers, {"sites": "near the falx"}) == []


def test_a_reading_without_any_answer_is_not_complete():
    one = EVERY_TYPE | {"questions": EVERY_TYPE["questions"][-1:]}

    assert parsed(one).problems({}, {}) == [
        Problem("remarks", "has no answer, nor has another")
    ]


def test_several_are_one_question_of_yes_and_no_for_each_code():
    assert [(q.id, q.text, q.codes) for q in OF["sites"].yes_no()] == [
        ("sites_1", "Cortex", (1, 0)),
        ("sites_2", "White matter", (1, 0)),
        ("sites_-1", "Elsewhere", (1, 0)),
    ]


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("sites", "1 | 2", ("1 | 2", "code")),
        ("sites", "cortex|2", ("1|2", "label")),
        ("sites", "cortex|brain", ("cortex|brain", "unknown")),
        ("sites", "NA", ("", "nothing")),
        ("volume", "2,5", ("2.5", "number")),
        ("volume", "2.2", ("2.2", "unknown")),
        ("volume", "-", ("", "nothing")),
        ("why", "NA", ("NA", "code")),
        ("why", "x" * 41, ("x" * 41, "unknown")),
    ],
)
def test_cells_are_read_as_others_spell_them(name, text, found):
    assert answer(OF[name], text) == found


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            EVERY_TYPE | {"schema": 1},
            "line 2: schema must be 2 in a file whose questions[1] has",
        ),
        (changed("grade", type="slider"), "questions[1].type must be choice, ordered"),
        (changed("grade", unit="mL"), "questions[1].unit must be left out of a questi"),
        (changed("grade", scale=None), "questions[1].scale must have two or more"),
        (changed("volume", step=None), "questions[3].step must be given, got nothing"),
        (
            changed("volume", range=[5, 0]),
            "questions[3].range must be two numbers, the",
        ),
        (changed("volume", range=[1]), "questions[3].range"),
        (changed("volume", step=7), "questions[3].step must go into the range from 0"),
        (changed("volume", step=0), "questions[3].step must go into the range"),
        (changed("sure", ends=["x", " "]), "questions[4].ends[1] must not be empty"),
        (changed("why", longest=5000), "questions[5].longest must be 4000 or less"),
        (changed("why", longest=0), "questions[5].longest must be 1 or more, got 0"),
        (changed("remarks", required="no"), "questions[6].required must be true or"),
        (
            changed("sites", scale=[{"code": "a b"}, {"code": "c"}]),
            "questions[2].scale[0].code must be letters, digits, - and _, got 'a b'",
        ),
        (changed("why", id="sites_2"), "must name one column, got 'sites' twice"),
        (
            changed("grade", shown_if=[{"question": "why", "codes": [1]}]),
            "questions[1].shown_if[0].question must be an earlier question (lesion), ",
        ),
        (
            changed("sites", shown_if=[{"question": "lesion", "codes": [7]}]),
            "questions[2].shown_if[0].codes must be codes of lesion, got 7",
        ),
        (
            changed("why", shown_if=[{"question": "sure", "codes": [1]}]),
            "shown_if[0] at_least or at_most must be given for sure, got nothing",
        ),
        (
            changed("sites", shown_if=[{"question": "lesion"}]),
            "shown_if[0] must have either codes, or at_least and at_most or one of",
        ),
        (
            changed(
                "why", shown_if=[{"question": "sure", "at_least": 2, "at_most": 1}]
            ),
            "shown_if[0].at_most must be 2 or more, got 1",
        ),
        (
            changed("remarks", shown_if=[{"question": "why", "codes": [1]}]),
            "shown_if[0].question must be a question with codes or a number, got 'why'",
        ),
    ],
)
def test_what_is_wrong_with_a_definition_is_said_with_key_and_place(content, message):
    with pytest.raises(StudyError, match=re.escape(message)) as raised:
        parsed(content)

    assert "\n" not in str(raised.value)
    assert str(raised.value).startswith("own.json line ")


def test_the_questionnaire_of_the_guide_can_be_used():
    text = (
        Path(__file__).parents[3] / "docs/how-to/ask-other-questions.md"
    ).read_text()
    content = text.split("```json\n")[1].split("```")[0]
    asked = questionnaire_of(parse_json(content, "guide"))

    check_for_reading(asked, "guide")
    assert {q.type for q in asked} == set(get_args(Type)) - {"which", "rank"}


def test_questions_about_pictures_are_answered_by_their_places():
    which = Question("Q1", "Better?", type="which", pictures=2, tie="Alike")
    rank = Question("Q2", "Order?", type="rank", pictures=3)

    assert (which.codes, which.labels) == ((1, 2, 0), ("A", "B", "Alike"))
    assert (rank.parse("213"), rank.says(213), rank.parse("113")) == (
        213, "B, A, C", None,
    )  # fmt: skip
    shown = ("GAN", "real", "flow")
    said = [which.methods_of(code, shown) for code in which.codes]
    assert said == ["GAN", "real", "none"]
    assert rank.methods_of(213, shown) == "real > GAN > flow"
    assert not which.of_schema_1
    assert which.to_dict() == {
        "id": "Q1", "text": "Better?", "type": "which", "pictures": 2, "tie": "Alike",
    }  # fmt: skip
    assert replace(which, text="Nicer?").codes == which.codes


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"type": "which"}, "pictures must be given, got nothing"),
        ({"type": "which", "pictures": 9}, "pictures must be 2 to 8 of type which"),
        ({"type": "rank", "pictures": 5}, "pictures must be 2 to 4 of type rank"),
        ({"type": "which", "pictures": 3, "tie": "x"}, "tie must be left out of more"),
        ({"type": "rank", "pictures": 2, "tie": "x"}, "tie must be left out of a ques"),
        ({"type": "which", "pictures": 2, "scale": (Choice(1, "a"), Choice(2, "b"))},
         "scale must be left out of a question of type which"),
    ],
)  # fmt: skip
def test_questions_about_pictures_must_fit_them(given, message):
    with pytest.raises(FormatError, match=message):
        Question("Q1", "?", **given)
