import pytest

from analysis.agreement import cohen_kappa
from analysis.multireader import clustered_kappa
from analysis.report.sections.clustered import COEFFICIENTS, SHOWN
from analysis.responses import pair_answers
from analysis.responses.pairing import paired_readings


def question(responses, name):
    return next(q for q in responses.questionnaire if q.id == name)


def test_the_first_interval_has_readers_and_patients_random(section, responses):
    kappa = clustered_kappa(paired_readings(responses, question(responses, "Q3")))
    frame = section("clustered").tables[0].frame
    shown = frame[frame["Question"] == "Q3"].iloc[0]
    limits = kappa.confidence_interval()
    assert shown["Estimate"] == f"{kappa.estimate:.3f}"
    assert shown["Readers and patients"] == f"[{limits.low:.3f}, {limits.high:.3f}]"


def test_independent_pairs_are_those_of_the_printed_interval(section, responses):
    printed = cohen_kappa(pair_answers(responses, question(responses, "Q4")).table)
    entry = section("clustered").content["cohen_kappa"]["Q4"]["independent"]
    assert entry["estimate"] == pytest.approx(printed.estimate, abs=1e-12)
    assert entry["standard_error"] == pytest.approx(printed.standard_error, abs=1e-12)


def test_every_coefficient_has_every_interval(section, responses):
    content = section("clustered").content
    assert content.keys() == COEFFICIENTS.keys()
    for by_question in content.values():
        assert list(by_question) == list(responses.questionnaire.ids)
        assert all(entry.keys() == SHOWN.keys() for entry in by_question.values())


def test_how_much_wider_is_said(section):
    (said,) = section("clustered").findings
    assert "times as wide as those of independent pairs" in said


def test_rebuilt_readings_are_refused_with_the_reason(reconstructed):
    refused = {section.id: section for section in reconstructed.sections}
    assert (
        "which case an answer belongs to is arbitrary" in refused["clustered"].refused
    )
    assert not refused["clustered"].tables
    assert not refused["clustered"].content
