import pytest

from app.accounts import READER
from reader_study.running.access import issue_code, sign_in
from reader_study.store.readings import find_closings
from tests.app.answers import read_trial, words


@pytest.fixture
def finished(anna, open_room, clock, cookies, page):
    """Anna's page after both signatures."""
    read_trial(anna)
    anna.sign(1)
    clock.advance(days=28)
    read_trial(anna)
    anna.sign(2)
    code = issue_code(open_room.store, "anna", by="coordinator", clock=clock)
    cookies[READER.cookie] = sign_in(open_room.store, "anna", code, clock=clock).secret
    return page()


def fill(shown, **left_out):
    """Answer what is not optional."""
    chosen = {"closing-recognised": "few", "closing-confidence": 2}
    for key, value in chosen.items():
        if key not in left_out.values():
            shown.radio(key=key).set_value(value)
    for trial, n in ((1, 0), (2, 3)):
        shown.number_input(key=f"closing-synthetic-{trial}").set_value(n)
    return shown


def stored(room):
    with room.store.reading() as connection:
        return find_closings(connection)


def test_it_is_asked_once_with_nothing_chosen(finished, open_room, page):
    assert "Before you go" in words(finished)
    assert [radio.value for radio in finished.radio] == [None, None]
    assert [field.value for field in finished.number_input] == [None, None]
    assert [field.max for field in finished.number_input] == [3, 3]

    finished.text_input(key="closing-which").set_value("the last one")
    finished.text_area(key="closing-cues").set_value("<b>grain</b>")
    fill(finished).button(key="closing-send").click().run()
    kept = stored(open_room)["anna"]
    assert (kept.recognised, kept.which, kept.confidence) == ("few", "the last one", 2)
    assert (dict(kept.synthetic), kept.cues) == ({1: 0, 2: 3}, "<b>grain</b>")
    assert "your part in this study is done" in words(finished)
    assert "your part in this study is done" in words(page())


def test_what_is_missing_is_told_and_nothing_stored(finished, open_room):
    fill(finished, out="closing-confidence").button(key="closing-send").click().run()

    assert "answer all questions that are not optional" in words(finished)
    assert stored(open_room) == {}


def test_a_second_page_changes_nothing(finished, open_room, page):
    other = page()
    fill(finished).button(key="closing-send").click().run()
    fill(other).radio(key="closing-confidence").set_value(5)
    other.button(key="closing-send").click().run()

    assert stored(open_room)["anna"].confidence == 2
    assert "your part in this study is done" in words(other)
