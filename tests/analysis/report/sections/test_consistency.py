import pytest

from analysis.questions.arms import between_readers_of
from analysis.questions.between_readers import (
    consistency,
    consistency_difference,
    method_ratings,
)
from analysis.report.section import ReportContext
from analysis.report.sections.consistency import COEFFICIENTS, consistency_section
from tests.analysis.report.conftest import PLAN, simulated_responses


@pytest.mark.parametrize("name", ["fleiss_kappa", "gwet_ac1"])
def test_the_numbers_are_those_between_readers(section, responses, name):
    entry = section("consistency").content[name]["Q3"]
    ratings = method_ratings(responses, "Q3")
    expected = consistency_difference(ratings, name)
    assert entry["difference"]["estimate"] == expected.estimate
    assert entry["difference"]["low"] == expected.confidence_interval().low
    assert entry["difference"]["estimate"] == pytest.approx(
        entry["test"]["estimate"] - entry["reference"]["estimate"], abs=1e-12
    )


@pytest.mark.parametrize("name", ["fleiss_kappa", "gwet_ac1", "krippendorff_alpha"])
def test_a_method_has_the_interval_of_a_report_of_it_alone(section, responses, name):
    entry = section("consistency").content[name]["Q2A"]
    for method in ("RAPID", "MAGIC"):
        own = [one for one in responses.readings if one.method == method]
        question = responses.questionnaire.questions[1]
        alone = between_readers_of(own, question).these_readers[name]
        interval = alone.confidence_interval(0.95)
        assert question.id == "Q2A"
        of = entry["reference" if method == "RAPID" else "test"]
        assert (of["low"], of["high"]) == pytest.approx((interval.low, interval.high))


def test_alpha_is_ordinal_where_answers_are_steps(section, responses):
    by_question = section("consistency").content["krippendorff_alpha"]
    for question, level in (("Q3", "_ordinal"), ("Q2A", "")):
        ratings = method_ratings(responses, question)
        expected = consistency(ratings.test, ratings.k, f"krippendorff_alpha{level}")
        assert by_question[question]["test"]["estimate"] == expected.estimate


def test_each_coefficient_has_a_table_with_both_methods(section, responses):
    tables = section("consistency").tables
    assert len(tables) == len(COEFFICIENTS)
    for table in tables:
        assert list(table.frame.columns) == [
            "Question",
            "RAPID",
            "MAGIC",
            "Difference",
        ]
        assert list(table.frame["Question"]) == list(responses.questionnaire.ids)


def test_both_methods_and_the_difference_are_drawn(section):
    left, right = section("consistency").pictures[0].draw().axes
    assert len(left.get_yticks()) == 14
    assert len(right.get_yticks()) == 7
    assert right.get_xlabel().startswith("Difference")


def test_the_differences_are_exploratory_and_about_these_readers(section):
    content = section("consistency").content["fleiss_kappa"]
    said = section("consistency").findings[0]
    assert said.startswith("Exploratory, about these readers")
    of = content["Q3"]["difference"]
    assert f"Q3 {of['estimate']:.3f} [{of['low']:.3f}, {of['high']:.3f}]" in said


def test_one_case_tells_nothing_and_one_reader_has_no_section(reconstructed):
    few = simulated_responses(n_readers=2, n_cases=1)
    found = consistency_section(ReportContext(few, PLAN, [], 0.95))
    assert found.findings == (
        "Whether readers agree less on one method cannot be told here.",
    )
    assert found.tables[0].notes
    found.pictures[0].draw()
    alone = simulated_responses(n_readers=1, n_cases=4)
    context = ReportContext(alone, PLAN, [], 0.95)
    assert consistency_section(context) is None
    refused = {section.id: section.refused for section in reconstructed.sections}
    assert refused["consistency"]
    assert refused["odds"]
