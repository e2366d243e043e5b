import csv
import hashlib
import io
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from reader_study.building.training_set import TrainingCase, TrainingSet
from reader_study.errors import DamagedPictureError, StaleReadingError, StudyError
from reader_study.reading.answers import AnswersError
from reader_study.reading.reader_state import Due
from reader_study.reading.reading_session import ReadingSession
from reader_study.reading.training import TrainingSession
from reader_study.running.export import training_csv
from reader_study.running.lifecycle import lock
from reader_study.store.milestones import find_deviations
from reader_study.store.readings import (
    Step,
    find_opened,
    find_responses,
    find_training_steps,
)
from reader_study.store.verifying import verify

GOOD = {"Q1": 1, "Q2A": 1, "Q2B": 1, "Q2C": 1, "Q2D": 1, "Q3": 2, "Q4": 4}
CASES = (
    TrainingCase("p1", "00", 1, {"Q3": 1}, {"Q3": "even"}),
    TrainingCase("p2", "00", 1, {}, {"Q1": "either"}),
)


@pytest.fixture
def practised(open_study_now):
    """The study with two training cases."""
    return replace(open_study_now, training=TrainingSet(CASES))


@pytest.fixture
def start(practised, store, clock):
    def start(reader="anna", **settings):
        protocol = replace(practised.protocol, **settings)
        study = replace(practised, protocol=protocol)
        return TrainingSession(study, store, reader, clock)

    return start


def read_and_sign(session, trial):
    reading = ReadingSession(
        session.study, session.store, session.reader, clock=session.clock
    )
    while (at_hand := reading.next_reading()) is not None:
        reading.submit(at_hand.token, GOOD, {})
    reading.sign(trial)


def test_each_case_is_answered_compared_and_left(start, store):
    session = start()
    for position, case in enumerate(CASES, 1):
        practice = session.at_hand(1)
        assert (practice.case, practice.position, practice.n_cases) == (
            case,
            position,
            2,
        )
        assert practice.given is None
        session.submit(case.token, GOOD | {"Q2A": 0}, {"Q2A": "motion"})
        given = session.at_hand(1).given
        assert dict(given.answers) == GOOD | {"Q2A": 0}
        assert dict(given.reasons) == {"Q2A": "motion"}
        session.go_on(case.token)

    assert session.at_hand(1) is None
    assert session.at_hand(2) is None
    assert start("ben").at_hand(1).position == 1
    with store.reading() as connection:
        assert verify(connection).faults == ()
        assert find_responses(connection) == ()


def test_clicked_twice_is_kept_once_and_the_first_answers_stay(start, store):
    session = start()
    session.submit("p1", GOOD, {})
    session.submit("p1", GOOD | {"Q3": 4}, {})
    assert session.at_hand(1).given.answers["Q3"] == 2
    session.go_on("p1")
    session.go_on("p1")
    with store.reading() as connection:
        steps = find_training_steps(connection, "anna")
    assert [(s.token, s.step) for s in steps] == [
        ("p1", Step.ANSWERED),
        ("p1", Step.SEEN),
    ]


def test_what_is_not_at_hand_or_not_answered_is_refused(start):
    session = start()
    for wrong in (
        lambda: session.submit("p2", GOOD, {}),
        lambda: session.go_on("p1"),
        lambda: session.go_on("elsewhere"),
    ):
        with pytest.raises(StaleReadingError, match="nothing was stored"):
            wrong()
    with pytest.raises(AnswersError, match="Q4 has no answer"):
        session.submit("p1", {k: v for k, v in GOOD.items() if k != "Q4"}, {})


def test_it_is_left_out_only_where_the_protocol_says_so(start):
    with pytest.raises(StudyError, match="does not allow to leave out"):
        start().skip()
    session = start(training_skippable=True)
    session.submit("p1", GOOD, {})
    session.skip()
    session.skip()
    assert session.at_hand(1) is None
    assert start("ben").at_hand(1) is not None


def test_before_trial_2_it_is_repeated_where_the_protocol_says_so(start, clock):
    session = start(training_repeat=True, training_skippable=True)
    session.skip()
    read_and_sign(session, 1)
    with pytest.raises(StaleReadingError):  # the washout is not over
        session.submit("p1", GOOD, {})
    clock.advance(days=28)
    assert session.at_hand(2).position == 1
    session.submit("p1", GOOD, {})
    assert session.at_hand(2).given.trial == 2
    with pytest.raises(StudyError, match="before trial 2 must be done first"):
        read_and_sign(session, 2)
    session.skip()
    read_and_sign(session, 2)
    with pytest.raises(StaleReadingError):
        session.go_on("p1")


