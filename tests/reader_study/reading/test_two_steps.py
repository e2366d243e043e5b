"""A case read without an aid and then with it: the second step is locked until then."""

import shutil
from datetime import UTC, datetime

import pytest

from reader_study.building.builder import build_study
from reader_study.building.study import open_study
from reader_study.errors import StaleReadingError
from reader_study.reading.reading_session import ReadingSession
from reader_study.rehearsal.simulation import SimulatedClock
from reader_study.running.lifecycle import open_for_reading
from reader_study.running.registry import Profile, add_reader
from reader_study.running.study_store import open_study_store
from reader_study.store.readings import find_opened, find_responses
from tests.reader_study.conftest import GOOD
from tests.reader_study.material import request
from tests.reader_study.test_any_study import START, write_long

DESIGN = '[design]\narms = ["real", "GAN"]\ndisplay = "aided"\n'


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("aided")
    write_long(folder, ("real", "GAN"))
    build_study(request(folder, START.format(n=1) + DESIGN, jobs=1))
    return folder / "STUDY"


@pytest.fixture
def session(built, tmp_path):
    study = open_study(shutil.copytree(built, tmp_path / "STUDY"))
    clock = SimulatedClock(datetime(2026, 3, 1, 9, tzinfo=UTC))
    store = open_study_store(study, clock=clock)
    add_reader(study, store, Profile("anna", "", 1), by="Eve", clock=clock)
    open_for_reading(study, store, by="Eve", clock=clock)
    yield ReadingSession(study, store, "anna", clock=clock)
    store.close()


def test_the_second_step_shows_what_was_answered_first(session):
    first = session.next_reading()
    assert (first.step, first.first, first.n_readings) == (1, None, 16)

    session.submit(first.token, GOOD, {})
    second = session.next_reading()
    assert (second.step, second.position) == (2, 2)
    assert second.first.answers == GOOD

    session.submit(second.token, GOOD | {"Q3": 3}, {})
    assert session.next_reading().step == 1


def test_the_second_picture_is_not_sent_ahead_while_the_first_is_read(session):
    first = session.next_reading()
    assert session.picture_ahead() is None
    locked = session.study.manifest.orders("reader-1", 1)[1]
    with pytest.raises(StaleReadingError, match="has not been opened"):
        session.image(locked)

    session.submit(first.token, GOOD, {})
    session.next_reading()
    ahead, _ = session.picture_ahead()
    assert ahead == session.study.manifest.orders("reader-1", 1)[2]


def test_the_first_step_stays_and_the_second_may_be_corrected(session):
    first = session.next_reading()
    session.submit(first.token, GOOD, {})
    with pytest.raises(StaleReadingError, match="first of two steps stays"):
        session.correct(first.token, GOOD | {"Q3": 3}, {}, why="thought again")

    second = session.next_reading()
    session.submit(second.token, GOOD, {})
    with pytest.raises(StaleReadingError, match="first of two steps stays"):
        session.correct(first.token, GOOD | {"Q3": 3}, {}, why="thought again")
    session.correct(second.token, GOOD | {"Q3": 3}, {}, why="a slip")
    assert [r.answers["Q3"] for r in session.answered()] == [2, 3]


def test_a_first_step_left_unanswered_has_its_second(session):
    session.decline(session.next_reading().token, "cannot tell")
    second = session.next_reading()
    assert (second.step, second.first.answers) == (2, {})


def test_no_way_leads_to_the_second_step_before_the_first_is_stored(session):
    first = session.next_reading()
    order = session.study.manifest.orders("reader-1", 1)
    for locked in order[1:]:
        for attempt in (
            lambda token: session.submit(token, GOOD, {}),
            lambda token: session.save_draft(token, GOOD, {}),
            lambda token: session.decline(token, "no need"),
            lambda token: session.correct(token, GOOD, {}, why="a slip"),
            session.image,
        ):
            with pytest.raises(StaleReadingError, match="has not been opened"):
                attempt(locked)
        again = session.next_reading()  # as a page that is loaded anew
        assert (again.token, again.step) == (first.token, 1)
    session.save_draft(first.token, GOOD, {})  # a draft opens nothing
    assert session.next_reading().token == first.token
    with session.store.reading() as connection:
        assert find_responses(connection) == ()
        assert {token for _, token in find_opened(connection, "anna")} == {first.token}


def test_of_two_tabs_the_first_to_save_decides_and_the_other_goes_on(session):
    other = ReadingSession(session.study, session.store, "anna", clock=session.clock)
    token = session.next_reading().token
    assert other.next_reading().token == token
    session.submit(token, GOOD, {})
    second = session.next_reading()

    # Whoever has seen the aid cannot send the first answer again, otherwise.
    with pytest.raises(StaleReadingError, match="has been answered already, otherwise"):
        other.submit(token, GOOD | {"Q3": 3}, {})
    with pytest.raises(StaleReadingError, match="has been answered already"):
        other.save_draft(token, GOOD | {"Q3": 3}, {})
    with pytest.raises(StaleReadingError, match="has been answered already"):
        other.decline(token, "thought again")
    assert other.next_reading().token == second.token
    with session.store.reading() as connection:
        (stored,) = find_responses(connection)
    assert stored.answers == GOOD


def test_a_first_step_left_unanswered_stays_so_once_the_second_was_seen(session):
    token = session.next_reading().token
    session.decline(token, "cannot tell")
    session.next_reading()
    with pytest.raises(StaleReadingError, match="first of two steps stays"):
        session.correct(token, GOOD, {}, why="now I know")
    with pytest.raises(StaleReadingError, match="has been answered already"):
        session.submit(token, GOOD, {})
