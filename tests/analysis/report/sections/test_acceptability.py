"""Question 2 in the report."""

from dataclasses import replace

import pytest

from analysis.questions.acceptability import (
    acceptable_difference,
    acceptance_of,
    clustered_mcnemar,
    non_inferiority,
)
from analysis.report.methods import marks
from analysis.report.section import CLAIMS, ReportContext
from analysis.report.sections.acceptability import NO_MARGIN, acceptability_section
from analysis.responses.pairing import paired_readings
from reader_study.formats.plan import AnalysisPlan
from tests.analysis.report.conftest import PLAN


def section_of(responses, plan=PLAN):
    return acceptability_section(ReportContext(responses, plan, (), 0.95))


def acceptance(responses, name="Q2A"):
    asked = next(q for q in responses.questionnaire if q.id == name)
    return acceptance_of(paired_readings(responses, asked), (1,))


def test_each_question_has_its_difference_and_proportions(section, responses):
    made, expected = section("acceptability"), acceptance(responses)
    difference = acceptable_difference(expected)
    limits = difference.confidence_interval()
    frame = made.tables[0].frame.set_index("Question")
    assert list(frame.index) == ["Q2A", "Q2B", "Q2C", "Q2D"]
    assert frame.loc["Q2A", "Difference"] == (
        f"{difference.estimate:.3f} [{limits.low:.3f}, {limits.high:.3f}]"
    )
    entry = made.content["Q2A"]
    assert entry["reference"]["estimate"] == pytest.approx(expected.reference.mean())
    assert entry["test"]["estimate"] == pytest.approx(expected.test.mean())
    assert entry["difference"]["crossed"]["estimate"] == pytest.approx(
        entry["test"]["estimate"] - entry["reference"]["estimate"]
    )


def test_the_tests_are_the_clustered_ones(section, responses):
    tests = section("acceptability").content["Q2B"]["tests"]
    for method, entry in tests.items():
        found = clustered_mcnemar(acceptance(responses, "Q2B"), method)
        assert entry["p_value"] == found.p_value
    frame = section("acceptability").tables[2].frame.set_index("Question")
    assert frame.loc["Q2B", "Obuchowski"] == f"{tests['obuchowski']['p_value']:.3f}"
    assert frame.loc["Q2B", "Only MAGIC"] == str(acceptance(responses, "Q2B").only_test)


def test_the_margin_of_the_plan_decides_in_words(section, responses):
    made = section("acceptability")
    for name in made.content:
        decision = non_inferiority(
            acceptable_difference(acceptance(responses, name)),
            0.3,
            test="MAGIC",
            reference="RAPID",
        )
        assert made.content[name]["non_inferior"] is decision.non_inferior
    assert "lies above the plan's margin of -0.3 for Q2A" in made.findings[0]
    assert made.findings[0].endswith(CLAIMS)


def test_what_is_shown_and_what_not_are_named_apart(responses):
    lost = [
        replace(r, answers={**r.answers, "Q2A": 0})
        if r.method == "MAGIC" and int(r.case[-2:]) < 15
        else r
        for r in responses.readings
    ]
    made = section_of(replace(responses, readings=lost))
    assert "and not for Q2A." in made.findings[0]
    assert made.tables[0].frame["Above -0.3"].iloc[0] == "no"


def test_without_a_margin_nothing_is_decided(responses):
    made = section_of(responses, AnalysisPlan())
    assert made.findings[0].startswith("Acceptable, MAGIC minus RAPID: Q2A ")
    assert made.findings[1:] == (NO_MARGIN,)
    assert not any(name.startswith("Above") for name in made.tables[0].frame)
    assert made.content["Q2A"]["non_inferior"] is None
    assert "piaggio" not in made.references
    assert not margin_lines(made)


def test_agreement_of_all_pairs_decides_nothing(responses):
    same = [replace(r, answers={"Q2A": 1, "Q2B": 0}) for r in responses.readings]
    made = section_of(replace(responses, readings=same))
    frame = made.tables[0].frame
    assert frame["Above -0.3"].tolist() == ["yes", "yes", *["cannot be judged"] * 2]
    assert frame["Difference"].iloc[0] == "0.000 [-0.180, 0.180]"
    assert frame["Pairs"].tolist() == ["140", "140", "0", "0"]
    assert frame["Difference"].iloc[2] == "undefined [no interval]"
    assert any("there are no pairs" in note for note in made.tables[0].notes)
    made.pictures[0].draw()


def test_what_counts_as_acceptable_is_said(section):
    note = section("acceptability").tables[0].notes[0]
    assert note == "Q2A, Q2B, Q2C, Q2D: acceptable if answered Acceptable."


def test_codes_that_are_not_on_a_scale_leave_a_question_out(responses):
    plan = replace(PLAN, acceptability_questions=("Q2A", "Q3"), acceptable_codes=(1, 0))
    made = section_of(responses, plan)
    assert list(made.content) == ["Q2A"]
    assert made.findings[-1] == (
        "Q3 is left out: Acceptable codes must be on the scale (1, 2, 3, 4), got 0."
    )
    assert "Acceptable or Indeterminate" in made.tables[0].notes[0]
    none = section_of(responses, replace(plan, acceptability_questions=("Q3",)))
    assert none.refused == made.findings[-1]
    assert not none.tables


def test_questions_not_asked_make_no_section(responses):
    assert section_of(responses, AnalysisPlan(acceptability_questions=("Q9",))) is None


def test_rebuilt_readings_are_refused_with_the_reason(reconstructed):
    refused = {section.id: section for section in reconstructed.sections}
    assert "is arbitrary" in refused["acceptability"].refused
    assert not refused["acceptability"].content


def test_the_figure_has_the_margin_and_an_interval_for_each_question(section):
    made = section("acceptability")
    (line,) = margin_lines(made)
    assert list(line.get_xdata()) == [-0.3, -0.3]
    assert line.get_linestyle() == "--"
    low, high = line.axes.get_xlim()
    assert low < -0.3
    assert high == -low


def margin_lines(made):
    (ax,) = made.pictures[0].draw().axes
    return [line for line in ax.lines if line.get_gid() == "margin"]


def test_the_methods_cite_every_source_and_no_other(section, responses):
    for made in (section("acceptability"), section_of(responses, AnalysisPlan())):
        cited = [key for sentence in made.methods for key in marks(sentence)]
        assert sorted(cited) == sorted(made.references)
