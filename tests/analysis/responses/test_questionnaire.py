import json

import pytest

from analysis.responses import ResponsesError, load_questionnaire


def load(tmp_path, content):
    path = tmp_path / "questionnaire.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return load_questionnaire(path)


SCALE = [{"code": 1, "label": "Yes"}, {"code": 0, "label": "No"}]


def test_a_study_may_bring_its_own(tmp_path):
    grades = [{"code": "A", "requires_reason": True}, {"code": "B", "label": "poor"}]
    asked = load(
        tmp_path, {"questions": [{"id": "noise", "text": "Noise?", "scale": grades}]}
    )
    (question,) = asked
    assert question.codes == ("A", "B")
    assert question.labels == ("A", "poor")
    assert question.reason_codes == {"A"}
    assert question.parse(" B ") == "B"
    assert question.parse("C") is None


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("{", "not a JSON file"),
        ([1], "must hold a list of questions"),
        ({"questions": []}, "must hold a list of questions"),
        ({"questions": [{"scale": SCALE}]}, "question 1 has no id"),
        ({"questions": [{"id": "../Q1", "scale": SCALE}]}, "letters, digits, - and _"),
        ({"questions": [{"id": "Q1"}]}, "question Q1 must have a scale of two or more"),
        ({"questions": [{"id": "Q1", "scale": SCALE[:1]}]}, "two or more steps"),
        ({"questions": [{"id": "Q1", "scale": [1, 2]}]}, "each with a code"),
        (
            {"questions": [{"id": "Q1", "scale": [*SCALE, {"code": 1}]}]},
            "question Q1 has a code twice",
        ),
        (
            {"questions": [{"id": "Q1", "scale": [{"code": 0.5}, {"code": True}]}]},
            "must have whole numbers or texts as codes",
        ),
        ({"questions": [{"id": "Q1", "scale": SCALE}] * 2}, "question Q1 stands twice"),
        ({"questions": ["Q1"]}, "question 1 has no id"),
    ],
)
def test_impossible_questionnaires_are_refused(tmp_path, content, fault):
    with pytest.raises(ResponsesError, match=fault):
        load(tmp_path, content)
