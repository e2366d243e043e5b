import csv
import io
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from reader_study.building.training_set import TrainingCase, TrainingSet
from reader_study.errors import StudyError
from reader_study.reading.answers import AnswersError
from reader_study.reading.closing import ClosingAnswers, answer_closing
from reader_study.reading.reader_state import Due
from reader_study.reading.reading_session import ReadingSession
from reader_study.rehearsal.bots import SimulationPlan
from reader_study.rehearsal.simulation import simulate
from reader_study.running.export import closing_csv
from reader_study.running.lifecycle import lock
from reader_study.running.status import read_status
from reader_study.store.readers import all_readers
from reader_study.store.readings import Step, find_closings, find_training_steps
from reader_study.store.verifying import verify

GOOD = {"Q1": 1, "Q2A": 1, "Q2B": 1, "Q2C": 1, "Q2D": 1, "Q3": 2, "Q4": 4}
SAID = {"recognised": "few", "synthetic": {1: 1, 2: 4}, "confidence": 3}


def asking(study):
    return replace(study, protocol=replace(study.protocol, closing=True))


@pytest.fixture
def asked(open_study_now):
    return asking(open_study_now)


@pytest.fixture
def finished(asked, store, clock):
    """Anna has signed both trials."""
    session = ReadingSession(asked, store, "anna", clock=clock)
    for trial in (1, 2):
        while (reading := session.next_reading()) is not None:
            session.submit(reading.token, GOOD, {})
        session.sign(trial)
        clock.advance(days=29)
    return asked


def due(study, store, clock, reader="anna"):
    return ReadingSession(study, store, reader, clock=clock).due()


def status_of(study, store):
    with store.reading() as connection:
        return read_status(study, connection)


def test_answers_are_kept_once(finished, store, clock):
    answers = ClosingAnswers(**SAID, which=" 3 and 4 ", cues="grain")
    session = ReadingSession(finished, store, "anna", clock=clock)
    assert (session.due(), session.next_reading()) == (Due.CLOSING, None)
    assert status_of(finished, store).closing_missing == ("anna",)
    kept = session.answer_closing(answers)
    other = ClosingAnswers(**SAID | {"confidence": 5})
    assert session.answer_closing(other) == kept
    assert session.due() is Due.NOTHING
    assert status_of(finished, store).closing_missing == ()
    assert (kept.which, kept.cues, kept.synthetic) == ("3 and 4", "grain", {1: 1, 2: 4})
    with store.reading() as connection:
        assert find_closings(connection) == {"anna": kept}
        assert verify(connection).faults == ()


def test_who_has_not_answered_is_no_obstacle_to_the_lock(finished, store, clock):
    lock(finished, store, by="Eve", clock=clock, incomplete="ben is ill")
    assert status_of(finished, store).closing_missing == ("anna",)
    assert due(finished, store, clock) is Due.NOTHING
    assert due(finished, store, clock, "ben") is Due.NOT_OPEN
    with pytest.raises(StudyError, match="data are locked"):
        answer_closing(finished, store, "anna", ClosingAnswers(**SAID), clock=clock)


def test_before_the_last_signature_nothing_is_asked(asked, store, clock):
    with pytest.raises(StudyError, match="after the last trial is signed"):
        answer_closing(asked, store, "ben", ClosingAnswers(**SAID), clock=clock)


def test_a_protocol_without_closing_asks_nothing(finished, store, clock):
    silent = replace(finished, protocol=replace(finished.protocol, closing=False))
    assert due(silent, store, clock) is Due.NOTHING
    assert status_of(silent, store).closing_missing == ()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"recognised": "all"}, "recognised must be none or few or many, got 'all'"),
        ({"confidence": 6}, "confidence must be from 1 to 5, got 6"),
        ({"confidence": True}, "confidence must be from 1 to 5, got True"),
        ({"cues": "\0"}, "What gave them away must not hold NUL"),
        ({"which": 3}, "What was recognised must be a text, got int"),
    ],
)
def test_answers_that_cannot_be(changes, message):
    with pytest.raises(AnswersError, match=message):
        ClosingAnswers(**SAID | changes)


@pytest.mark.parametrize(
    ("synthetic", "message"),
    [
        ({1: 5, 2: 0}, "pictures of trial 1 must be from 0 to 4, got 5"),
        ({1: 0, 2: -1}, "pictures of trial 2 must be from 0 to 4, got -1"),
        ({1: 0}, "pictures of trial 2 must be from 0 to 4, got None"),
        ({1: 0, 2: 0.5}, "pictures of trial 2 must be from 0 to 4, got 0.5"),
        ({1: 0, 2: 0, 3: 0}, "of the 2 trials and of no other"),
    ],
)
def test_numbers_that_do_not_fit_the_trials(finished, store, clock, synthetic, message):
    answers = ClosingAnswers(**SAID | {"synthetic": synthetic})
    with pytest.raises(AnswersError, match=message):
        answer_closing(finished, store, "anna", answers, clock=clock)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE closing_answers SET confidence = 5", "DELETE FROM closing_answers"],
)
def test_answers_stay_as_they_are(finished, store, clock, statement):
    answer_closing(finished, store, "anna", ClosingAnswers(**SAID), clock=clock)
    with pytest.raises(IntegrityError), store.engine.begin() as connection:
        connection.execute(text(statement))


def test_only_the_unblinded_export_counts_the_test_method(
    finished, store, clock, truth
):
    said = ClosingAnswers(**SAID, cues="=1+1")
    answer_closing(finished, store, "anna", said, clock=clock)
    with store.reading() as connection:
        closings = find_closings(connection).values()
        slots = {r.name: r.slot for r in all_readers(connection)}
    masked = closing_csv(finished, closings, slots)
    (row,) = csv.DictReader(io.StringIO(closing_csv(finished, closings, slots, truth)))

    assert "n_test" not in masked
    assert "MAGIC" not in masked
    assert (row["recognised"], row["confidence"], row["cues"]) == ("few", "3", "'=1+1")
    assert row["simulated"] == "false"
    for trial, believed in ((1, 1), (2, 4)):
        order = finished.manifest.orders(slots["anna"], trial)
        methods = Counter(truth.cells[token].method for token in order)
        assert row[f"synthetic_trial_{trial}"] == str(believed)
        assert row[f"n_pictures_trial_{trial}"] == "4"
        assert row[f"n_test_trial_{trial}"] == str(methods["MAGIC"]) == "2"


def test_bots_practise_and_answer_as_seeded(study, store, truth, clock):
    cases = (TrainingCase("p1", "00", 1, {"Q3": 1}, {}),)
    rehearsed = replace(asking(study), training=TrainingSet(cases))
    rng = np.random.default_rng(4)
    simulate(rehearsed, store, truth, SimulationPlan(), rng=rng, clock=clock)
    with store.reading() as connection:
        closings = find_closings(connection)
        steps = find_training_steps(connection)
        assert verify(connection).faults == ()

    assert set(closings) == {"bot-1", "bot-2"}
    assert all(closing.simulated for closing in closings.values())
    assert all(n in range(5) for c in closings.values() for n in c.synthetic.values())
    answered = [step for step in steps if step.step is Step.ANSWERED]
    assert {(step.reader, step.trial) for step in answered} == {
        ("bot-1", 1),
        ("bot-2", 1),
    }
    assert all(step.simulated for step in steps)
