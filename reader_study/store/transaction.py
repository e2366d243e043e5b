"""Transaction of the store: a change together with its entry in the hash chain."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Table, insert, select, update

from reader_study.clock import seconds_between, to_text
from reader_study.formats.canonical import canonical_bytes, sha256_of
from reader_study.store.stored import stored_json
from reader_study.store.tables import COVERED, audit_log

GENESIS = "0" * 64
"""What the first entry of a log follows on."""

_BEHIND_SECONDS = 2.0
"""A clock this far behind the log was set back; the entry says so."""

Values = Mapping[str, object]


@dataclass(frozen=True)
class Head:
    """Last entry of a log at some moment.

    Attributes:
        n: Number of the entry; 0 for a log without entries.
        sha256: Hash of the entry, which covers all entries before it.
        time: Time at which it was written; empty for a log without entries.
    """

    n: int = 0
    sha256: str = GENESIS
    time: str = ""


def link(previous: str, entry: str) -> str:
    """Return the hash of an entry that follows on another.

    Args:
        previous: Hash of the entry before it.
        entry: The entry as canonical JSON.
    """
    return hashlib.sha256(f"{previous}\n{entry}".encode()).hexdigest()


def row_digest(table: str, row: Mapping[str, object], columns: Sequence[str]) -> str:
    """Return the hash of what a row of a table says."""
    return sha256_of([table, {name: _plain(row[name]) for name in columns}])


@dataclass
class Transaction:
    """Writing; all of it is kept, or nothing.

    Attributes:
        connection: Within a transaction that alone may write.
        now: Time of the server, never before that of the last entry.
        behind: Seconds by which the machine's clock was behind that entry.
        head: Last entry of the log.
    """

    connection: Connection
    now: str
    behind: float
    head: Head

    def log(
        self,
        event: str,
        actor: str,
        details: Values | None = None,
        row: tuple[str, list[object], str] | None = None,
    ) -> Head:
        """Append an entry to the log.

        Args:
            event: What happened.
            actor: Reader or coordinator who did it.
            details: Particulars that may be seen before unblinding.
            row: Table, key and hash of the row that the entry is about.

        Returns:
            The new last entry.
        """
        n = self.head.n + 1
        content: dict[str, object] = {
            "n": n, "time": self.now, "event": event, "actor": actor,
            "details": dict(details or {}), "row": row,
        }  # fmt: skip
        if self.behind > _BEHIND_SECONDS:
            content["clock_behind_seconds"] = self.behind
        entry = canonical_bytes(content).decode()
        sha256 = link(self.head.sha256, entry)
        self.connection.execute(
            insert(audit_log),
            {"n": n, "entry": entry, "previous": self.head.sha256, "sha256": sha256},
        )
        self.head = Head(n, sha256, self.now)
        return self.head

    def keep(
        self, table: Table, row: Values, event: str, actor: str, details: Values
    ) -> Head:
        """Insert a row and log it with its hash."""
        self.connection.execute(insert(table), dict(row))
        return self.log(event, actor, details, _reference(table, row))

    def change(
        self, table: Table, row: Values, event: str, actor: str, details: Values
    ) -> Head:
        """Update the row with the same key and log it with its hash.

        Args:
            table: One whose rows may change.
            row: The row as it shall be, with all columns that the log covers.
            event: What happened.
            actor: Who did it.
            details: Particulars that may be seen before unblinding.
        """
        same = [column == row[column.name] for column in table.primary_key.columns]
        self.connection.execute(update(table).where(*same).values(**row))
        return self.log(event, actor, details, _reference(table, row))


def begin(connection: Connection, time: datetime) -> Transaction:
    """Start to write at a time; a clock that was set back does not move the log."""
    head = read_head(connection)
    now = not_before(head, time)
    behind = seconds_between(to_text(time), now)
    return Transaction(connection, now, behind, head)


def not_before(head: Head, time: datetime) -> str:
    """Return the time as text, or that of the last entry if it is later."""
    return max(to_text(time), head.time)


def read_head(connection: Connection) -> Head:
    """Read the last entry of the log."""
    newest = select(audit_log).order_by(audit_log.c.n.desc()).limit(1)
    row = connection.execute(newest).first()
    if row is None:
        return Head()
    time = stored_json(row.entry, f"audit_log [{row.n}]").get("time", "")
    return Head(row.n, row.sha256, time)


def _plain(value: object) -> object:
    """Return a value as it is, or its words where only damage can have made it."""
    damaged = isinstance(value, bytes) or value in {math.inf, -math.inf}
    return repr(value) if damaged else value


def _reference(table: Table, row: Values) -> tuple[str, list[object], str]:
    key = [row[column.name] for column in table.primary_key.columns]
    return table.name, key, row_digest(table.name, row, COVERED[table.name])
