"""One method, more than two, and cases that a reader read again."""

import pytest

from analysis.responses import ResponsesError, read_responses
from reader_study.formats.arms import read_arms
from tests.analysis.responses.conftest import HEADER

ANSWERS = ",1,1,1,1,1,2,4"


def rows(*cells, answers=ANSWERS):
    """Lines of reader, case and method, with further cells at the end."""
    return [
        ",".join(c.split()[:3]) + answers + "".join(f",{x}" for x in c.split()[3:])
        for c in cells
    ]


def test_a_file_may_hold_any_methods(write, questionnaire):
    path = write(rows("R1 c1 new", "R1 c1 old", "R2 c1 newest"))
    arms = read_arms(path, questionnaire)
    assert arms.methods == ("new", "old", "newest")
    assert (arms.readers, arms.cases, list(arms.repeats)) == (["R1", "R2"], ["c1"], [])
    assert repr(arms) == (
        "Arms(3 readings, 0 repeats, 2 readers, 1 cases, new, old, newest)"
    )


def test_two_of_three_methods_are_compared_and_the_rest_is_named(write, questionnaire):
    path = write(rows("R1 c1 new", "R1 c1 old", "R1 c2 newest", "R1 c1 newest"))
    responses = read_arms(path, questionnaire).compared("old", "new")
    assert [reading.method for reading in responses.readings] == ["new", "old"]
    assert responses.notes == ["newest: readings left out, 2"]


def test_repeats_of_a_method_that_is_left_out_are_too(write, questionnaire):
    lines = rows("R1 c1 new 1", "R1 c1 old 1", "R1 c1 newest 1", "R1 c1 newest 2")
    arms = read_arms(write(lines, HEADER + ",repeat"), questionnaire)
    assert not arms.compared("old", "new").repeats
    assert [r.line for r in arms.compared("old", "newest").repeats] == [5]


def test_a_file_without_methods_is_of_one(write, questionnaire):
    lines = [line.replace(",x,", ",") for line in rows("R1 c1 x", "R2 c1 x")]
    path = write(lines, HEADER.replace("method,", ""))
    assert read_arms(path, questionnaire).methods == ("all readings",)
    with pytest.raises(ResponsesError, match="column method is missing"):
        read_responses(path, questionnaire, reference="RAPID", test="MAGIC")
    again = write([*lines, lines[0]], HEADER.replace("method,", ""))
    with pytest.raises(ResponsesError, match="has read case c1 before, on line 2;"):
        read_arms(again, questionnaire)


def test_a_method_may_not_be_empty(write, questionnaire):
    path = write([line.replace(",x,", ",,") for line in rows("R1 c1 x")])
    with pytest.raises(ResponsesError, match="line 2: method is empty"):
        read_arms(path, questionnaire)


@pytest.mark.parametrize("column", ["repeat", "session", "trial"])
def test_cases_read_again_are_told_by_a_column(write, questionnaire, column):
    lines = rows("R1 c1 RAPID 10", "R1 c1 RAPID 9", "R1 c2 RAPID 1", "R1 c1 MAGIC 1")
    path = write(lines, f"{HEADER},{column}")
    for found in (
        read_arms(path, questionnaire),
        read_responses(path, questionnaire, reference="RAPID", test="MAGIC"),
    ):
        assert [reading.line for reading in found.readings] == [3, 4, 5]
        assert [reading.line for reading in found.repeats] == [2]


def test_names_of_repeats_follow_the_file_and_none_comes_first(write, questionnaire):
    lines = rows("R1 c1 x pre", "R2 c1 x post", "R2 c1 x pre", "R1 c1 x post")
    lines += [line + "," for line in rows("R2 c1 x")]
    arms = read_arms(write(lines, HEADER + ",session"), questionnaire)
    assert [(r.reader, r.occasion) for r in arms.readings] == [
        ("R1", "pre"),
        ("R2", ""),
    ]
    assert [(r.reader, r.occasion) for r in arms.repeats] == [
        ("R2", "pre"),
        ("R2", "post"),
        ("R1", "post"),
    ]


def test_repeats_that_nothing_tells_apart_are_a_fault(write, questionnaire):
    lines = rows("R1 c1 x 1", "R1 c1 x 2", "R1 c1 x 2")
    with pytest.raises(ResponsesError) as caught:
        read_arms(write(lines, HEADER + ",repeat"), questionnaire)
    (fault,) = caught.value.faults
    assert fault.endswith(
        "line 4: reader R1 has read case c1 under x before, on line 3; if it was read "
        "again on purpose, a column repeat must say which reading this is (1, 2)"
    )
