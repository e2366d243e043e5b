import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reader_study.errors import StudyError
from reader_study.formats.questionnaire import (
    Choice,
    Problem,
    Question,
    Questionnaire,
    paper_questionnaire,
    read_questionnaire,
)

PAPER = paper_questionnaire()
GOOD = {"Q1": 1, "Q2A": 1, "Q2B": 1, "Q2C": 1, "Q2D": 1, "Q3": 2, "Q4": 4}
PUBLISHED = Path(__file__).parents[3] / "analysis" / "published" / "questionnaire.json"


def test_the_papers_questions_have_the_codes_of_figure_s3():
    scales = {q.id: [choice.code for choice in q.choices] for q in PAPER.questions}

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
    assert PAPER.question_ids == tuple(scales)


def test_what_readers_are_asked_is_what_the_analysis_expects():
    published = json.loads(PUBLISHED.read_text())

    assert PAPER.export()["questions"] == published["questions"]


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


@given(st.dictionaries(st.sampled_from(PAPER.question_ids), st.integers(-3, 7)))
def test_exactly_the_codes_of_the_scale_are_valid(answers):
    reasons = dict.fromkeys(answers, "because")
    wrong = {problem.question for problem in PAPER.problems(answers, reasons)}

    for question in PAPER.questions:
        codes = {choice.code for choice in question.choices}
        assert (question.id in wrong) == (answers.get(question.id) not in codes)


def test_a_questionnaire_survives_json():
    again = Questionnaire.from_dict(json.loads(json.dumps(PAPER.to_dict())))

    assert again == PAPER
    assert again.sha256 == PAPER.sha256


def test_the_hash_changes_with_the_smallest_change():
    content = PAPER.to_dict() | {"version": "2"}

    assert Questionnaire.from_dict(content).sha256 != PAPER.sha256


YES_NO = [{"code": 1, "label": "Yes"}, {"code": 0, "label": "No"}]


def own(**changes):
    question = {"id": "Q1", "text": "Really?", "choices": YES_NO} | changes
    return {"name": "own", "version": "1", "questions": [question]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "questionnaire must be an object, got list"),
        ({"name": "x"}, "is missing; known are name, questions, version"),
        (own() | {"colour": 1}, "unknown colour"),
        (own() | {"questions": {}}, "questions must be a list, got dict"),
        (own() | {"questions": []}, "at least one question, got none"),
        (own() | {"name": ""}, "name of the questionnaire must be a text, got ''"),
        (own(id="Q 1"), "must be letters, digits, - and _, got 'Q 1'"),
        (own(id=3), "id of a question must be a text, got 3"),
        (own(text=" "), "text of Q1 must be a text"),
        (own(choices=YES_NO[:1]), "Q1 must have two or more choices, got 1"),
        (own(choices=YES_NO * 2), "codes of Q1 must differ"),
        (own(choices=[{"code": True, "label": "x"}]), "a whole number, got True"),
        (own(choices=[{"code": 1, "label": ""}]), "label of code 1 must be a text"),
        (
            own(choices=[{"code": 1, "label": "x", "needs_reason": "no"}]),
            "needs_reason of code 1 must be true or false",
        ),
        (own(choices=[{"code": 1}]), "question 1, a choice: label is missing"),
    ],
)
def test_what_is_wrong_with_a_questionnaire_is_said(content, message):
    with pytest.raises(StudyError, match=message.replace("(", r"\(")):
        Questionnaire.from_dict(content)


def test_a_question_may_not_take_the_column_of_a_reason():
    choices = tuple(Choice(**choice) for choice in YES_NO)
    questions = tuple(Question(name, "?", choices) for name in ("a", "A"))

    with pytest.raises(StudyError, match="got a twice"):
        Questionnaire("own", "1", questions)


def test_a_file_that_cannot_be_used_is_named(tmp_path):
    path = tmp_path / "own.json"
    with pytest.raises(StudyError, match=r"own\.json: No such file"):
        read_questionnaire(path)
    path.write_text("{")
    with pytest.raises(StudyError, match=r"own\.json: not a JSON file"):
        read_questionnaire(path)
    path.write_text("{}")
    with pytest.raises(StudyError, match=r"own\.json: questionnaire: name is missing"):
        read_questionnaire(path)
    path.write_text(json.dumps(own()))
    assert read_questionnaire(path).question_ids == ("Q1",)
