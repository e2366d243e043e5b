# ruff: noqa: E501 - a table of messages
import re
from itertools import product

import numpy as np
import pytest

import analysis
from reader_study.errors import StudyError
from reader_study.formats.checking import FormatError, parse_toml
from reader_study.formats.plan import AnalysisPlan, read_plan
from reader_study.formats.plan_check import check_plan
from reader_study.formats.protocol import protocol_of, template
from reader_study.formats.questionnaire import (
    Question,
    Questionnaire,
    paper_questionnaire,
)
from reader_study.formats.rating import (
    diseased_values,
    is_positive,
    parse_rating,
    rated,
)
from reader_study.formats.responses import read_responses

PAPER = paper_questionnaire()
TEXTS = Questionnaire(
    "Texts",
    "1",
    (
        Question.of("Lesion", "Lesion?", ("no", "perhaps", "yes")),
        Question.of("Sure", "Sure?", ("low", "high")),
        Question.of("Fall", "Falling", (9, 5, 1)),
    ),
)


def test_a_signed_confidence_goes_from_negative_and_sure_to_positive_and_sure():
    rating = parse_rating("Q3 > 1 by Q4", PAPER)

    negative = [rating.value({"Q3": 1, "Q4": sure}) for sure in (5, 4, 3, 2, 1)]
    positive = [rating.value({"Q3": 2, "Q4": sure}) for sure in (1, 2, 3, 4, 5)]

    assert negative + positive == list(range(1, 11)) == list(rating.scale)
    assert {rating.value({"Q3": q, "Q4": 3}) for q in (2, 3, 4)} == {8.0}
    assert rating.diagnosis == 6.0
    assert rating.value({"Q3": 1}) is rating.value({"Q3": None, "Q4": 1}) is None
    assert rating.value({"Q3": 3.0, "Q4": float("nan")}) is None


def test_a_scale_counts_by_its_codes_and_by_its_steps_where_they_are_texts():
    assert parse_rating("Q4", PAPER).value({"Q4": 4}) == 4.0
    assert parse_rating("Lesion", TEXTS).value({"Lesion": "perhaps"}) == 2.0
    falling = parse_rating("Fall < 6 by Sure", TEXTS)
    assert falling.value({"Fall": 9, "Sure": "high"}) == 1.0
    assert falling.value({"Fall": 5, "Sure": "low"}) == 3.0
    column = parse_rating("score", PAPER, {"score"})
    assert [column.value({"score": x}) for x in ("0,5", 2, None)] == [0.5, 2.0, None]
    with pytest.raises(FormatError, match="must be a number in score, got 'high'"):
        column.value({"score": "high"})
    with pytest.raises(FormatError, match=r"on the scale of Q3 and Q4, got \(1, 6\)"):
        parse_rating("Q3 > 1 by Q4", PAPER).value({"Q3": 1, "Q4": 6})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Q5", "rating must be a question, such as 'Q4', or a signed confidence, such as 'Q3 > 1 by Q4', of the questions Q1, Q2A, Q2B, Q2C, Q2D, Q3, Q4, got 'Q5'"),
        ("Q3 > one by Q4", "rating must be a question"),
        ("Q3 > 1 by Q5", "rating must be of the questions Q1, Q2A, Q2B, Q2C, Q2D, Q3, Q4, got 'Q5'"),
        ("Q3 > 4 by Q4", "rating must part the answers 1, 2, 3, 4 of Q3 in two"),
        ("Q3 > 1 by Q3", "rating must take diagnosis and confidence of two questions"),
    ],
)  # fmt: skip
def test_what_is_no_rating_is_said_in_a_sentence(text, message):
    with pytest.raises(FormatError, match=re.escape(message)):
        parse_rating(text, PAPER)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('rating = "Q9"', "analysis.rating must be a question, such as 'Q4'"),
        ("rating = 4", "analysis.rating must be a text, got 4"),
        ('rating = "Q4"\nthreshold = 1', "analysis.threshold must be above 1, the lowest rating, and at most 5, the highest, got 1"),
        ('rating = "Q4"\nthreshold = "high"', "analysis.threshold must be a number, got 'high'"),
        ('rating = "Q4"\naccuracy_margin = 5', "analysis.accuracy_margin must be between 0 and 1, got 5"),
        ('rating = "Q4"\ntruth_positive = "severe"', "analysis.truth_positive must be a list, got 'severe'"),
        ("threshold = 3", "analysis.threshold must be left out where no rating is planned"),
        ('primary = {question = "Q4", measure = "auc"}', "analysis.primary.measure must have a rating in [analysis] for auc"),
        ('rating = "Q4"\nprimary = {question = "Q3", measure = "auc"}', "analysis.primary.question must be Q4 of the rating, got 'Q3'"),
        ('rating = "Q4"\nprimary = {question = "Q4", measure = "specificity"}', "analysis.primary.measure must have a threshold in [analysis] for specificity"),
        ('rating = "Q4"\nprimary = {question = "Q4", measure = "auc", claim = "non_inferior"}', "analysis.primary.margin must be given where the claim is non_inferior"),
    ],
)  # fmt: skip
def test_a_build_refuses_a_plan_of_accuracy_that_a_report_cannot_do(table, message):
    head = template().split("[analysis]", 1)[0]
    source = parse_toml(f"{head}[analysis]\n{table}\n", "study.toml")

    with pytest.raises(StudyError, match=re.escape(message)):
        check_plan(protocol_of(source), PAPER, source)


