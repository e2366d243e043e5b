"""Verification: what was changed behind the back of the log."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from reader_study.errors import StudyError
from reader_study.formats.checking import read_text
from reader_study.store.tables import COVERED, audit_log, metadata
from reader_study.store.transaction import GENESIS, Head, link, row_digest

_CHUNK = 2000


@dataclass(frozen=True)
class Verification:
    """What `verify` found.

    Attributes:
        head: Last entry of the log, to be kept elsewhere as an anchor.
        faults: What does not fit; empty if all is as it was written.
    """

    head: Head
    faults: tuple[str, ...]


def verify(connection: Connection, anchors: Sequence[Head] = ()) -> Verification:
    """Check every entry of the log, every row it covers, and anchors.

    Args:
        connection: Reading the state of one moment.
        anchors: Entries known from receipts, a lock record or a printed sheet.
    """
    checker = _Checker({anchor.n: anchor.sha256 for anchor in anchors})
    rows = connection.execute(
        select(audit_log).order_by(audit_log.c.n).execution_options(yield_per=_CHUNK)
    )
    for n, entry, previous, sha256 in rows:
        checker.check(n, entry, previous, sha256)
    faults = [*checker.faults, *_unanchored(anchors, checker.head)]
    faults.extend(_check_rows(connection, checker.recorded))
    return Verification(checker.head, tuple(faults))


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


def _check_rows(
    connection: Connection, recorded: dict[tuple[str, str], tuple[str, int]]
) -> Iterator[str]:
    left = dict(recorded)
    for name, columns in COVERED.items():
        table = metadata.tables[name]
        for row in connection.execute(select(table)).mappings():
            key = [row[column.name] for column in table.primary_key.columns]
            digest, n = left.pop((name, json.dumps(key)), ("", 0))
            if not n:
                yield f"{name} {key}: no entry of the log tells of it"
            elif row_digest(name, {c: row[c] for c in columns}, columns) != digest:
                yield f"{name} {key}: changed since entry {n} of the log"
    for (name, key_text), (_, n) in sorted(left.items()):
        yield f"{name} {key_text}: removed since entry {n} of the log"
