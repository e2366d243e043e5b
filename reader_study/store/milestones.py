"""The course of a study - created, opened, locked, unblinded - and deviations."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Table, func, select

from reader_study.formats.canonical import canonical_bytes, sha256_of
from reader_study.store.chain import Head, row_digest
from reader_study.store.tables import COVERED, FROZEN, deviations, metadata, milestones
from reader_study.store.transaction import Transaction


class Kind(StrEnum):
    """What can happen to a study."""

    CREATED = "created"
    SIMULATED = "simulated"
    OPENED = "opened"
    AMENDED = "amended"
    LOCKED = "locked"
    UNBLINDED = "unblinded"


@dataclass(frozen=True)
class Milestone:
    """Something that happened to a study."""

    kind: Kind
    details: Mapping[str, Any]
    recorded_at: str


@dataclass(frozen=True)
class Deviation:
    """Something that went otherwise than the protocol says.

    Attributes:
        kind: Such as `early_start`.
        reader: Whom it concerns; empty if nobody in particular.
        trial: Which trial; 0 if none in particular.
        reason: Why.
        recorded_by: Who wrote it down.
        approved_by: Second person; empty where none is asked for.
        recorded_at: Time of the server.
    """

    kind: str
    reader: str
    trial: int
    reason: str
    recorded_by: str
    approved_by: str = ""
    recorded_at: str = ""


def find_milestones(connection: Connection) -> tuple[Milestone, ...]:
    """Give all milestones in their order."""
    rows = connection.execute(select(milestones).order_by(milestones.c.id))
    return tuple(
        Milestone(Kind(row.kind), json.loads(row.details), row.recorded_at)
        for row in rows
    )


def add_milestone(
    transaction: Transaction, kind: Kind, actor: str, details: Mapping[str, object]
) -> Head:
    """Record a milestone."""
    row = {
        "id": _next_id(transaction.connection, milestones),
        "kind": kind.value,
        "details": canonical_bytes(dict(details)).decode(),
        "recorded_at": transaction.now,
    }
    return transaction.keep(milestones, row, f"study.{kind}", actor, {})


def find_deviations(connection: Connection) -> tuple[Deviation, ...]:
    """Give all deviations in their order."""
    rows = connection.execute(select(deviations).order_by(deviations.c.id)).mappings()
    return tuple(
        Deviation(**{name: row[name] for name in row if name != "id"}) for row in rows
    )


def add_deviation(transaction: Transaction, deviation: Deviation) -> Head:
    """Record a deviation; its words stay out of the log."""
    row = {
        **vars(deviation),
        "id": _next_id(transaction.connection, deviations),
        "recorded_at": transaction.now,
    }
    details = {
        "kind": deviation.kind,
        "reader": deviation.reader,
        "trial": deviation.trial,
    }
    return transaction.keep(
        deviations, row, "deviation.recorded", deviation.recorded_by, details
    )


def data_sha256(connection: Connection) -> str:
    """Give the hash of everything that the data lock freezes."""
    digests = []
    for name in FROZEN:
        table = metadata.tables[name]
        rows = connection.execute(select(table)).mappings()
        digests += [row_digest(name, dict(row), COVERED[name]) for row in rows]
    return sha256_of(sorted(digests))


def _next_id(connection: Connection, table: Table) -> int:
    newest = connection.execute(select(func.max(table.c.id))).scalar()
    return int(newest or 0) + 1
