# ruff: noqa: S608 - the statements are those of an attacker
import json
import shutil
import subprocess

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from reader_study.reading.reading_session import ReadingSession
from reader_study.store.transaction import Head, link
from reader_study.store.verifying import verify

GOOD = {"Q1": 1, "Q2A": 1, "Q2B": 1, "Q2C": 1, "Q2D": 1, "Q3": 2, "Q4": 4}
APPEND_ONLY = (
    "audit_log", "deviations", "milestones", "presentations", "responses", "signatures",
)  # fmt: skip


@pytest.fixture
def receipts(open_study_now, study, store, clock):
    session = ReadingSession(study, store, "anna", clock=clock)
    made = []
    while (reading := session.next_reading()) is not None:
        clock.advance(seconds=20)
        made.append(session.submit(reading.token, GOOD, {}))
    made.append(session.sign(1))
    return made


@pytest.fixture
def shell(store, url):
    """Run SQL as somebody who goes around the program."""
    path = url.removeprefix("sqlite:///")

    def run(*statements):
        if url.startswith("sqlite") and shutil.which("sqlite3"):
            script = ";\n".join(statements)
            subprocess.run([shutil.which("sqlite3"), "-bail", path, script], check=True)
            return
        with store.engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    return run


def drop_triggers(store, *tables):
    if store.engine.dialect.name == "postgresql":
        return [f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in tables]
    with store.reading() as connection:
        names = connection.execute(
            text("SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'")
        ).all()
    return [f"DROP TRIGGER {name}" for name, table in names if table in tables]


def faults(store, anchors=()):
    with store.reading() as connection:
        return verify(connection, [Head(h.n, h.sha256) for h in anchors]).faults


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "UPDATE {} SET {} = {}"])
def test_triggers_refuse_change_and_removal(store, receipts, table, statement):
    with store.engine.begin() as connection:  # a table must have a row to be refused
        if table == "deviations":
            connection.execute(
                text("INSERT INTO deviations VALUES (1,'','',0,'','','','')")
            )
    columns = {"audit_log": "entry", "deviations": "reason", "milestones": "details"}
    column = columns.get(table, "token" if table != "signatures" else "signed_at")
    with (
        pytest.raises(IntegrityError, match=f"{table} is append-only"),
        store.engine.begin() as connection,
    ):
        connection.execute(text(statement.format(table, column, column)))


def test_triggers_refuse_replacement(store, receipts):
    if store.engine.dialect.name == "postgresql":
        statement = (
            "INSERT INTO responses SELECT * FROM responses ON CONFLICT "
            "(reader, trial, token, revision) DO UPDATE SET answers = '{}'"
        )
        with pytest.raises(DBAPIError), store.engine.begin() as connection:
            connection.execute(text("TRUNCATE responses"))
    else:
        statement = "INSERT OR REPLACE INTO responses SELECT * FROM responses"
    with (
        pytest.raises(IntegrityError, match="append-only"),
        store.engine.begin() as connection,
    ):
        connection.execute(text(statement))


def test_nothing_is_found_where_nothing_was_done(store, receipts):
    assert faults(store, [receipt.head for receipt in receipts]) == ()


def test_a_changed_answer_is_found(store, receipts, shell):
    changed = json.dumps(GOOD | {"Q3": 1})
    shell(
        *drop_triggers(store, "responses"),
        f"UPDATE responses SET answers = '{changed}' WHERE position = 2",
    )

    (fault,) = faults(store)
    assert fault.startswith("responses ['anna', 1, 't")
    assert "changed since entry" in fault


def test_a_removed_answer_is_found(store, receipts, shell):
    shell(
        *drop_triggers(store, "responses"),
        "DELETE FROM responses WHERE position = 3",
    )

    (fault,) = faults(store)
    assert "removed since entry" in fault


def test_an_added_answer_is_found(store, receipts, shell):
    shell(
        "INSERT INTO responses SELECT reader, trial, token, 2, position, answers, "
        "reasons, note, opened_at, submitted_at, active_seconds, simulated, log_n, "
        "salt FROM responses WHERE position = 1"
    )

    (fault,) = faults(store)
    assert "no entry of the log tells of it" in fault


def test_a_changed_entry_is_found(store, receipts, shell):
    shell(
        *drop_triggers(store, "audit_log"),
        "UPDATE audit_log SET entry = replace(entry, '09:00:20', '09:00:21') "
        "WHERE n = 6",
    )

    assert "log: entry 6 was changed" in faults(store)


def test_a_changed_entry_with_its_hash_made_anew_is_found(store, receipts, shell):
    with store.reading() as connection:
        previous, entry = connection.execute(
            text("SELECT previous, entry FROM audit_log WHERE n = 6")
        ).one()
    forged = entry.replace("anna", "ben ")
    shell(
        *drop_triggers(store, "audit_log"),
        f"UPDATE audit_log SET entry = '{forged}', sha256 = '{link(previous, forged)}' "
        "WHERE n = 6",
    )

    assert "log: entry 7 does not follow on the one before it" in faults(store)


def test_a_removed_entry_is_found(store, receipts, shell):
    shell(*drop_triggers(store, "audit_log"), "DELETE FROM audit_log WHERE n = 5")

    assert "log: entry 5 is missing before 6" in faults(store)


def test_reordered_entries_are_found(store, receipts, shell):
    shell(
        *drop_triggers(store, "audit_log"),
        "UPDATE audit_log SET n = 999 WHERE n = 5",
        "UPDATE audit_log SET n = 5 WHERE n = 6",
        "UPDATE audit_log SET n = 6 WHERE n = 999",
    )

    found = faults(store)
    assert "log: entry 5 was written as 6" in found
    assert "log: entry 5 does not follow on the one before it" in found


def test_a_truncated_log_is_found_against_an_anchor(store, receipts, shell):
    """Cut off with everything the lost entries told of: only an anchor can tell."""
    last = receipts[-1].head
    shell(
        *drop_triggers(store, "audit_log", "signatures"),
        "DELETE FROM signatures",
        f"DELETE FROM audit_log WHERE n = {last.n}",
    )

    assert faults(store) == ()
    (fault,) = faults(store, [last])
    assert fault == f"log: ends at entry {last.n - 1}, but entry {last.n} was anchored"


def test_another_log_is_found_against_an_anchor(store, receipts):
    forged = Head(receipts[0].head.n, "0" * 64)

    (fault,) = faults(store, [forged])
    assert fault == f"log: entry {forged.n} is not the one that was anchored"
    assert faults(store, [Head(0, "x")]) == (
        "log: an anchor must name an entry, got 0",
    )


def test_an_entry_that_is_no_json_is_found(store, receipts, shell):
    shell(
        *drop_triggers(store, "audit_log"),
        "UPDATE audit_log SET entry = '[' WHERE n = 3",
        "UPDATE audit_log SET entry = '[]' WHERE n = 4",
    )

    found = faults(store)
    assert "log: entry 3 was changed" in found
    assert "log: entry 4 was written as None" in found


def test_a_changed_reader_is_found(store, receipts, shell):
    shell("UPDATE readers SET years = 30 WHERE name = 'anna'")

    (fault,) = faults(store)
    assert fault.startswith("readers ['anna']: changed since entry")
