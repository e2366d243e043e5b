"""What a rehearsal planted, beside what is found."""

from dataclasses import replace

import pytest

from analysis.multireader import clustered_kappa
from analysis.report.section import ReportContext
from analysis.report.sections.recovery import recovery_section
from analysis.responses.pairing import paired_readings
from tests.analysis.report.conftest import PLAN


def kappa_of(responses, name):
    asked = next(q for q in responses.questionnaire if q.id == name)
    return clustered_kappa(paired_readings(responses, asked))


def section_of(responses, planted):
    plan = replace(PLAN, planted=planted)
    return recovery_section(ReportContext(responses, plan, (), 0.95))


def test_what_was_planted_stands_beside_what_is_found(responses):
    kappa = kappa_of(responses, "Q3")
    made = section_of(responses, {"Q3": (0.0, kappa.estimate), "Q9": (0.5, 0.5)})
    assert list(made.content) == ["Q3"]
    entry = made.content["Q3"]
    assert entry["cohen_kappa"]["estimate"] == pytest.approx(kappa.estimate)
    assert entry["cohen_kappa"]["inside"]
    assert not entry["percent_agreement"]["inside"]
    row = made.tables[0].frame.iloc[0]
    assert (row["Kappa inside"], row["Agreement inside"]) == ("yes", "no")
    assert row["Kappa planted"] == f"{kappa.estimate:.3f}"
    assert made.findings[0].startswith("Of 2 intervals 1 hold what was planted")


def test_an_interval_that_says_nothing_holds_nothing(responses):
    same = [replace(r, answers={"Q3": 1}) for r in responses.readings]
    made = section_of(replace(responses, readings=same), {"Q3": (1.0, 1.0)})
    assert made.content["Q3"]["percent_agreement"]["inside"]
    assert not made.content["Q3"]["cohen_kappa"]["inside"]


def test_only_rehearsals_have_planted_values(responses):
    planted = {"Q3": (0.5, 0.5)}
    assert section_of(responses, {}) is None
    assert section_of(responses, {"Q9": (0.5, 0.5)}) is None
    assert section_of(replace(responses, simulated=False), planted) is None
    assert section_of(replace(responses, reconstructed=True), planted) is None
