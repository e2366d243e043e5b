import math
from datetime import timedelta

import pytest

from reader_study.errors import StaleReadingError, StudyError
from reader_study.reading.answers import LONGEST_REASON, AnswersError
from reader_study.reading.reader_state import ReaderError
from reader_study.reading.reading_session import ReadingSession
from reader_study.running.lifecycle import (
    Amendment,
    EarlyStart,
    amend,
    lock,
    permit_early_start,
)
from reader_study.running.registry import Profile, add_reader, exclude_reader
from reader_study.store.milestones import find_deviations
from reader_study.store.readings import find_responses
from reader_study.store.verifying import verify

GOOD = {"Q1": 1, "Q2A": 1, "Q2B": 1, "Q2C": 1, "Q2D": 1, "Q3": 2, "Q4": 4}
OTHER = GOOD | {"Q3": 3}
INDETERMINATE = GOOD | {"Q2A": 0}


@pytest.fixture
def session(open_study_now, store, clock):
    return ReadingSession(open_study_now, store, "anna", clock=clock)


def read_trial(session, clock):
    while (reading := session.next_reading()) is not None:
        clock.advance(seconds=30)
        session.submit(reading.token, GOOD, {})
    return session.sign(session.progress().trial)


def test_readings_come_in_the_order_of_the_slot(session, study, clock):
    seen = []
    while (reading := session.next_reading()) is not None:
        seen.append(reading.token)
        session.submit(reading.token, GOOD, {})

    assert tuple(seen) == study.manifest.orders("reader-1", 1)
    assert session.progress().may_sign


def test_the_same_reading_is_given_until_it_is_answered(session, clock):
    first = session.next_reading()
    clock.advance(seconds=5)
    again = session.next_reading()

    assert again.token == first.token
    assert (again.position, again.n_readings) == (1, 4)
    assert first.opened_at == ""
    assert again.opened_at == "2026-03-01T09:00:00.000000Z"


def test_double_submit_returns_the_same_receipt(session, store, clock):
    token = session.next_reading().token
    clock.advance(seconds=42)
    first = session.submit(token, GOOD, {"Q1": ""}, active_seconds=40)
    clock.advance(seconds=1)

    assert session.submit(token, GOOD, {}) == first
    with store.reading() as connection:
        (response,) = find_responses(connection)
        assert verify(connection, [first.head]).faults == ()
    assert response.submitted_at == first.stored_at == "2026-03-01T09:00:42.000000Z"
    assert response.active_seconds == 40
    assert first.to_dict()["head"]["n"] == first.head.n


def test_other_answers_to_an_answered_reading_are_refused(session):
    token = session.next_reading().token
    session.submit(token, GOOD, {})

    with pytest.raises(StaleReadingError, match="answered already, otherwise"):
        session.submit(token, OTHER, {})
    with pytest.raises(StaleReadingError, match="nothing was stored"):
        session.save_draft(token, OTHER, {})


def test_tokens_that_are_not_at_hand_are_refused(session, study, store, clock):
    orders = study.manifest.orders
    ben = ReadingSession(study, store, "ben", clock=clock)
    of_ben = ben.next_reading().token
    session.next_reading()
    for token in (
        orders("reader-1", 1)[1],
        orders("reader-1", 2)[0],
        of_ben,
        "no such",
        "\0",
        None,
        "x' OR 1=1 --",
    ):
        with pytest.raises(StaleReadingError, match="has not been opened"):
            session.submit(token, GOOD, {})
        with pytest.raises(StaleReadingError):
            session.image(token)


def test_image_of_an_opened_reading(session, study):
    token = session.next_reading().token

    assert session.image(token) == f"picture {token}".encode()
    (study.folder / "images" / f"{token}.png").write_bytes(b"another")
    with pytest.raises(StudyError, match="must be the picture"):
        session.image(token)


