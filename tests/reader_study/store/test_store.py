import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from reader_study.errors import StudyError
from reader_study.store import store as module
from reader_study.store.store import open_store
from reader_study.store.tables import metadata
from reader_study.store.transaction import GENESIS, Head, link, not_before, read_head
from reader_study.store.verifying import verify


def test_migrated_tables_are_those_of_the_program(store):
    with store.reading() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, metadata) == []


def test_a_store_is_opened_again_with_what_it_holds(store, url):
    again = open_store(url)
    with again.reading() as connection, store.reading() as before:
        assert read_head(connection) == read_head(before)
    again.close()


def test_a_database_of_a_later_version_is_refused(store, url):
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(StudyError, match="made by a later version of this program"):
        open_store(url)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("study.sqlite", "must be a URL such as sqlite:///study.sqlite"),
        ("mysql://host/name", "must be sqlite or postgresql, got mysql"),
        ("sqlite:////no/such/folder/study.sqlite", "cannot be used: unable to open"),
        ("postgresql://nobody@127.0.0.1:1/none", "cannot be used"),
    ],
)
def test_databases_that_cannot_be_used(url, message):
    with pytest.raises(StudyError, match=message):
        open_store(url)


def test_sqlite_is_durable(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'study.sqlite'}")
    with store.reading() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    store.close()

    # https://www.sqlite.org/pragma.html#pragma_synchronous: 2 is FULL.
    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 60000,
    }


def test_an_error_leaves_neither_row_nor_entry(store, clock):
    with store.reading() as connection:
        before = read_head(connection)

    def fail():
        with store.writing(clock) as t:
            t.log("something", "test")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with store.reading() as connection:
        assert read_head(connection) == before


def test_entries_follow_on_one_another(store, clock):
    with store.writing(clock) as t:
        first = t.log("one", "test", {"é": "\u202e"})
        second = t.log("two", "test")
    with store.reading() as connection:
        rows = connection.execute(text("SELECT * FROM audit_log ORDER BY n")).all()
        found = verify(connection, [first, second])

    assert rows[0].previous == GENESIS
    assert rows[-1].sha256 == second.sha256 == link(first.sha256, rows[-1].entry)
    assert (found.head, found.faults) == (second, ())


def test_time_does_not_go_back(clock):
    later = Head(1, "", "2027-01-01T00:00:00.000000Z")

    assert not_before(later, clock.now()) == later.time
    assert not_before(Head(), clock.now()) == "2026-03-01T09:00:00.000000Z"


def test_an_earlier_entry_after_a_later_one_is_found(store, clock):
    with store.writing(clock) as t:
        t.now = "2020-01-01T00:00:00.000000Z"
        n = t.log("backdated", "test").n
    with store.reading() as connection:
        faults = verify(connection).faults
    assert faults == (f"log: entry {n} is earlier than the one before it",)


def test_writers_wait_for_one_another_without_the_line_too(
    tmp_path, clock, monkeypatch
):
    """Where the system has no file locks: with a plain BEGIN some would be refused."""
    monkeypatch.setattr(module, "_lock", raising_os_error)
    store = open_store(f"sqlite:///{tmp_path / 'study.sqlite'}")

    def write(n):
        for _ in range(10):
            with store.writing(clock) as t:
                t.log("something", f"writer-{n}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    with store.reading() as connection:
        head, faults = read_head(connection), verify(connection).faults
    store.close()

    assert (head.n, faults) == (80, ())


def raising_os_error(_):
    raise OSError


def test_a_file_that_another_program_keeps_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_BUSY_SECONDS", 0.1)
    path = tmp_path / "study.sqlite"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")

    with pytest.raises(StudyError, match="locked by another program"):
        open_store(f"sqlite:///{path}")
    other.close()


def test_a_missing_driver_is_told(monkeypatch):
    def fail(*_, **__):
        msg = "No module named 'psycopg'"
        raise ModuleNotFoundError(msg)

    monkeypatch.setattr(module, "create_engine", fail)
    with pytest.raises(StudyError, match=r"cannot be used: No module named 'psycopg'"):
        open_store("postgresql://somebody:secret@host/name")
