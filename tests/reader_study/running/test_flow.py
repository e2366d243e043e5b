import json
from dataclasses import replace

import pytest

from reader_study.formats.protocol import Protocol
from reader_study.reading.reading_session import ReadingSession
from reader_study.running.flow import grras_items, read_flow
from reader_study.running.registry import exclude_reader
from reader_study.store.milestones import Phase

GOOD = {"Q1": 1, "Q2A": 1, "Q2B": 1, "Q2C": 1, "Q2D": 1, "Q3": 2, "Q4": 4}


@pytest.fixture
def flow(open_study_now, store, clock):
    for trial in (1, 2):
        for name in ("anna", "ben"):
            session = ReadingSession(open_study_now, store, name, clock=clock)
            while (reading := session.next_reading()) is not None:
                session.submit(reading.token, GOOD, {})
            session.sign(trial)
        clock.advance(days=30)
    exclude_reader(store, "ben", reason="knew the cases", by="Eve", clock=clock)
    with store.reading() as connection:
        return read_flow(open_study_now, connection)


def test_readings_are_counted_from_assigned_to_analysed(flow):
    rows = {
        (row["reader"], row["trial"]): row
        for row in flow.to_record().to_dict()["readings"]
    }

    for reader, analysed in (("anna", 4), ("ben", 0)):
        row = rows[reader, 1]
        assert (row["assigned"], row["opened"], row["submitted"]) == (4, 4, 4)
        assert row["analysed"] == analysed


def test_intervals_and_items_of_grras(flow):
    content = json.loads(json.dumps(flow.to_record().to_dict()))

    assert [reader["interval_days"] for reader in content["readers"]] == [30, 30]
    items = content["grras"]
    assert "30.0 to 30.0 days between signatures" in items["8"]
    assert items["4"] == "Readers: 1 neuroradiology."
    assert items["11"].startswith("1 of 2 readers and 16 of 16 readings")
    assert set(items) == {"3", "4", "6", "7", "8", "9", "11", "12"}


def test_methods_are_named_after_unblinding_only(flow):
    status = replace(flow.status, phase=Phase.UNBLINDED)
    protocol = Protocol(title="A study", per_severity={"severe": 4})

    assert not any("RAPID" in text for text in flow.items.values())
    assert grras_items(protocol, status, [])[2] == "Methods compared: RAPID and MAGIC."


def test_the_flow_as_text(flow):
    text = flow.to_text()

    assert "ben: excluded, knew the cases" in text
    assert "GRRAS (Kottner 2011)" in text