@pytest.mark.parametrize(
    ("answers", "reasons", "message"),
    [
        (GOOD | {"Q3": 5}, {}, "Q3"),
        (GOOD | {"Q3": "2"}, {}, "Q3"),
        (GOOD | {"Q4": True}, {}, "Q4"),
        (GOOD | {"Q4": 4.0}, {}, "Q4"),
        ({}, {}, "Q1 has no answer"),
        ({k: v for k, v in GOOD.items() if k != "Q2C"}, {}, "Q2C has no answer"),
        (GOOD | {"Q9": 1}, {}, "no question Q9"),
        (GOOD, {"Q9": "x"}, "no question Q9"),
        (INDETERMINATE, {}, "Q2A needs a short explanation"),
        (INDETERMINATE, {"Q2A": "  "}, "Q2A needs a short explanation"),
        (GOOD, {"Q1": 7}, "must be a text, got int"),
        (GOOD, {"Q1": "a\0b"}, "NUL"),
        (GOOD, {"Q1": "\ud83d"}, "half a character"),
        (GOOD, {"Q1": "x" * 1_000_000}, "at most 4000 characters, got 1000000"),
    ],
)
def test_answers_are_checked_on_the_server(session, store, answers, reasons, message):
    token = session.next_reading().token

    with pytest.raises(AnswersError, match=message):
        session.submit(token, answers, reasons)
    with store.reading() as connection:
        assert find_responses(connection) == ()


@pytest.mark.parametrize("seconds", [-1, math.nan, math.inf, True])
def test_seconds_must_be_sound(session, seconds):
    token = session.next_reading().token

    with pytest.raises(AnswersError, match="active_seconds must be 0 or more"):
        session.submit(token, GOOD, {}, active_seconds=seconds)


@pytest.mark.parametrize(
    "text",
    [
        "é e\u0301 👩🏽‍⚕️ \U0001f9e0",
        "\u202eright to left\u202c עברית العربية",
        "'); DROP TABLE responses; --",
        '=HYPERLINK("http://x","y")',
        "<script>alert(1)</script> ![](x) \\ % %s {0} :name",
        " blanks and\r\n\ttabs ",
        "x" * LONGEST_REASON,
        "\x01\x1f\x7f\ufeff\uffff",
    ],
)
def test_texts_are_kept_as_they_are(session, store, text):
    token = session.next_reading().token
    session.save_draft(token, INDETERMINATE, {"Q2A": text})
    assert session.next_reading().draft.reasons == {"Q2A": text}

    session.submit(token, INDETERMINATE, {"Q2A": text})

    with store.reading() as connection:
        (response,) = find_responses(connection)
        assert verify(connection).faults == ()
    assert response.reasons == {"Q2A": text}


def test_drafts_may_be_incomplete_and_end_with_the_answer(session):
    token = session.next_reading().token
    session.save_draft(token, {"Q1": 0}, {})
    session.save_draft(token, {"Q1": 1, "Q3": 2}, {"Q3": "x"})

    draft = session.next_reading().draft
    assert draft.answers == {"Q1": 1, "Q3": 2}
    with pytest.raises(AnswersError, match="Q3 must be answered by a code"):
        session.save_draft(token, {"Q3": 9}, {})

    session.submit(token, GOOD, {})
    following = session.next_reading()
    assert following.token != token
    assert following.draft.answers == {}


def test_a_correction_is_a_new_revision(session, store, clock):
    token = session.next_reading().token
    session.submit(token, GOOD, {})
    clock.advance(seconds=9)
    receipt = session.correct(token, OTHER, {}, why="wrong key")

    assert receipt.revision == 2
    assert session.correct(token, OTHER, {}, why="again") == receipt
    with store.reading() as connection:
        first, second = find_responses(connection)
    assert (first.answers, second.answers) == (GOOD, OTHER)
    assert second.note == "wrong key"
    assert [r.answers for r in session.answered()] == [OTHER]


def test_corrections_that_are_refused(session, study, store, clock):
    token = session.next_reading().token
    with pytest.raises(StaleReadingError, match="must be of an answered reading"):
        session.correct(token, GOOD, {}, why="x")
    session.submit(token, GOOD, {})
    with pytest.raises(AnswersError, match="reason must be given"):
        session.correct(token, OTHER, {}, why=" ")
    read_trial(session, clock)
    with pytest.raises(StaleReadingError, match="Trial 1 is signed"):
        session.correct(token, OTHER, {}, why="x")
    change = Amendment("no corrections", "r", "coordinator", {"corrections": False})
    amend(study, store, change, clock=clock)
    with pytest.raises(StudyError, match="allows no corrections"):
        session.correct(token, OTHER, {}, why="x")


def test_a_declined_reading_counts_as_done_but_missing(session, store):
    token = session.next_reading().token
    with pytest.raises(AnswersError, match="reason must be given"):
        session.decline(token, "")
    receipt = session.decline(token, "motion")

    assert session.decline(token, "motion") == receipt
    assert session.next_reading().token != token
    with store.reading() as connection:
        (response,) = find_responses(connection)
    assert (response.answers, response.note) == ({}, "motion")


