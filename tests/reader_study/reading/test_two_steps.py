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
