import shutil
import sqlite3
import threading

import pytest
from sqlalchemy import event

from reader_study.errors import StudyError
from reader_study.reading.reading_session import ReadingSession
from reader_study.running.lifecycle import open_for_reading
from reader_study.running.registry import Profile, add_reader
from reader_study.running.study_store import open_study_store
from reader_study.store.readings import find_responses
from reader_study.store.store import open_store
from reader_study.store.verifying import verify

GOOD = {"Q1": 1, "Q2A": 1, "Q2B": 1, "Q2C": 1, "Q2D": 1, "Q3": 2, "Q4": 4}
LONG = {"Q2A": "x" * 4000}


@pytest.fixture
def sqlite_store(study, tmp_path, clock):
    url = f"sqlite:///{tmp_path / 'study.sqlite'}"
    store = open_study_store(study, url, clock=clock)
    for name in ("anna", "ben"):
        add_reader(study, store, Profile(name, "x", 1), by="Eve", clock=clock)
    open_for_reading(study, store, by="Eve", clock=clock)
    yield store
    store.close()


def test_a_full_disk_is_told_and_loses_nothing(study, sqlite_store, clock):
    session = ReadingSession(study, sqlite_store, "anna", clock=clock)
    first = session.submit(session.next_reading().token, GOOD, LONG)
    token = session.next_reading().token
    # SQLite takes the limit for a full disk; as the pages are full, so it is.
    limited = open_store(str(sqlite_store.engine.url))

    @event.listens_for(limited.engine, "begin")
    def limit(connection):
        connection.exec_driver_sql("PRAGMA max_page_count=1")

    with pytest.raises(StudyError, match="database or disk is full"):
        ReadingSession(study, limited, "anna", clock=clock).submit(token, GOOD, LONG)
    limited.close()

    second = session.submit(token, GOOD, LONG)
    with sqlite_store.reading() as connection:
        assert len(find_responses(connection)) == 2
        assert verify(connection, [first.head, second.head]).faults == ()


def test_a_read_only_database_is_told(study, open_study_now, store, url, clock):
    session = ReadingSession(study, store, "anna", clock=clock)
    token = session.next_reading().token
    if url.startswith("sqlite"):
        path = url.removeprefix("sqlite:///")
        read_only = open_store(f"sqlite:///file:{path}?mode=ro&uri=true")
        message = "readonly database"
    else:
        option = "&options=-c%20default_transaction_read_only%3Don"
        read_only = open_store(url + option)
        message = "read-only transaction"
    other = ReadingSession(study, read_only, "anna", clock=clock)

    assert other.next_reading().token == token
    with pytest.raises(StudyError, match=message):
        other.submit(token, GOOD, {})
    with read_only.reading() as connection:
        assert verify(connection).faults == ()
    read_only.close()


@pytest.mark.slow
def test_a_copy_taken_while_writing_opens_and_verifies(
    study, sqlite_store, tmp_path, clock
):
    """Database and WAL copied at any moment hold what was committed before."""
    acknowledged = []

    def read():
        for name in ("anna", "ben"):
            session = ReadingSession(study, sqlite_store, name, clock=clock)
            while (reading := session.next_reading()) is not None:
                acknowledged.append(session.submit(reading.token, GOOD, LONG))

    reading = threading.Thread(target=read)
    reading.start()
    copies = []
    while reading.is_alive():
        receipts = list(acknowledged)
        folder = tmp_path / f"copy-{len(copies)}"
        folder.mkdir()
        # The WAL first: pages moved from it into the database are then in both.
        for name in ("study.sqlite-wal", "study.sqlite"):
            shutil.copyfile(tmp_path / name, folder / name)
        copies.append((folder, receipts))
    reading.join()

    for folder, receipts in copies:
        copy = open_store(f"sqlite:///{folder / 'study.sqlite'}")
        with copy.reading() as connection:
            assert verify(connection, [r.head for r in receipts]).faults == ()
        copy.close()
    assert copies


def test_a_transaction_in_mid_write_is_not_in_a_copy(
    study, sqlite_store, tmp_path, clock
):
    session = ReadingSession(study, sqlite_store, "anna", clock=clock)
    session.next_reading()
    with sqlite_store.writing(clock) as t:
        t.log("unfinished", "test")
        for name in ("study.sqlite", "study.sqlite-wal"):
            shutil.copyfile(tmp_path / name, tmp_path / f"copy-{name}")
    (tmp_path / "copy-study.sqlite-wal").rename(tmp_path / "copy.sqlite-wal")
    (tmp_path / "copy-study.sqlite").rename(tmp_path / "copy.sqlite")

    copy = open_store(f"sqlite:///{tmp_path / 'copy.sqlite'}")
    with copy.reading() as connection, sqlite_store.reading() as here:
        assert verify(connection).faults == verify(here).faults == ()
        assert verify(connection).head.n == verify(here).head.n - 1
    copy.close()


def test_a_file_that_is_no_database_is_told(tmp_path):
    (tmp_path / "study.sqlite").write_bytes(b"not a database" * 100)

    with pytest.raises(StudyError, match="not a database"):
        open_store(f"sqlite:///{tmp_path / 'study.sqlite'}")


def test_a_database_being_written_by_another_program_is_waited_for(
    study, sqlite_store, tmp_path, clock
):
    session = ReadingSession(study, sqlite_store, "anna", clock=clock)
    token = session.next_reading().token
    other = sqlite3.connect(tmp_path / "study.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.3, lambda: None)
    receipts = []
    waiting = threading.Thread(
        target=lambda: receipts.append(session.submit(token, GOOD, {}))
    )
    waiting.start()
    timer.start()
    timer.join()
    assert receipts == []
    other.execute("COMMIT")
    other.close()
    waiting.join()

    assert len(receipts) == 1
