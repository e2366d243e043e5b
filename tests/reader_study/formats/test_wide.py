"""Wide tables and files of each method: read rightly and said, or refused."""

from pathlib import Path

import pytest

from reader_study.formats.arms import read_arms
from reader_study.formats.checking import FormatError
from reader_study.formats.questionnaire import Question, Questionnaire
from reader_study.formats.responses import ONE_METHOD, read_responses
from reader_study.formats.tabular import read_table
from reader_study.formats.wide.layout import Told
from reader_study.formats.wide.long import long_of

QUALITY = Question.of("quality", "How good is it?", (1, 2, 3), ("Good", "Fair", "Poor"))
REAL = Question.of("Q1", "Is it real?", (1, 0), ("Yes", "No"))
TWO = Questionnaire("Two questions", "1", (QUALITY, REAL))
ONE = Questionnaire("One question", "1", (QUALITY,))


def long(folder, files, asked=TWO, **told):
    tables = {}
    for name, text in files.items():
        path = Path(folder, name)
        path.write_text(text, encoding="utf-8")
        tables[path] = read_table(path)
    return long_of(tables, asked, Told(**told))


def cells(found):
    return [tuple(row.get(name, "") for name in found.header) for row in found.rows]


R, C = "reader", "case"
FORMS = {
    "a column of each method": (
        {
            "x.csv": "reader,case,age,quality_A,quality_B\nR1,c1,70,good,2\n"
            "R2,c1,70,3,\n"
        },
        ONE,
        {},
        [("R1", "c1", "A", "1"), ("R1", "c1", "B", "2"), ("R2", "c1", "A", "3")],
        [
            "x.csv: a row for each reader and case, a column for each method (A, B), "
            "answers to quality",
            "x.csv: left out: age",
            "readings without any answer are left out: 1",
        ],
    ),
    "methods first, in brackets and with reasons": (
        {
            "x.csv": "Reader;Case;old quality;new (Quality);old_quality_reason;"
            "quality_reason_new\nR1;c1;2,0;NA;motion;\nR1;c2;3;1;;NA\n"
        },
        ONE,
        {},
        [
            ("R1", "c1", "old", "2", "motion"),
            ("R1", "c2", "old", "3", ""),
            ("R1", "c2", "new", "1", ""),
        ],
        [
            "x.csv: a row for each reader and case, a column for each method (old, new)"
            ", answers to quality",
            "readings without any answer are left out: 1",
        ],
    ),
    "two questions of two methods": (
        {"x.csv": "reader,case,quality_A,quality_B,Q1_A,Q1_B\nR1,c1,1,2,yes,no\n"},
        TWO,
        {},
        [("R1", "c1", "A", "1", "1"), ("R1", "c1", "B", "2", "0")],
        [
            "x.csv: a row for each reader and case, a column for each method (A, B), "
            "answers to quality, Q1",
        ],
    ),
    "a column of each reader": (
        {"x.csv": "case,method,R1,R2,age\nc1,A,1,2,77\nc1,B,3,Good,77\n"},
        ONE,
        {},
        [
            ("R1", "c1", "A", "1"),
            ("R2", "c1", "A", "2"),
            ("R1", "c1", "B", "3"),
            ("R2", "c1", "B", "1"),
        ],
        [
            "x.csv: a row for each case and method, a column for each reader (R1, R2), "
            "answers to quality",
            "x.csv: left out: age",
        ],
    ),
    "a file of each method, a column of each reader": (
        {"old.csv": "patient,R1,R2\nc1,1,2\n", "new.csv": "patient,R1,R2\nc1,3,1\n"},
        TWO,
        {"question": "Quality", "columns": {"Patient": C}},
        [
            ("R1", "c1", "old", "1", ""),
            ("R2", "c1", "old", "2", ""),
            ("R1", "c1", "new", "3", ""),
            ("R2", "c1", "new", "1", ""),
        ],
        [
            "old.csv: a row for each case, a column for each reader (R1, R2), answers "
            "to quality, all of method 'old'",
            "new.csv: a row for each case, a column for each reader (R1, R2), answers "
            "to quality, all of method 'new'",
            "no answers to Q1",
        ],
    ),
    "a file of each method, a row of each reading": (
        {
            "first.csv": "reader,case,quality,Q1\nR1,c1,1,0\n",
            "second.csv": "reader,case,quality,Q1\nR1,c1,2,1\n",
        },
        TWO,
        {"methods": ("CT", "MR")},
        [("R1", "c1", "CT", "1", "0"), ("R1", "c1", "MR", "2", "1")],
        [
            "first.csv: a row for each reading, answers to quality, Q1, all of method "
            "'CT'",
            "second.csv: a row for each reading, answers to quality, Q1, all of method "
            "'MR'",
        ],
    ),
    "a file of each question and method": (
        {
            "quality_old.csv": "case,R1\nc1,1\n",
            "quality_new.csv": "case,R1\nc1,2\n",
            "Q1_old.csv": "case,R1\nc1,0\n",
            "Q1_new.csv": "case,R1\nc1,1\n",
        },
        TWO,
        {},
        [("R1", "c1", "old", "1", "0"), ("R1", "c1", "new", "2", "1")],
        None,
    ),
    "a column of each reader and method": (
        {"x.csv": "case,R1_old,R1_new,R2_old,R2_new,R3_old,R3_new\nc1,1,2,3,1,2,2\n"},
        ONE,
        {},
        [
            ("R1", "c1", "old", "1"),
            ("R1", "c1", "new", "2"),
            ("R2", "c1", "old", "3"),
            ("R2", "c1", "new", "1"),
            ("R3", "c1", "old", "2"),
            ("R3", "c1", "new", "2"),
        ],
        [
            "x.csv: a row for each case, a column for each reader (R1, R2, R3) and "
            "method (old, new), answers to quality",
        ],
    ),
    "reader, question and method in a column": (
        {"x.csv": "case,R1.quality.old,R1.quality.new,R2.quality.old,R2.quality.new\n"
         "c1,1,2,3,1\n"},
        TWO,
        {"methods": ("old", "new")},
        [
            ("R1", "c1", "old", "1", ""),
            ("R1", "c1", "new", "2", ""),
            ("R2", "c1", "old", "3", ""),
            ("R2", "c1", "new", "1", ""),
        ],
        None,
    ),
    "a column of each case": (
        {"x.csv": "rater,c1,c2,site\nR1,1,2,1\n"},
        ONE,
        {"methods": ("old",), "columns": {"rater": R}, "left_out": ("Site",)},
        [("R1", "c1", "old", "1"), ("R1", "c2", "old", "2")],
        [
            "x.csv: a row for each reader, a column for each case (c1, c2), answers to "
            "quality, all of method 'old'",
            "x.csv: left out: site",
        ],
    ),
    "one method, a column of each reader": (
        {"x.csv": "case,R1,R2,R3\nc1,1,2,3\nc2,good,1,\n"},
        ONE,
        {},
        [
            ("R1", "c1", "1"),
            ("R2", "c1", "2"),
            ("R3", "c1", "3"),
            ("R1", "c2", "1"),
            ("R2", "c2", "1"),
        ],
        [
            "x.csv: a row for each case, a column for each reader (R1, R2, R3), "
            "answers to quality, all of one method, which has no name (--methods NAME "
            "gives one)",
            "readings without any answer are left out: 1",
        ],
    ),
    "two readers of one method": (
        {"x.csv": "case,R1,R2\nc1,1,2\n"},
        ONE,
        {},
        [("R1", "c1", "1"), ("R2", "c1", "2")],
        None,
    ),
    "rows as they should be, with other names": (
        {"x.csv": "Rater,case,technique,quality\nR1,c1,A,1\nR1,c1,B,2\n"},
        ONE,
        {"columns": {"rater": R, "technique": "method"}},
        [("R1", "c1", "A", "1"), ("R1", "c1", "B", "2")],
        ["x.csv: a row for each reading, answers to quality"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_a_wide_form_is_read_rightly_and_said(form, tmp_path):
    files, asked, told, expected, understood = FORMS[form]
    found = long(tmp_path, files, asked, **told)

    assert cells(found) == expected
    if understood is not None:
        assert found.understood == understood
    path = tmp_path / "responses.csv"
    path.write_text(found.text(), encoding="utf-8")
    again = read_arms(path, asked)
    assert len(again.readings) == len(expected)
    assert list(again.methods) == (found.methods or [ONE_METHOD])
    assert not again.assumed


REFUSED = {
    "which question": (
        {"x.csv": "case,method,R1,R2\nc1,A,1,2\n"},
        {},
        "x.csv line 1: has no column reader, and no column is known by its name: say "
        "with --question which of quality, Q1 all columns answer, or with "
        "--reader-column which column it is",
    ),
    "which method": (
        {"x.csv": "case,R1_old,R1_new,R2_old,R2_new\nc1,1,2,3,1\n"},
        {"question": "quality"},
        "x.csv line 1: say with --methods A,B which parts of the columns' names are "
        "methods, or with --methods A the method of the whole file",
    ),
    "methods that are not there": (
        {"x.csv": "reader,case,quality,Q1\nR1,c1,1,0\n"},
        {"methods": ("A", "B")},
        "x.csv line 1: has no column method and no columns of the methods A, B",
    ),
    "who and what": (
        {"x.csv": "patient,R1,R2\nc1,1,2\n"},
        {},
        "x.csv line 1: must have a column case or reader; say which column it is with "
        "--case-column or --reader-column",
    ),
    "a column that is not there": (
        {"x.csv": "patient,R1\nc1,1\n"},
        {"columns": {"subject": C}},
        "x.csv line 1: has no column 'subject'",
    ),
    "a question that is not asked": (
        {"x.csv": "case,method,R1\nc1,A,1\n"},
        {"question": "Q9"},
        "Question must be one of quality, Q1, got 'Q9'",
    ),
    "methods of fewer files": (
        {"x.csv": "case,R1\nc1,1\n", "y.csv": "case,R1\nc1,1\n"},
        {"methods": ("a", "b", "c")},
        "There must be a method for each file, got 2 files and 3 methods",
    ),
    "an answer that is none": (
        {"x.csv": "case,method,R1\nc1,A,1\nc1,B,7\n"},
        {"question": "quality"},
        "x.csv line 3 column R1: quality must be one of 1, 2, 3 or empty, got '7'",
    ),
    "a reading twice": (
        {"x.csv": "case,method,R1\nc1,A,1\nc1,A,2\n"},
        {"question": "quality"},
        "x.csv line 3: reader R1 case c1 method A was there before, in x.csv line 2",
    ),
    "a case without a name": (
        {"x.csv": "case,method,R1\n-,A,1\n"},
        {"question": "quality"},
        "x.csv line 2: case is empty",
    ),
}


@pytest.mark.parametrize("form", REFUSED)
def test_a_wide_form_is_refused_in_a_sentence_that_says_what_to_do(form, tmp_path):
    files, told, sentence = REFUSED[form]
    with pytest.raises(FormatError) as caught:
        long(tmp_path, files, **told)
    assert str(caught.value).replace(f"{tmp_path}/", "") == sentence


def test_a_wide_table_given_to_report_is_told_apart(tmp_path):
    path = tmp_path / "wide.csv"
    path.write_text("reader,case,quality_A,quality_B,Q1_A,Q1_B\nR1,c1,1,2,1,0\n")
    with pytest.raises(FormatError) as caught:
        read_responses(path, TWO, reference="A", test="B")
    assert str(caught.value) == (
        f"{path} line 1: must have a row for each reading, but has a row for each "
        "reader and case, a column for each method (A, B), answers to quality, Q1; "
        f"`magic-analyze tidy {path}` makes such a file"
    )


def test_a_comment_is_no_method(tmp_path):
    path = tmp_path / "long.csv"
    path.write_text("reader,case,quality,quality_comment\nR1,c1,1,nice\n")
    with pytest.raises(FormatError, match="column method is missing"):
        read_responses(path, ONE, reference="A", test="B")


def test_the_longest_question_names_a_column(tmp_path):
    scale = (1, 2)
    asked = Questionnaire(
        "", "", (Question.of("map", "?", scale), Question.of("map_quality", "?", scale))
    )
    text = "reader,case,map_A,map_B,map_quality_A,map_quality_B\nR,c,1,2,2,1\n"
    found = long(tmp_path, {"x.csv": text}, asked)
    assert cells(found) == [("R", "c", "A", "1", "2"), ("R", "c", "B", "2", "1")]


def test_names_that_do_not_cross_are_not_split(tmp_path):
    text = "case,R1_a,R1_b,R2_a,R3\nc1,1,2,3,1\n"
    found = long(tmp_path, {"x.csv": text}, ONE)
    assert [row["reader"] for row in found.rows] == ["R1_a", "R1_b", "R2_a", "R3"]


def test_text_that_a_spreadsheet_would_run_is_guarded(tmp_path):
    found = long(
        tmp_path,
        {"x.csv": "reader,case,method,quality,quality_reason\n=R,c,A,1,=1+1\n"},
        ONE,
    )
    assert "'=R,c,A,1,'=1+1" in found.text()
