from dataclasses import replace

import pytest

from analysis.agreement import cohen_kappa
from analysis.multireader import clustered_kappa
from analysis.report.section import ReportContext
from analysis.report.sections.weighted import weighted_section
from analysis.responses import pair_answers
from analysis.responses.pairing import paired_readings
from tests.analysis.report.conftest import PLAN

OWN = {"Q3": (1, 0.5, 0, 0), "Q1": ((1, 0.2), (0.4, 1))}


def made(responses, **planned):
    context = ReportContext(responses, replace(PLAN, **planned), [], 0.95)
    return weighted_section(context)


def question(responses, name):
    return next(q for q in responses.questionnaire if q.id == name)


def test_ordinal_questions_have_the_weighted_kappas_of_the_library(responses):
    content = made(responses).content
    assert list(content) == ["Q3", "Q4"]
    for name, by_weights in content.items():
        asked = question(responses, name)
        table = pair_answers(responses, asked).table
        for weights in ("linear", "quadratic"):
            crossed = clustered_kappa(
                paired_readings(responses, asked), weights=weights
            )
            entry = by_weights[weights]
            plain = cohen_kappa(table, weights=weights).estimate
            assert entry["estimate"] == pytest.approx(plain, abs=1e-12)
            assert entry["low"] == crossed.confidence_interval().low
            assert entry["variance"] == "crossed"


def test_own_weights_are_used_and_printed(responses):
    section = made(responses, weights=OWN)
    table = pair_answers(responses, question(responses, "Q1")).table
    p = table.counts / table.n
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    weights = [[1, 0.2], [0.4, 1]]
    observed = sum(weights[i][j] * p[i, j] for i in (0, 1) for j in (0, 1))
    chance = sum(weights[i][j] * rows[i] * columns[j] for i in (0, 1) for j in (0, 1))
    found = section.content["Q1"]
    assert list(found) == ["none", "own"]
    expected = (observed - chance) / (1 - chance)
    assert found["own"]["estimate"] == pytest.approx(expected, abs=1e-12)
    assert found["own"]["estimate"] != found["none"]["estimate"]
    assert section.tables[0].notes[0] == (
        "Q1: own weights 1, 0.2; 0.4, 1 (rows: reference method)."
    )


def test_own_linear_weights_are_the_linear_ones(responses):
    found = made(responses, weights={"Q3": (1, 2 / 3, 1 / 3, 0)}).content["Q3"]
    for key in ("estimate", "low", "high"):
        assert found["own"][key] == pytest.approx(found["linear"][key], abs=1e-12)


def test_weights_for_another_scale_are_left_out_and_said(responses):
    section = made(responses, weights={"Q3": (1, 0.5, 0)})
    assert "own" not in section.content["Q3"]
    assert section.tables[0].notes[0] == (
        "Q3: the plan's own weights are for 3 answers and the question has 4, so they "
        "are left out."
    )


def test_without_steps_there_is_nothing_to_weigh(responses):
    assert made(responses, ordinal_questions=("Q1",)) is None
    assert made(replace(responses, reconstructed=True)).refused
