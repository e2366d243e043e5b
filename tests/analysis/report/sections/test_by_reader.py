import pytest

from analysis.report.section import ReportContext
from analysis.report.sections.by_reader import by_reader_section, question_by_reader
from analysis.responses.pairing import paired_readings
from tests.analysis.report.conftest import PLAN, simulated_responses


def pairs_of(responses, name):
    asked = next(q for q in responses.questionnaire if q.id == name)
    return paired_readings(responses, asked)


def test_each_reader_has_a_row_and_each_question_a_column(section, responses):
    frame = section("readers").tables[0].frame
    assert list(frame["Reader"]) == responses.readers
    assert list(frame.columns[1:]) == list(responses.questionnaire.ids)


def test_leaving_a_reader_out_is_a_study_without_that_reader(responses):
    without = question_by_reader(pairs_of(responses, "Q3"), {}).without["R7"]
    kept = simulated_responses()
    readings = [r for r in kept.readings if r.reader != "R7"]
    fewer = question_by_reader(
        pairs_of(type(kept)(readings, kept.questionnaire, "RAPID", "MAGIC"), "Q3"), {}
    )
    assert without.estimate == pytest.approx(fewer.together.estimate, abs=1e-12)


def test_classes_are_in_the_order_of_severity(section):
    frame = section("readers").tables[2].frame
    of_q1 = frame[frame["Question"] == "Q1"]
    assert list(of_q1["Severity"]) == ["none", "mild to moderate", "severe"]
    assert list(of_q1["Patients"]) == ["7", "6", "7"]


def test_the_numbers_are_those_of_the_tests(section, responses):
    entry = section("readers").content["Q3"]
    expected = question_by_reader(pairs_of(responses, "Q3"), {}).test
    assert entry["homogeneity"]["p_value"] == pytest.approx(expected.p_value)
    assert len(entry["by_reader"]) == len(entry["without_reader"]) == 7


def test_one_reader_alone_has_no_such_section():
    from analysis.report.results import analyse_responses

    alone = analyse_responses(simulated_responses(n_readers=1), title="One")
    assert "readers" not in {section.id for section in alone.sections}


@pytest.mark.slow
def test_more_readers_than_a_figure_holds_are_not_drawn_and_that_is_said():
    many = simulated_responses(n_readers=41, n_cases=3)
    made = by_reader_section(ReportContext(many, PLAN, [], 0.95))
    assert made.pictures == ()
    assert "They are not drawn: the figure is for 40 readers" in made.tables[0].notes[1]
    assert len(made.tables[0].frame) == 41
