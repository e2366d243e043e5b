from dataclasses import replace

import pytest

from analysis.mixed_models import crossing, fit, likelihood_ratio_test
from analysis.report.section import ReportContext
from analysis.report.sections.mixed import mixed_section, question_model
from tests.analysis.report.conftest import PLAN, simulated_responses


@pytest.fixture(scope="module")
def few():
    """A study small enough to fit many models."""
    return simulated_responses(5, n_readers=4, n_cases=10)


def question(responses, name):
    return next(q for q in responses.questionnaire if q.id == name)


def answered(responses, name, answer):
    """The same readings with other answers to one question."""
    readings = [
        replace(r, answers={**r.answers, name: answer(r)}) for r in responses.readings
    ]
    return replace(responses, readings=readings)


def test_the_numbers_are_those_of_the_model(few):
    of = question_model(few, question(few, "Q4"))
    readings = few.readings
    groups = {
        "reader": [r.reader for r in readings],
        "case": [r.case for r in readings],
    }
    groups["reader:case"] = crossing(*groups.values())
    method = [float(r.method == "MAGIC") for r in readings]
    y = [r.answers["Q4"] for r in readings]
    expected = fit(y, {"method": method}, groups)
    assert of.model.coefficients == expected.coefficients
    assert of.test == likelihood_ratio_test(expected, "method")


def test_an_answer_nobody_gave_is_left_out_of_the_scale(few):
    shifted = answered(few, "Q3", lambda r: min(3, r.answers["Q3"]))
    of = question_model(shifted, question(few, "Q3"))
    assert of.unused == ("Core infarct is approximately equal to tissue at risk",)
    assert of.model.undefined_reason is None


@pytest.mark.slow
def test_a_model_that_cannot_be_fitted_has_its_reason_in_words(few):
    constant = answered(
        few, "Q1", lambda r: 1 if r.method == "RAPID" else r.answers["Q1"]
    )
    found = mixed_section(ReportContext(constant, PLAN, [], 0.95))
    row = found.tables[0].frame.set_index("Question").loc["Q1"]
    assert row["Odds ratio"] == "not estimable"
    assert any(
        "every answer with method 0 is" in note for note in found.tables[0].notes
    )
    assert found.content["Q1"]["odds_ratio"] is None
    assert found.content["Q1"]["undefined_reason"]


def test_no_model_at_all_is_said(few):
    asked = replace(few.questionnaire, questions=few.questionnaire.questions[:1])
    same = replace(answered(few, "Q1", lambda _: 1), questionnaire=asked)
    found = mixed_section(ReportContext(same, PLAN, [], 0.95))
    assert found.findings == ("No question supports the model; the table says why.",)


def test_a_variance_of_0_leaves_its_intercepts_out(few):
    of = question_model(few, question(few, "Q3"))
    assert of.dropped == "its variance is estimated as 0"
    assert list(of.model.group_sds) == ["reader", "case"]


def test_the_simpler_model_stands_in_with_the_reason(few):
    # One answer a reader and case, and two answers: reader:case tells nothing.
    first = {(r.reader, r.case): r for r in few.readings}
    halved = replace(few, readings=list(first.values()))
    mixed = answered(halved, "Q1", lambda r: (hash_of(r) // 3) % 2)
    readings = [
        replace(r, method="MAGIC" if hash_of(r) % 2 else "RAPID")
        for r in mixed.readings
    ]
    of = question_model(replace(mixed, readings=readings), question(few, "Q1"))
    assert "a group for each answer" in of.dropped
    assert "reader:case" not in of.model.group_sds
    assert of.model.undefined_reason is None


def hash_of(reading):
    """A number from the names, the same in every run."""
    return int(reading.reader[1:]) * 7 + int(reading.case[-2:]) * 5


@pytest.mark.slow
def test_the_section_of_a_whole_study_names_direction_and_spread(section, responses):
    found = section("mixed")
    frame = found.tables[0].frame.set_index("Question")
    assert list(frame.index) == list(responses.questionnaire.ids)
    assert frame.loc["Q4", "Further along is"] == "Completely confident"
    assert frame.loc["Q3", "Further along is"] == "code 4"
    assert "moves answers along the scale" in found.findings[0]
