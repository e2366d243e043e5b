import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reader_study.errors import StudyError
from reader_study.formats.checking import parse_json
from reader_study.formats.questionnaire import (
    Choice,
    Problem,
    Question,
    Questionnaire,
    check_for_reading,
    paper_questionnaire,
    questionnaire_of,
    read_questionnaire,
)

PAPER = paper_questionnaire()
GOOD = {"Q1": 1, "Q2A": 1, "Q2B": 1, "Q2C": 1, "Q2D": 1, "Q3": 2, "Q4": 4}
OLD_STUDY = Path(__file__).parents[1] / "fixtures" / "old_study"


def parsed(content):
    return questionnaire_of(parse_json(json.dumps(content, indent=1), "own.json"))


def test_the_papers_questions_have_the_codes_of_figure_s3():
    scales = {q.id: [choice.code for choice in q.scale] for q in PAPER.questions}

    quality = [1, 0, -1]
    assert scales == {
        "Q1": [1, 0],
        "Q2A": quality,
        "Q2B": quality,
        "Q2C": quality,
        "Q2D": quality,
        "Q3": [1, 2, 3, 4],
        "Q4": [1, 2, 3, 4, 5],
    }
    assert PAPER.ids == tuple(scales)


def test_complete_answers_have_no_problem():
    assert PAPER.problems(GOOD, {}) == []
    assert PAPER.problems(GOOD | {"Q2A": 0}, {"Q2A": "motion"}) == []


@pytest.mark.parametrize(
    ("change", "reasons", "message"),
    [
        ({"Q2B": 0}, {}, "needs a short explanation when answered Indeterminate"),
        ({"Q2B": 0}, {"Q2B": " \n"}, "needs a short explanation"),
        ({"Q2B": 0}, {"Q2B": None}, "must have a text as explanation"),
        ({"Q2B": 2}, {}, "must be answered by one of 1, 0, -1"),
        ({"Q2B": True}, {}, "must be answered by one of"),
        ({"Q2B": "1"}, {}, "must be answered by one of"),
        ({"Q2B": None}, {}, "must be answered by one of"),
    ],
)
def test_an_answer_that_is_not_valid_is_named(change, reasons, message):
    (problem,) = PAPER.problems(GOOD | change, reasons)

    assert problem.question == "Q2B"
    assert message in problem.message


def test_missing_and_unknown_questions_are_named():
    answers = {name: code for name, code in GOOD.items() if name != "Q3"}

    assert PAPER.problems(answers | {"Q9": 1}, {"Q7": "x"}) == [
        Problem("Q7", "is not a question of this study"),
        Problem("Q9", "is not a question of this study"),
        Problem("Q3", "has no answer"),
    ]


@given(st.dictionaries(st.sampled_from(PAPER.ids), st.integers(-3, 7)))
def test_exactly_the_codes_of_the_scale_are_valid(answers):
    reasons = dict.fromkeys(answers, "because")
    wrong = {problem.question for problem in PAPER.problems(answers, reasons)}

    for question in PAPER.questions:
        codes = {choice.code for choice in question.scale}
        assert (question.id in wrong) == (answers.get(question.id) not in codes)


def test_a_questionnaire_survives_json():
    again = parsed(PAPER.to_dict())

    assert again == PAPER
    assert again.sha256 == PAPER.sha256
    assert again.to_json() == PAPER.to_json()


def test_the_form_of_earlier_studies_is_read_and_hashed_as_it_came():
    old = read_questionnaire(OLD_STUDY / "STUDY" / "questionnaire.json")
    manifest = json.loads((OLD_STUDY / "STUDY" / "manifest.json").read_text())
    unblinded = OLD_STUDY / "unblinded" / "questionnaire.json"

    assert old == PAPER
    assert old.sha256 == manifest["questionnaire_sha256"] != PAPER.sha256
    assert old.to_json() == unblinded.read_text()
    assert read_questionnaire(unblinded) == old


