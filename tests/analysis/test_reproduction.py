from dataclasses import replace

import numpy as np
import pytest

from analysis.published import load_published
from analysis.recovery import PrintedNumber
from analysis.reproduction import (
    NOT_REPRODUCIBLE,
    REPRODUCED,
    compare_sums,
    compare_table_one,
    kappas_with_one_open_answer,
    reproduce_paper,
)


@pytest.fixture(scope="module")
def reproduction():
    return reproduce_paper()


def test_thirteen_of_fourteen_figures_are_reproduced(reproduction):
    rows = {row.item: row for row in reproduction.table_one}
    figures = [item for item in rows if "text" not in item]
    assert len(figures) == 14
    failing = [item for item in figures if rows[item].verdict != REPRODUCED]
    assert failing == ["Q3 agreement, %"]
    for item in set(figures) - set(failing):
        assert rows[item].printed == rows[item].computed
        assert rows[item].difference == 0


def test_q3s_percentage_is_explained(reproduction):
    row = next(r for r in reproduction.table_one if r.item == "Q3 agreement, %")
    assert row.computed == "53.62 [45.32, 61.73]"
    assert "74/139 = 53.24 [44.97, 61.33], as printed" in row.reason


def test_the_texts_kappa_is_explained(reproduction):
    row = next(r for r in reproduction.table_one if r.item == "Q3 kappa in the text")
    assert (row.printed, row.computed, row.difference) == ("0.331", "0.334", 3)
    assert "n = 139 gives 0.331 if the single answer is RAPID 2" in row.reason


def test_kappa_with_an_open_answer_as_a_category(reproduction):
    # The five places that round to the text's .331 were found independently.
    found = kappas_with_one_open_answer(reproduction.study.questions[5].table)
    assert len(found) == 8
    fitting = {place for place, kappa in found.items() if round(kappa, 3) == 0.331}
    assert fitting == {"reference 2", "reference 4", "test 2", "test 3", "test 4"}
    assert found["test 2"] == pytest.approx(0.3310, abs=5e-5)
    assert found["reference 4"] == pytest.approx(0.3306, abs=5e-5)


def test_all_ten_printed_sums_hold(reproduction):
    assert [row.verdict for row in reproduction.sums] == [REPRODUCED] * 10


def test_the_power_claim_holds_where_kappa_can_be_reached(reproduction):
    verdicts = {row.item[:3].strip(): row.verdict for row in reproduction.power}
    assert [q for q, v in verdicts.items() if v == NOT_REPRODUCIBLE] == ["Q2A", "Q2B"]
    reasons = {row.item[:3].strip(): row.reason for row in reproduction.power}
    assert "maximum is 0.295" in reasons["Q2A"]
    assert "up to an intraclass correlation of 0.15" in reasons["Q1"]
    assert "Cantor" in reasons["Q4"]


# A check that cannot fail checks nothing: wrong printed numbers must be found.


def test_a_wrong_printed_figure_is_found(reproduction):
    published = load_published()
    rows = dict(published.table_one)
    wrong = replace(rows["Q4"].kappa, low=PrintedNumber("0.177"))
    rows["Q4"] = replace(rows["Q4"], kappa=wrong)
    rows["Q3"] = replace(
        rows["Q3"],
        agreement=replace(rows["Q3"].agreement, estimate=PrintedNumber("60.00")),
    )
    changed = replace(published, table_one=rows)
    found = {
        row.item: row
        for row in compare_table_one(reproduction.study.questions, changed)
    }
    assert found["Q4 kappa"].verdict == NOT_REPRODUCIBLE
    assert found["Q4 kappa"].difference == 1
    assert found["Q3 agreement, %"].reason == "74/138"


def test_a_wrong_printed_sum_is_found():
    published = load_published()
    table = published.by_reader["Q1"]
    sums = dict(table.printed_sums) | {"RAPID": np.array([117, 24])}
    changed = replace(published, by_reader={"Q1": replace(table, printed_sums=sums)})
    assert [row.difference for row in compare_sums(changed)] == [1, 0]
