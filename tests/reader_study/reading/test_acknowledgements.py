import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from reader_study.errors import StudyError
from reader_study.reading.acknowledgements import (
    Confirmation,
    acknowledge,
    acknowledged_versions,
)
from reader_study.running.lifecycle import lock
from reader_study.running.registry import Profile, add_reader
from reader_study.store.readers import find_acknowledgements
from reader_study.store.transaction import read_head
from reader_study.store.verifying import verify


def test_confirmed_twice_is_one_record_of_a_log_that_verifies(
    open_study_now, store, clock
):
    heads = []
    for _ in range(2):
        details = {"width": 1366}
        acknowledge(
            store, "anna", Confirmation.DISPLAY, "v1", clock=clock, details=details
        )
        with store.reading() as connection:
            heads.append(read_head(connection))
            assert verify(connection).faults == ()
            (kept,) = find_acknowledgements(connection)

    assert heads[0] == heads[1]
    assert (kept.reader, kept.kind, kept.version) == ("anna", "display.checked", "v1")
    assert kept.acknowledged_at == "2026-03-01T09:00:00.000000Z"
    assert acknowledged_versions(store, "anna", Confirmation.DISPLAY) == {"v1"}
    assert acknowledged_versions(store, "anna", Confirmation.INSTRUCTIONS) == set()
    assert acknowledged_versions(store, "ben", Confirmation.DISPLAY) == set()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE acknowledgements SET version = 'v2'",
        "DELETE FROM acknowledgements",
        "INSERT INTO acknowledgements SELECT * FROM acknowledgements",
    ],
)
def test_what_was_confirmed_stays(open_study_now, store, clock, statement):
    acknowledge(store, "anna", Confirmation.INSTRUCTIONS, "v1", clock=clock)
    with pytest.raises(IntegrityError), store.engine.begin() as connection:
        connection.execute(text(statement))
    assert acknowledged_versions(store, "anna", Confirmation.INSTRUCTIONS) == {"v1"}


def test_nothing_is_confirmed_before_the_study_opens_or_after_the_lock(
    study, store, clock
):
    profile = Profile("anna", "neuroradiology", 12)
    add_reader(study, store, profile, by="coordinator", clock=clock)
    with pytest.raises(StudyError, match="not open yet"):
        acknowledge(store, "anna", Confirmation.INSTRUCTIONS, "v1", clock=clock)


def test_a_locked_study_takes_no_more(open_study_now, store, clock):
    acknowledge(store, "anna", Confirmation.DISPLAY, "v1", clock=clock)
    lock(open_study_now, store, by="Eve", clock=clock, incomplete="test")
    with pytest.raises(StudyError, match="data are locked"):
        acknowledge(store, "anna", Confirmation.DISPLAY, "v2", clock=clock)
    acknowledge(store, "anna", Confirmation.DISPLAY, "v1", clock=clock)
