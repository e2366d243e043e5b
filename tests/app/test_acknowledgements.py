from dataclasses import replace

from app.reader_view import find_reader_view
from reader_study.building.training_set import TrainingCase, TrainingSet
from reader_study.reading.closing import ClosingAnswers, answer_closing
from tests.app.answers import read_trial

CASE = TrainingCase("p1", "00", 1, {"Q3": 1}, {})


def test_what_a_reader_has_done_is_what_the_store_says(anna, open_room, cookies):
    view = find_reader_view(open_room, "anna")
    assert (view.instructed, view.display_checked) == (True, True)
    assert (view.trained, view.closed) == (True, True)
    untrained = replace(open_room.study, training=TrainingSet((CASE,)))
    assert not find_reader_view(replace(open_room, study=untrained), "anna").trained
    cookies.clear()
    assert not find_reader_view(open_room, "anna").display_checked
    assert not find_reader_view(open_room, "ben").instructed


def test_closing_questions_wait_until_they_are_answered(anna, open_room, clock):
    for trial in (1, 2):
        read_trial(anna)
        anna.sign(trial)
        clock.advance(days=28)
    assert not find_reader_view(open_room, "anna").closed
    said = ClosingAnswers(recognised="none", synthetic={1: 1, 2: 2}, confidence=1)
    answer_closing(open_room.study, open_room.store, "anna", said, clock=clock)
    assert find_reader_view(open_room, "anna").closed
