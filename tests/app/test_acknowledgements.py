from dataclasses import replace

from app.reader_view import Acknowledged, acknowledged
from reader_study.build.training_set import TrainingCase, TrainingSet
from reader_study.reading.closing import ClosingAnswers, answer_closing
from tests.app.answers import read_trial

CASE = TrainingCase("p1", "00", 1, {"Q3": 1}, {})


def done(room, session):
    return acknowledged(room, session.progress())


def test_what_a_reader_has_done_is_what_the_store_says(anna, open_room, cookies):
    assert done(open_room, anna) == Acknowledged(instructions=True, display=True)
    untrained = replace(open_room.study, training=TrainingSet((CASE,)))
    assert not done(replace(open_room, study=untrained), anna).training
    cookies.clear()
    assert not done(open_room, anna).display
    assert not done(open_room, open_room.session_of("ben")).instructions


def test_closing_questions_wait_until_they_are_answered(anna, open_room, clock):
    for trial in (1, 2):
        read_trial(anna)
        anna.sign(trial)
        clock.advance(days=28)
    assert not done(open_room, anna).closing
    said = ClosingAnswers(recognised="none", synthetic={1: 1, 2: 2}, confidence=1)
    answer_closing(open_room.study, open_room.store, "anna", said, clock=clock)
    assert done(open_room, anna).closing
