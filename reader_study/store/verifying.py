"""Verification: what was changed behind the back of the log."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, exc, select

from reader_study.errors import StudyError
from reader_study.formats.checking import read_text
from reader_study.store.tables import COVERED, audit_log, metadata, responses
from reader_study.store.transaction import GENESIS, Head, link, row_digest

_CHUNK = 2000


@dataclass(frozen=True)
class Verification:
    """What `verify` found.

    Attributes:
        head: Last entry of the log, to be kept elsewhere as an anchor.
        faults: What does not fit; empty if all is as it was written.
        lost: Readings, by reader and token, whose answers are not those that the log
            tells of.
    """

    head: Head
    faults: tuple[str, ...]
    lost: frozenset[tuple[str, str]] = frozenset()


def verify(connection: Connection, anchors: Sequence[Head] = ()) -> Verification:
    """Check every entry of the log, every row it covers, and anchors.

    Args:
        connection: Reading the state of one moment.
        anchors: Entries known from receipts, a lock record or a printed sheet.
    """
    checker = _Checker({anchor.n: anchor.sha256 for anchor in anchors})
    unreadable = [*_damaged_pages(connection)]
    entries = select(audit_log).order_by(audit_log.c.n)
    try:
        for row in connection.execute(entries.execution_options(yield_per=_CHUNK)):
            checker.check(*row)
    except exc.DBAPIError as error:
        unreadable.append(f"log: cannot be read after {checker.head.n} ({error.orig})")
    rows = [*_check_rows(connection, checker.recorded)]
    faults = (
        *unreadable,
        *checker.faults,
        *_unanchored(anchors, checker.head),
        *(f"{row.table} {json.loads(row.key)}: {row.why}" for row in rows),
    )
    lost = (json.loads(row.key) for row in rows if row.table == responses.name)
    return Verification(
        checker.head, faults, frozenset((key[0], key[2]) for key in lost if key)
    )


def read_anchor(path: Path) -> Head:
    """Read an entry of the log from a receipt or a lock record.

    Raises:
        StudyError: If the file cannot be read or holds no `head`.
    """
    try:
        content: Any = json.loads(read_text(path))
        head = content["head"]
        return Head(int(head["n"]), str(head["sha256"]), str(head.get("time", "")))
    except (json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, StudyError):
            raise
        msg = f"{path} must be a receipt or a lock record with a head"
        raise StudyError(msg) from error


class _Checker:
    """Goes along the log and collects what does not fit."""

    def __init__(self, anchors: dict[int, str]) -> None:
        self.anchors = anchors
        self.head = Head()
        self.faults: list[str] = []
        self.recorded: dict[tuple[str, str], tuple[str, int]] = {}

    def check(self, n: int, entry: str, previous: str, sha256: str) -> None:
        if n != self.head.n + 1:
            self.faults.append(f"log: entry {self.head.n + 1} is missing before {n}")
        if previous != self.head.sha256:
            self.faults.append(f"log: entry {n} does not follow on the one before it")
        if link(previous, entry) != sha256:
            self.faults.append(f"log: entry {n} was changed")
        if self.anchors.get(n, sha256) != sha256:
            self.faults.append(f"log: entry {n} is not the one that was anchored")
        content = _content(entry)
        if content.get("n") != n:
            self.faults.append(f"log: entry {n} was written as {content.get('n')}")
        time = str(content.get("time", ""))
        if time < self.head.time:
            self.faults.append(f"log: entry {n} is earlier than the one before it")
        row = content.get("row")
        if isinstance(row, list) and len(row) == 3:
            table, key, digest = row
            self.recorded[table, json.dumps(key)] = digest, n
        self.head = Head(n, sha256, time)


def _content(entry: str) -> dict[str, object]:
    try:
        content = json.loads(entry)
    except json.JSONDecodeError:
        return {}
    return content if isinstance(content, dict) else {}


def _unanchored(anchors: Sequence[Head], head: Head) -> Iterator[str]:
    for anchor in anchors:
        if anchor.n > head.n:
            yield f"log: ends at entry {head.n}, but entry {anchor.n} was anchored"
        elif anchor.n == 0 and anchor.sha256 != GENESIS:
            yield "log: an anchor must name an entry, got 0"


def _damaged_pages(connection: Connection) -> Iterator[str]:
    """Yield what SQLite itself finds wrong with its file."""
    if connection.dialect.name != "sqlite":
        return
    for (found,) in connection.exec_driver_sql("PRAGMA integrity_check(20)"):
        if found != "ok":
            yield f"database file: {found}"


class _Row(NamedTuple):
    """A row that does not fit the log; its key is written as JSON."""

    table: str
    key: str
    why: str


def _check_rows(
    connection: Connection, recorded: dict[tuple[str, str], tuple[str, int]]
) -> Iterator[_Row]:
    left = dict(recorded)
    for name, columns in COVERED.items():
        table = metadata.tables[name]
        keys = [column.name for column in table.primary_key.columns]
        try:
            for row in connection.execute(select(table)).mappings():
                key = json.dumps([row[column] for column in keys], default=repr)
                digest, n = left.pop((name, key), ("", 0))
                if not n:
                    yield _Row(name, key, "no entry of the log tells of it")
                elif row_digest(name, dict(row), columns) != digest:
                    yield _Row(name, key, f"changed since entry {n} of the log")
        except exc.DBAPIError as error:
            yield _Row(name, "[]", f"cannot be read to the end ({error.orig})")
    for (name, key), (_, n) in sorted(left.items()):
        yield _Row(name, key, f"removed since entry {n} of the log")