def test_what_schema_1_lets_a_file_leave_out_is_filled_in():
    scale = [{"code": 1}, {"code": 2, "label": "poor"}]
    found = parsed({"questions": [{"id": "noise", "scale": scale}]})

    assert (found.title, found.version) == ("own", "")
    assert found.questions[0].text == "noise"
    assert found.questions[0].labels == ("1", "poor")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("case",), "must not be the name of another column, got 'case'"),
        (("Simulated",), "must not be the name of another column"),
        (("Q1", "q1_Feedback"), "must not be the name of another column"),
    ],
)
def test_a_question_may_not_take_the_column_of_a_table(names, message):
    content = {"questions": [own(id=name)["questions"][0] for name in names]}
    with pytest.raises(StudyError, match=message):
        check_for_reading(parsed(content), "own.json")


def test_readers_here_answer_by_whole_numbers():
    content = own(scale=[{"code": "A"}, {"code": "B"}])
    with pytest.raises(StudyError, match=r"own.json: Q1 must have whole numbers"):
        check_for_reading(parsed(content), "own.json")
    check_for_reading(PAPER, "paper")


def test_the_hash_changes_with_the_smallest_change():
    assert parsed(PAPER.to_dict() | {"version": "2"}).sha256 != PAPER.sha256


YES_NO = [{"code": 1, "label": "Yes"}, {"code": 0, "label": "No"}]


def own(**changes):
    question = {"id": "Q1", "text": "Really?", "scale": YES_NO} | changes
    return {"schema": 1, "title": "own", "version": "1", "questions": [question]}


def first_form(**changes):
    question = {"id": "Q1", "text": "Really?", "choices": YES_NO} | changes
    return {"name": "own", "version": "1", "questions": [question]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "own.json line 1: must be a JSON object, got list"),
        ({"name": "x"}, "line 1: questions must be given, got nothing"),
        (own() | {"schema": 3}, "line 2: schema must be 1 or 2, got 3"),
        (own() | {"colour": 1}, "line 21: colour is unknown; known are title, vers"),
        (own() | {"questions": {}}, "line 5: questions must be a list, got {}"),
        (own() | {"questions": []}, "questions must hold one or more questions"),
        (own() | {"title": 3}, "line 3: title must be a text, got 3"),
        (own(id="Q 1"), "line 7: questions[0].id must be letters, digits, - and _"),
        (own(id=3), "questions[0].id must be a text, got 3"),
        (own(text=" "), "line 8: questions[0].text must not be empty, got ' '"),
        (own(scale=YES_NO[:1]), "questions[0].scale must have two or more choices"),
        (own(scale=YES_NO * 2), "scale must have different codes, got (1, 0, 1, 0)"),
        (own(scale=[{"code": True}]), "a whole number or a text, got True"),
        (own(scale=[{"code": 1, "label": ""}]), "scale[0].label must not be empty"),
        (
            own(scale=[{"code": 1, "label": "x", "requires_reason": "no"}]),
            "line 13: questions[0].scale[0].requires_reason must be true or false",
        ),
        (own(scale=[{"label": "x"}]), "scale[0].code must be given, got nothing"),
        (first_form(choices=[{"code": 1}]), "choices[0].label must be given"),
        (first_form(choices=YES_NO[:1]), "choices must have two or more choices"),
    ],
)
def test_what_is_wrong_with_a_questionnaire_is_said(content, message):
    with pytest.raises(StudyError, match=re.escape(message)):
        parsed(content)


def test_a_question_may_not_take_the_column_of_a_reason():
    choices = tuple(Choice(**choice) for choice in YES_NO)
    questions = tuple(Question(name, "?", choices) for name in ("a", "A"))

    with pytest.raises(StudyError, match="got 'a' twice"):
        Questionnaire("own", "1", questions)


def test_a_file_that_cannot_be_used_is_named(tmp_path):
    path = tmp_path / "own.json"
    with pytest.raises(StudyError, match=r"own\.json: No such file"):
        read_questionnaire(path)
    path.write_text("{")
    with pytest.raises(StudyError, match=r"own\.json: not a JSON file"):
        read_questionnaire(path)
    path.write_text("{}")
    with pytest.raises(StudyError, match=r"own\.json line 1: questions must be given"):
        read_questionnaire(path)
    path.write_text(json.dumps(own()))
    assert read_questionnaire(path).ids == ("Q1",)
