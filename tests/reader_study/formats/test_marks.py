"""Questions of type marks: what may be asked, what is an answer, and marks.csv."""

import csv
import io
import json
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reader_study.formats.asking.marks import (
    COLUMNS,
    Mark,
    Rules,
    marks_of,
    marks_text,
    rows_of,
    text_of,
)
from reader_study.formats.checking import FormatError, parse_json
from reader_study.formats.questionnaire import Problem, questionnaire_of
from reader_study.formats.spellings import answer
from tests.reader_study.every_type import MARKED

ASKED = questionnaire_of(parse_json(json.dumps(MARKED), "own.json"))
SITE = ASKED.questions[1]

places = st.floats(0, 1e5)
sizes = st.floats(0.01, 1e5)
boxes = st.just({}) | st.fixed_dictionaries({"width": sizes, "height": sizes})
details = st.fixed_dictionaries(
    {"x": places, "y": places},
    optional={
        "label": st.sampled_from(["core", "penumbra"]),
        "confidence": st.integers(1, 5),
        "slice": st.integers(1, 300),
        "picture": st.integers(1, 8),
        "panel": st.sampled_from(["CBF", "Tmax"]),
        "mm": st.lists(st.floats(-1e5, 1e5), min_size=3, max_size=3),
    },
)
marks = st.builds(lambda one, box: one | box, details, boxes)


def changed(**changes):
    site = MARKED["questions"][1] | changes
    questions = [
        MARKED["questions"][0],
        {k: v for k, v in site.items() if v is not None},
    ]
    return questionnaire_of(
        parse_json(json.dumps(MARKED | {"questions": questions}), "own.json")
    )


@given(st.lists(marks, max_size=3))
def test_marks_have_one_form_that_reads_back_as_itself(drawn):
    stored = SITE.answer_of(json.dumps(drawn))

    assert SITE.answer_of(stored) == stored == SITE.parse(stored)
    assert answer(SITE, stored) == (stored, "code")
    found = marks_of(stored)
    assert text_of(found) == stored
    assert len(found) == len(drawn)
    for mark, given_ in zip(found, drawn, strict=True):
        assert abs(mark.x - given_["x"]) <= 0.00501
        assert mark.shape == ("box" if "width" in given_ else "point")
    assert not {"NaN", "Infinity"} & {stored}


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
)
def test_anything_may_come_over_the_wire(content):
    found = SITE.answer_of(content)
    assert found is None or found == "[]" or marks_of(found)
    told = SITE.answer_of(json.dumps(content))
    assert told is None or marks_of(told) is not None


@pytest.mark.parametrize(
    "wrong",
    [
        "", "x", "3", "null", "{}", "[3]", "[[]]", "[" * 40_000, '[{"x": 1}]',
        '[{"x": -0.1, "y": 1}]', '[{"x": NaN, "y": 1}]', '[{"x": 1e6, "y": 1}]',
        '[{"x": true, "y": 1}]', '[{"x": "1", "y": 1}]', '[{"x": 1, "y": 1, "z": 1}]',
        '[{"x": 1, "y": 1, "width": 4}]', '[{"x": 1, "y": 1, "width": 0, "height": 4}]',
        '[{"x": 1, "y": 1, "label": "rim"}]', '[{"x": 1, "y": 1, "confidence": 6}]',
        '[{"x": 1, "y": 1, "confidence": 2.5}]', '[{"x": 1, "y": 1, "slice": 0}]',
        '[{"x": 1, "y": 1, "mm": [1, 2]}]', '[{"x": 1, "y": 1, "panel": "a\\nb"}]',
        json.dumps([{"x": 1, "y": 1}] * 4), json.dumps([{"x": 1, "y": 1}] * 400),
        None, 3, True, [{"x": 1, "y": 1}],
    ],
)  # fmt: skip
def test_nothing_else_is_an_answer(wrong):
    assert SITE.answer_of(wrong) is None
    assert SITE.says(wrong) == ""
    assert ASKED.problems({"grade": 1, "site": wrong}, {}) == [
        Problem("site", f"must be answered by {SITE.must_be}")
    ]


def test_only_shapes_that_are_asked_for_are_answers():
    points = changed(shapes=["point"]).questions[1]
    box = '[{"x": 1, "y": 1, "width": 2, "height": 2}]'

    assert SITE.answer_of(box)
    assert points.answer_of(box) is None
    assert SITE.must_be == "a list of at most 3 marks, each a point or box"