def test_two_values_may_say_themselves_which_is_diseased_and_three_may_not():
    for healthy, diseased in ((0, 1), ("No", "YES"), ("none", "diseased")):
        assert diseased_values([healthy, diseased, healthy]) == (str(diseased),)
    assert diseased_values(["0.0", "0"]) == ()
    assert diseased_values(["1", "2.0", "3"], [2, "3"]) == ("2.0", "3")
    assert is_positive(" Large  CORE", ["large core"])
    assert not is_positive("10", [1])
    with pytest.raises(FormatError, match="the 3 values 'none', 'mild', 'severe', got"):
        diseased_values(["none", "mild", "severe", "mild"])
    with pytest.raises(FormatError, match="the 2 values 'core', 'none', got nothing"):
        diseased_values(["core", "none"])


PLAN = AnalysisPlan(rating="Q3 > 1 by Q4", truth_positive=("mild", "severe"))


def responses(folder, rows, header="truth,truth_source"):
    """Readings of Q3 and Q4 of one questionnaire."""
    asked = Questionnaire("Two", "1", tuple(q for q in PAPER if q.id in {"Q3", "Q4"}))
    path = folder / "responses.csv"
    text = "\n".join([f"reader,case,method,Q3,Q4,{header}", *rows]) + "\n"
    path.write_text(text)
    return read_responses(path, asked, reference="RAPID", test="MAGIC")


def test_readings_become_the_table_that_the_analysis_takes(tmp_path):
    rng = np.random.default_rng(4)
    grades = ["none", "mild", "severe"] * 4
    rows = [
        f"{r},c{k},{m},{min(4, 1 + int(rng.random() * (1 + grades.index(g) or 1) * 2))},"
        f"{rng.integers(1, 6)},{g if k else ''},panel of two"
        for r, m, (k, g) in product("AB", ("RAPID", "MAGIC"), enumerate(grades))
    ]
    rows[5] = "A,c5,RAPID,,3,severe,panel of two"
    found = responses(tmp_path, rows)

    result = rated(found.readings, found.questionnaire, PLAN)

    assert result.positive == ("mild", "severe")
    assert result.negative == ("none",)
    assert result.sources == ("panel of two",)
    assert result.threshold == 6.0
    assert result.n_cases == (8, 3)
    assert result.notes == (
        "1 case without a truth left out, with 4 readings: c0",
        "1 reading without an answer to Q3 and Q4 left out: 1 of RAPID",
    )
    assert [len(column) for column in result.columns.values()] == [43] * 5
    accuracy = analysis.multireader_accuracy(result.columns)
    assert accuracy.modalities == ("RAPID", "MAGIC")
    assert 0 <= accuracy.modality("MAGIC").estimate <= 1


