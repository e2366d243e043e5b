import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reader_study.formats.delimited import guarded
from reader_study.reading.reading_session import ReadingSession
from reader_study.running.export import masked_csv
from reader_study.store.readings import find_responses

GOOD = {"Q1": 1, "Q2A": 0, "Q2B": 1, "Q2C": 1, "Q2D": -1, "Q3": 2, "Q4": 4}


@given(st.text())
def test_safe_texts_begin_no_formula_and_can_be_undone(text):
    kept = guarded(text)

    assert not kept.startswith(tuple("=+-@\t\r\n"))
    assert kept.removeprefix("'") == text


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\uff1d1"])
def test_formulas_are_text_in_an_export(open_study_now, store, clock, text):
    session = ReadingSession(open_study_now, store, "anna", clock=clock)
    token = session.next_reading().token
    session.submit(token, GOOD, {"Q2A": text})
    with store.reading() as connection:
        responses = find_responses(connection)

    (row,) = csv.DictReader(io.StringIO(masked_csv(open_study_now, responses)))
    assert row["Q2A_reason"] == "'" + text
    assert row["Q2D"] == "-1"
    assert row["pseudo_id"] == open_study_now.manifest.presentation(token).pseudo_id


def test_a_masked_export_names_neither_case_nor_method(
    open_study_now, store, truth, clock
):
    session = ReadingSession(open_study_now, store, "anna", clock=clock)
    token = session.next_reading().token
    session.submit(token, GOOD, {"Q2A": "x"})
    session.correct(token, GOOD | {"Q4": 5}, {"Q2A": "x"}, why="typed wrongly")
    with store.reading() as connection:
        text = masked_csv(open_study_now, find_responses(connection))

    assert len(text.splitlines()) == 3
    for cell in truth.cells.values():
        for secret in (cell.case, cell.method, cell.severity):
            assert secret not in text
