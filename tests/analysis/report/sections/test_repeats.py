"""First and second readings within a study of two methods."""

from dataclasses import replace

import pytest

from analysis.multireader import clustered_kappa
from analysis.report.results import analyse_responses
from analysis.report.results_json import results_json
from analysis.report.section import ReportContext
from analysis.report.sections.repeats import repeats_section
from reader_study.formats.plan import AnalysisPlan


@pytest.fixture(scope="module")
def again(responses):
    """The study, in which five cases were read again under RAPID, as under MAGIC."""
    cases = {f"case-0{n}" for n in range(1, 6)}
    repeats = [
        replace(reading, method="RAPID", occasion="2")
        for reading in responses.readings
        if reading.method == "MAGIC" and reading.case in cases
    ]
    return replace(responses, repeats=repeats)


def made_of(responses):
    return repeats_section(ReportContext(responses, AnalysisPlan(), (), 0.95))


def test_without_repeats_there_is_no_such_part(responses):
    assert made_of(responses) is None


def test_repeats_are_compared_with_first_readings_of_their_method(again):
    made = made_of(again)
    assert list(made.content) == ["RAPID"]
    of = made.content["RAPID"]["Q3"]
    scale = (1, 2, 3, 4)
    first = {
        (r.reader, r.case): r.answers["Q3"]
        for r in again.readings
        if r.method == "RAPID"
    }
    pairs = {
        "reader": [r.reader for r in again.repeats],
        "case": [r.case for r in again.repeats],
        "reference": [first[r.reader, r.case] for r in again.repeats],
        "test": [r.answers["Q3"] for r in again.repeats],
    }
    expected = clustered_kappa(pairs, categories=scale)
    assert of["cohen_kappa"]["estimate"] == pytest.approx(expected.estimate)
    assert of["cohen_kappa"]["standard_error"] == pytest.approx(expected.standard_error)
    assert (of["n_pairs"], of["cohen_kappa"]["n_cases"]) == (35, 5)
    assert made.findings[0].startswith("7 readers read 35 times a case again. Kappa")
    assert made.findings[-1].endswith("takes the first reading of each.")
    by_reader = made.tables[1].frame
    assert by_reader["Reader"].tolist() == [f"R{n}" for n in range(1, 8)]
    alike = made.tables[2].frame.set_index("Reader").loc["R1", "Q3"]
    assert alike == f"{of['by_reader']['R1']['n_agree']} of 5"


def test_repeats_under_both_methods_stand_apart(again):
    of_magic = [replace(r, method="MAGIC") for r in again.repeats]
    made = made_of(replace(again, repeats=[*again.repeats, *of_magic]))
    assert list(made.content) == ["RAPID", "MAGIC"]
    # The repeats under MAGIC are the first readings again.
    assert made.content["MAGIC"]["Q1"]["percent_agreement"]["estimate"] == 1
    assert made.tables[0].frame["Method"].tolist() == ["RAPID"] * 7 + ["MAGIC"] * 7


def test_nothing_is_said_of_reconstructed_cases(again):
    made = made_of(replace(again, simulated=False, reconstructed=True))
    assert "reconstructed" in made.refused


@pytest.mark.slow
def test_pairs_of_methods_take_first_readings(responses, again):
    questions = [
        results_json(analyse_responses(study, title="A study"))["questions"]
        for study in (responses, again)
    ]
    assert questions[0] == questions[1]