def test_what_has_no_truth_no_rating_or_one_class_has_its_reason(tmp_path):
    rows = ["A,c1,RAPID,1,2,none,x", "A,c2,RAPID,,,none,x", "A,c1,MAGIC,2,2,,"]
    found = responses(tmp_path, rows)
    readings, asked = found.readings, found.questionnaire

    assert rated(readings, asked, AnalysisPlan()).undefined_reason == (
        "the plan names no rating"
    )
    one_class = rated(readings, asked, PLAN)
    assert one_class.undefined_reason is None
    assert one_class.n_cases == (0, 1)
    assert one_class.notes[-1] == (
        "truth_positive names 'severe', which is the truth of no case"
    )
    reason = analysis.multireader_accuracy(one_class.columns).undefined_reason
    assert reason == "there is no diseased case"
    unrated = rated(readings[1:2], asked, PLAN).undefined_reason
    assert unrated == "no reading of a case with a truth has a rating"
    without = responses(tmp_path, [row.rsplit(",", 1)[0] for row in rows], "site")
    assert rated(without.readings, asked, PLAN).undefined_reason == (
        "no case has a truth"
    )


def test_two_truths_of_a_case_and_ratings_that_are_texts_are_faults(tmp_path):
    rows = ["A,c1,RAPID,1,2,none,high", "A,c1,MAGIC,1,2,severe,low"]
    found = responses(tmp_path, rows, "Truth,score")
    message = "line 3: truth of case c1 must be one value, got 'none' and 'severe'"

    with pytest.raises(FormatError, match=message):
        rated(found.readings, found.questionnaire, PLAN)
    found = responses(
        tmp_path, [row.replace("severe", "none") for row in rows], "truth,score"
    )
    with pytest.raises(FormatError, match=r"line 2: .* number in score, got 'high'"):
        rated(found.readings, found.questionnaire, AnalysisPlan(rating="score"))
    with pytest.raises(FormatError, match="rating must be a question"):
        rated(found.readings, found.questionnaire, AnalysisPlan(rating="points"))


def test_settings_of_the_same_name_in_plans_of_earlier_studies_are_left_alone(tmp_path):
    path = tmp_path / "plan.json"
    path.write_text('{"analysis": {"threshold": "0.5", "accuracy_margin": 7}}')

    assert read_plan(path).threshold is read_plan(path).accuracy_margin is None


NUMBERS = Questionnaire(
    "Numbers",
    "1",
    (
        Question.of("Lesion", "Lesion?", (0, 1)),
        Question("sure", "Sure?", type="analogue", ends=("no", "yes")),
        Question("ml", "mL?", type="number", range=(0, 60), step=0.5),
        Question("why", "Why?", type="text"),
    ),
)


def test_a_number_and_a_place_on_a_line_are_ratings_as_they_are():
    line, ml = (parse_rating(name, NUMBERS) for name in ("sure", "ml"))

    assert (line.ends, ml.ends) == ((0, 100), (0, 60))
    assert line.scale == ml.scale == ()
    assert [ml.value({"ml": x}) for x in (0, 2.5, None)] == [0.0, 2.5, None]
    assert parse_rating("Lesion", NUMBERS).ends == (0, 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "why",
            "of the questions Lesion, or a number, sure, ml, got 'why', which has type text",
        ),
        (
            "Lesion > 0 by sure",
            "must be of the questions Lesion, got 'sure', which has type anal",
        ),
        ("other", "of the questions Lesion, or a number, sure, ml, got 'other'"),
    ],
)
def test_what_cannot_be_a_rating_is_named_with_its_type(text, message):
    with pytest.raises(FormatError, match=re.escape(message)):
        parse_rating(text, NUMBERS)
