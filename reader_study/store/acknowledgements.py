"""What readers have confirmed, as the store keeps it."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from reader_study.formats.canonical import canonical_bytes
from reader_study.store.chain import Head
from reader_study.store.tables_around import acknowledgements
from reader_study.store.transaction import Transaction


@dataclass(frozen=True)
class Acknowledgement:
    """A reader's word on something.

    Attributes:
        reader: Who.
        kind: What, such as `instructions.accepted`.
        version: Of what was confirmed, such as the protocol's hash.
        acknowledged_at: Time of the server.
    """

    reader: str
    kind: str
    version: str
    acknowledged_at: str


def find_acknowledgements(
    connection: Connection, reader: str | None = None
) -> tuple[Acknowledgement, ...]:
    """Give what a reader, or everybody, has confirmed, in the order of time."""
    a = acknowledgements.c
    query = select(a.reader, a.kind, a.version, a.acknowledged_at)
    if reader is not None:
        query = query.where(a.reader == reader)
    rows = connection.execute(query.order_by(a.acknowledged_at, a.reader, a.kind))
    return tuple(Acknowledgement(**row) for row in rows.mappings())


def keep_acknowledgement(
    t: Transaction, reader: str, kind: str, version: str, details: Mapping[str, object]
) -> Head:
    """Keep a reader's word, and log it."""
    row = {
        "reader": reader,
        "kind": kind,
        "version": version,
        "details": canonical_bytes(dict(details)).decode(),
        "acknowledged_at": t.now,
    }
    logged = {"version": version, **details}
    return t.keep(acknowledgements, row, kind, reader, logged)