@pytest.mark.parametrize(
    ("mark", "message"),
    [
        ({"label": "core", "confidence": 2}, None),
        ({"confidence": 2}, "needs a label for each mark"),
        ({"label": "core"}, "needs a confidence for each mark"),
    ],
)
def test_a_mark_that_lacks_something_is_a_draft_and_no_answer(mark, message):
    given_ = json.dumps([{"x": 1, "y": 2, "label": "core", "confidence": 1},
                         {"x": 1, "y": 2} | mark])  # fmt: skip
    answers = {"grade": 1, "site": SITE.answer_of(given_)}

    assert answers["site"] is not None  # worth keeping
    problems = [Problem("site", message)] if message else []
    assert ASKED.problems(answers, {}) == problems


def test_nothing_to_mark_is_said_and_not_left_out():
    assert ASKED.problems({"grade": 1, "site": "[]"}, {}) == []
    assert ASKED.problems({"grade": 1}, {}) == [Problem("site", "has no answer")]
    assert SITE.says("[]") == "0"


def test_marks_are_said_in_few_words():
    two = text_of([Mark(3, 4, label="core", confidence=5), Mark(7, 8, 2, 2)])
    assert SITE.says(two) == "2: core (5), (7, 8)"


def test_a_question_of_marks_survives_json_and_others_keep_their_bytes():
    assert ASKED.to_dict() == MARKED
    again = questionnaire_of(parse_json(ASKED.to_json(), "own.json"))
    assert (again, again.sha256) == (ASKED, ASKED.sha256)
    assert SITE.rules == Rules(("point", "box"), ("core", "penumbra"), (1, 5), 3)
    assert ASKED.questions[2].rules == Rules(("point",), (), None, 20)
    plain = {"id": "Q", "text": "?", "type": "text"}
    other = questionnaire_of(
        parse_json(json.dumps(MARKED | {"questions": [plain]}), "o")
    )
    assert other.questions[0].to_dict() == plain


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shapes": []}, "shapes must be different and one or more, got []"),
        ({"shapes": ["point", "point"]}, "shapes must be different and one or more"),
        ({"shapes": ["line"]}, "shapes[0] must be"),
        ({"mark_labels": ["a", "a"]}, "mark_labels must be different and one or more"),
        ({"mark_labels": ["a\nb"]}, "mark_labels[0] must be a line of at most 60 char"),
        ({"confidence": [5, 1]}, "confidence must be two whole numbers, the lesser fi"),
        ({"confidence": [0, 101]}, "at most 100 apart, got [0, 101]"),
        ({"at_most": 101}, "at_most must be 100 or less, got 101"),
        (
            {"scale": [{"code": 1}, {"code": 0}]},
            "scale must be left out of a question of",
        ),
        ({"type": "text"}, "shapes must be left out of a question of type text"),
    ],
)
def test_what_is_wrong_with_a_question_is_said(changes, message):
    with pytest.raises(FormatError, match=re.escape(message)) as raised:
        changed(**changes)
    assert "\n" not in str(raised.value).strip()


def test_other_questions_cannot_wait_for_marks():
    later = {"id": "why", "text": "Why?", "type": "text",
             "shown_if": [{"question": "site", "at_least": 1}]}  # fmt: skip
    content = MARKED | {"questions": [*MARKED["questions"], later]}
    with pytest.raises(FormatError, match="must be a question with codes or a number"):
        questionnaire_of(parse_json(json.dumps(content), "own.json"))


def table(rows):
    return list(csv.DictReader(io.StringIO(marks_text(rows))))


def test_marks_csv_has_a_row_for_each_mark_and_one_where_there_is_none():
    about = {"reader": "ann", "case": "a", "method": "MAGIC", "trial": 1}
    two = text_of([
        Mark(3, 4.5, slice=2, panel="CBF", mm=(1.5, -2, 3), label="core", confidence=5),
        Mark(7, 8, 2, 2, label="=core"),
    ])  # fmt: skip
    first, second = table(rows_of(about, "site", two))
    (none,) = table(rows_of(about, "site", "[]"))

    assert list(first) == list(COLUMNS)
    assert first | {"reader": "ann", "question": "site", "mark": "1"} == first
    wanted = {"shape": "point", "x": "3", "y": "4.5", "slice": "2", "panel": "CBF",
              "x_mm": "1.5", "y_mm": "-2", "z_mm": "3", "label": "core",
              "confidence": "5", "width": ""}  # fmt: skip
    assert first | wanted == first
    assert second | {"shape": "box", "width": "2", "label": "'=core"} == second
    assert none | {"mark": "0", "x": "", "shape": ""} == none


def test_of_several_pictures_each_has_its_method():
    about = {"reader": "ann", "case": "a", "method": "", "trial": 1}
    on_second = text_of([Mark(3, 4, picture=2)])
    rows = table(rows_of(about, "site", on_second, ("RAPID", "MAGIC", "GAN")))

    assert [(row["method"], row["mark"]) for row in rows] == [
        ("MAGIC", "1"), ("RAPID", "0"), ("GAN", "0"),
    ]  # fmt: skip
    assert math.isclose(float(rows[0]["x"]), 3)
