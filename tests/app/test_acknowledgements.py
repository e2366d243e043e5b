from dataclasses import replace

from app.reader_view import Stage, find_reader_view
from reader_study.building.training_set import TrainingCase, TrainingSet
from reader_study.reading.closing import ClosingAnswers
from tests.app.answers import read_trial

CASE = TrainingCase("p1", "00", 1, {"Q3": 1}, {})


def test_what_a_reader_has_done_is_what_the_store_says(anna, open_room, cookies):
    view = find_reader_view(open_room, "anna")
    assert (view.instructed, view.display_checked) == (True, True)
    assert view.stage is Stage.READING
    untrained = replace(open_room.study, training=TrainingSet((CASE,)))
    stage = find_reader_view(replace(open_room, study=untrained), "anna").stage
    assert stage is Stage.TRAINING
    cookies.clear()
    assert not find_reader_view(open_room, "anna").display_checked
    assert not find_reader_view(open_room, "ben").instructed


def test_closing_questions_wait_until_they_are_answered(anna, open_room, clock):
    for trial in (1, 2):
        read_trial(anna)
        anna.sign(trial)
        clock.advance(days=28)
    assert find_reader_view(open_room, "anna").stage is Stage.CLOSING
    said = ClosingAnswers(recognised="none", synthetic={1: 1, 2: 2}, confidence=1)
    anna.answer_closing(said)
    assert find_reader_view(open_room, "anna").stage is Stage.FINISHED
