from dataclasses import replace

import numpy as np
import pytest

from analysis.agreement import cohen_kappa
from analysis.questions.reader_matrix import reader_kappas
from analysis.report.section import ReportContext
from analysis.report.sections.reader_matrix import reader_matrix_section
from tests.analysis.report.conftest import PLAN, simulated_responses


def made(responses):
    return reader_matrix_section(ReportContext(responses, PLAN, [], 0.95))


def answers(responses, reader, method, question):
    return {
        r.case: r.answers[question]
        for r in responses.readings
        if (r.reader, r.method) == (reader, method) and question in r.answers
    }


def test_each_cell_is_the_kappa_of_two_readers_on_what_both_read(responses):
    first = responses.readings[0]
    gap = replace(first, answers={**first.answers})
    del gap.answers["Q3"]
    responses = replace(responses, readings=[gap, *responses.readings[1:]])
    found = made(responses).content
    for method, name in (("reference", "RAPID"), ("test", "MAGIC")):
        one, other = (answers(responses, r, name, "Q3") for r in ("R1", "R4"))
        both = [case for case in one if case in other]
        expected = cohen_kappa(
            [one[case] for case in both],
            [other[case] for case in both],
            categories=(1, 2, 3, 4),
        ).estimate
        kappa = found["Q3"][method]["kappa"]
        assert kappa[0][3] == kappa[3][0] == pytest.approx(expected, abs=1e-12)
        assert kappa[0][0] is None


def test_the_table_has_the_reference_below_and_the_test_above(section):
    made = section("reader_matrix")
    table, content = made.tables[5], made.content["Q3"]
    assert table.caption.startswith("Q3: Cohen's kappa of each two readers, below the")
    assert table.frame.loc[3, "R1"] == f"{content['reference']['kappa'][3][0]:.2f}"
    assert table.frame.loc[0, "R4"] == f"{content['test']['kappa'][0][3]:.2f}"
    assert table.frame.loc[0, "R1"] == ""


def test_the_careless_reader_is_named(responses):
    rng = np.random.default_rng(1)
    careless = [
        replace(r, answers={**r.answers, "Q3": int(rng.integers(1, 5))})
        if r.reader == "R5"
        else r
        for r in responses.readings
    ]
    said = made(replace(responses, readings=careless)).findings[5]
    assert said.count("lowest on average for R5") == 2


def test_two_readers_without_a_common_case_or_spread_have_none():
    ratings = np.array([[0, 0, np.nan], [0, 0, np.nan], [np.nan, 1, 1]])
    assert np.isnan(reader_kappas(ratings, 2)).all()


def test_many_readers_are_not_printed_and_that_is_said(responses):
    one = made(simulated_responses(n_readers=13, n_cases=4))
    assert one.tables == ()
    assert one.pictures
    many = made(simulated_responses(n_readers=41, n_cases=4))
    assert not many.pictures
    assert "With 41 readers the matrices are neither printed" in many.findings[-1]
    assert "kappa" not in many.content["Q3"]["test"]
    assert many.content["Q3"]["test"]["median"] is not None


def test_the_picture_has_a_panel_for_each_question(section):
    (picture,) = section("reader_matrix").pictures
    figure = picture.draw()
    shown = [ax.get_title() for ax in figure.axes if ax.images]
    assert shown == ["Q1", "Q2A", "Q2B", "Q2C", "Q2D", "Q3", "Q4"]


def test_rebuilt_readings_and_one_reader_have_no_matrix(responses):
    assert made(replace(responses, reconstructed=True)).refused
    alone = [r for r in responses.readings if r.reader == "R1"]
    assert made(replace(responses, readings=alone)) is None