def test_no_reading_begins_before_the_training_is_done(start, store, clock):
    """Whoever asks: the rule is the session's, not that of a page."""
    training = start(training_skippable=True)
    study = training.study
    session = ReadingSession(study, store, "anna", clock=clock)
    practice = session.training
    for position, case in enumerate(CASES, 1):
        assert session.due() is Due.TRAINING
        with pytest.raises(StudyError, match=f"done first; case {position} of 2"):
            session.next_reading()
        practice.submit(case.token, GOOD, {})
        with pytest.raises(StudyError, match=f"done first; case {position} of 2"):
            session.next_reading()
        practice.go_on(case.token)
    with store.reading() as connection:
        assert find_opened(connection, "anna") == {}
    assert session.due() is Due.READING
    read_and_sign(practice, 1)
    assert session.due() is Due.WASHOUT
    clock.advance(days=28)
    assert session.due() is Due.READING  # no training is repeated

    other = ReadingSession(study, store, "ben", clock=clock)
    other.training.skip()
    assert other.next_reading().position == 1


def test_after_the_lock_nobody_practises(start, store, clock):
    session = start()
    lock(session.study, store, by="Eve", clock=clock, incomplete="test")
    with pytest.raises(StudyError, match="data are locked"):
        session.submit("p1", GOOD, {})


@pytest.mark.parametrize(
    "statement",
    ["UPDATE training_steps SET answers = '{}'", "DELETE FROM training_steps"],
)
def test_steps_stay_as_they_are(start, store, statement):
    start().submit("p1", GOOD, {})
    with pytest.raises(IntegrityError), store.engine.begin() as connection:
        connection.execute(text(statement))


def test_answers_are_exported_apart(start, store):
    session = start(training_skippable=True)
    session.submit("p1", GOOD | {"Q2A": 0}, {"Q2A": "=1+1"})
    session.go_on("p1")
    session.skip()
    with store.reading() as connection:
        steps = find_training_steps(connection)
    exported = training_csv(session.study, steps, {"p1": "practice-1"})
    first, last = csv.DictReader(io.StringIO(exported))

    assert (first["reader"], first["trial"], first["position"]) == ("anna", "1", "1")
    assert (first["case"], first["Q3"], first["Q3_expected"]) == (
        "practice-1",
        "2",
        "1",
    )
    assert (first["Q1_expected"], first["Q2A_reason"]) == ("", "'=1+1")
    assert (last["step"], last["position"], last["Q1"]) == ("skipped", "", "")


def test_a_case_that_is_none_has_no_position():
    with pytest.raises(StudyError, match="The training has no case 'x'"):
        TrainingSet(CASES).position("x")


def test_a_case_that_cannot_be_shown_is_passed_over_and_a_deviation(start, store):
    """Its picture is missing from the study's folder, as all are here."""
    session = start()
    practice = session.at_hand(1)
    with pytest.raises(DamagedPictureError, match="No such file"):
        session.image(practice)
    for _ in range(2):
        session.pass_over("p1")
    assert session.at_hand(1).position == 2
    with pytest.raises(StaleReadingError):
        session.pass_over("p3")

    with store.reading() as connection:
        (deviation,) = find_deviations(connection)
        (step,) = find_training_steps(connection)
    assert (deviation.kind, deviation.reader) == ("training_not_shown", "anna")
    assert deviation.reason == "the picture of training case 1 is damaged"
    assert (step.step, step.token) == (Step.SKIPPED, "p1")
    content = b"a picture"
    (session.study.folder / "training").mkdir()
    (session.study.folder / "training" / "p2.png").write_bytes(content)
    whole = replace(CASES[1], sha256=hashlib.sha256(content).hexdigest())
    session.study = replace(session.study, training=TrainingSet((CASES[0], whole)))
    with pytest.raises(StudyError, match="can be shown; nothing was stored"):
        session.pass_over("p2")


def test_without_the_list_of_cases_readers_begin_and_a_deviation_says_so(
    practised, store, clock
):
    study = replace(practised, training=TrainingSet(), training_fault="torn")
    assert TrainingSession(study, store, "anna", clock).at_hand(1) is None
    session = ReadingSession(study, store, "anna", clock=clock)
    for _ in range(2):
        session.next_reading()

    with store.reading() as connection:
        (deviation,) = find_deviations(connection)
    assert deviation.reason == "the list of training cases is damaged"
    assert study.damage() == ("torn",)
