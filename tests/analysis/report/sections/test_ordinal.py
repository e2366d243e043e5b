from dataclasses import replace

import numpy as np
import pytest

from analysis.multireader import Pairs
from analysis.questions.shifts import mean_shift
from analysis.report.section import ReportContext
from analysis.report.sections.ordinal import ordinal_section, question_shift
from analysis.responses.pairing import paired_readings
from tests.analysis.report.conftest import PLAN, simulated_responses


def test_the_numbers_are_those_of_the_shifts(section, responses):
    asked = {q.id: q for q in responses.questionnaire}
    for name in PLAN.ordinal_questions:
        pairs = paired_readings(responses, asked[name])
        entry = section("ordinal").content[name]
        limits = mean_shift(pairs).confidence_interval()
        assert entry["mean_shift"]["estimate"] == np.mean(pairs.test - pairs.reference)
        assert entry["mean_shift"]["low"] == limits.low
        assert sum(entry["counts"]) == pairs.n == 140
        assert entry["tests"].keys() == {"bowker", "stuart_maxwell", "mean_shift"}


def test_the_tests_give_the_same_each_time(section, responses):
    asked = {q.id: q for q in responses.questionnaire}
    again = question_shift(paired_readings(responses, asked["Q3"]))
    entry = section("ordinal").content["Q3"]["tests"]["mean_shift"]
    assert entry["p_value"] == again.tests["mean_shift"].p_value


def test_each_step_has_a_column_of_counts(section):
    frame = section("ordinal").tables[2].frame.set_index("Question")
    assert list(frame.columns[[0, 4, 8]]) == ["4 down", "same", "4 up"]
    assert frame.loc["Q3", "4 down"] == ""  # four answers: three steps at most
    counts = frame.loc["Q4"].iloc[:-1].astype(int)
    assert counts.sum() == 140
    assert frame.loc["Q4", "Same answer"] == f"{100 * counts['same'] / 140:.1f}%"


def test_it_is_said_that_readers_are_fixed_and_which_way_answers_move(section):
    found = section("ordinal")
    assert "about these readers" in found.tables[1].notes[0]
    assert "readers and patients random" in found.findings[0]
    assert "steps towards" in found.findings[0]


def test_bars_are_the_shares_of_pairs(section):
    figure = section("ordinal").pictures[0].draw()
    entry = section("ordinal").content["Q4"]
    heights = [bar.get_height() for bar in figure.axes[1].patches]
    assert heights == pytest.approx([100 * n / 140 for n in entry["counts"]])
    assert [tick.get_text() for tick in figure.axes[0].get_xticklabels()][:4] == [
        "\N{MINUS SIGN}3",
        "\N{MINUS SIGN}2",
        "\N{MINUS SIGN}1",
        "0",
    ]


def test_a_question_without_pairs_says_so():
    pairs = Pairs.from_labels([], [], [], [], (1, 2, 3))
    assert question_shift(pairs).tests["bowker"].undefined_reason
    half = simulated_responses(n_readers=2, n_cases=3)
    kept = [r for r in half.readings if r.method == "RAPID"]
    found = ordinal_section(ReportContext(replace(half, readings=kept), PLAN, [], 0.95))
    assert "no complete pairs" in found.findings[0]
    found.pictures[0].draw()


def test_a_plan_without_ordinal_questions_has_no_such_section(responses, reconstructed):
    plan = replace(PLAN, ordinal_questions=())
    assert ordinal_section(ReportContext(responses, plan, [], 0.95)) is None
    refused = {section.id: section.refused for section in reconstructed.sections}
    assert "arbitrary" in refused["ordinal"]