def test_signing_needs_all_readings_and_is_done_once(session, clock):
    with pytest.raises(StudyError, match="must be complete to be signed"):
        session.sign(1)
    receipt = read_trial(session, clock)

    assert receipt.n_readings == 4
    assert session.sign(1) == receipt
    assert receipt.code.startswith(f"{receipt.head.n}-")
    assert receipt.to_dict()["code"] == receipt.code
    with pytest.raises(StudyError, match="Trial 2 must be complete"):
        session.sign(2)


def test_the_washout_is_kept_by_the_server(session, study, clock):
    read_trial(session, clock)
    until = session.progress().washout_until

    assert session.next_reading() is None
    assert until == "2026-03-29T09:02:00.000000Z"
    clock.advance(days=27.9)
    assert session.next_reading() is None
    clock.advance(days=0.1)
    assert session.next_reading().token == study.manifest.orders("reader-1", 2)[0]


def test_a_clock_set_back_does_not_turn_the_log_back(session, store, clock):
    session.next_reading()
    clock.time -= timedelta(days=400)
    receipt = session.submit(session.next_reading().token, GOOD, {})

    assert receipt.stored_at == "2026-03-01T09:00:00.000000Z"
    with store.reading() as connection:
        assert verify(connection).faults == ()
        (entry,) = connection.exec_driver_sql(
            "SELECT entry FROM audit_log ORDER BY n DESC LIMIT 1"
        ).scalars()
    assert '"clock_behind_seconds":34560000.0' in entry


def test_an_early_start_is_a_deviation_of_two_people(session, study, store, clock):
    read_trial(session, clock)
    with pytest.raises(StudyError, match="Two different names"):
        EarlyStart("anna", 2, "leaves the clinic", "Eve", " eve ")
    start = EarlyStart("anna", 2, "leaves the clinic", "Eve", "Max")
    permit_early_start(study, store, start, clock=clock)

    assert session.next_reading().trial == 2
    with store.reading() as connection:
        (deviation,) = find_deviations(connection)
    assert (deviation.recorded_by, deviation.approved_by) == ("Eve", "Max")
    nobody = EarlyStart("nobody", 2, "r", "Eve", "Max")
    with pytest.raises(StudyError, match="no reader 'nobody'"):
        permit_early_start(study, store, nobody, clock=clock)
    third = EarlyStart("anna", 3, "r", "Eve", "Max")
    with pytest.raises(StudyError, match="trial must be one of"):
        permit_early_start(study, store, third, clock=clock)


def test_an_amended_washout_takes_effect(session, study, store, clock):
    read_trial(session, clock)
    shorter = Amendment("one week", "delay", "Eve", {"washout_days": 7})
    amend(study, store, shorter, clock=clock)
    clock.advance(days=7)

    assert session.next_reading().trial == 2


def test_all_is_done_after_the_second_signature(session, clock):
    read_trial(session, clock)
    clock.advance(days=28)
    read_trial(session, clock)

    assert session.progress().finished
    assert session.next_reading() is None


def test_nothing_is_read_before_opening_nor_after_the_lock(
    session, study, store, clock
):
    token = session.next_reading().token
    lock(study, store, by="Eve", clock=clock, incomplete="rehearsal")

    for act in (
        session.next_reading,
        lambda: session.submit(token, GOOD, {}),
        lambda: session.save_draft(token, GOOD, {}),
        lambda: session.sign(1),
    ):
        with pytest.raises(StudyError, match="data are locked; no answer was stored"):
            act()


def test_strangers_and_excluded_readers_are_refused(session, study, store, clock):
    exclude_reader(store, "anna", reason="ill", by="Eve", clock=clock)

    with pytest.raises(ReaderError, match="anna takes no more part"):
        session.next_reading()
    with pytest.raises(ReaderError, match="mallory is not a reader"):
        ReadingSession(study, store, "mallory").progress()


def test_nothing_is_read_before_the_study_is_open(study, store, clock):
    add_reader(study, store, Profile("anna", "x", 1), by="Eve", clock=clock)
    with pytest.raises(StudyError, match="is not open yet"):
        ReadingSession(study, store, "anna", clock=clock).next_reading()
