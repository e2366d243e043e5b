"""Readers of a study, and what they have confirmed, as stored."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum

from sqlalchemy import Connection, select

from reader_study.formats.canonical import canonical_bytes
from reader_study.store.stored import stored_word
from reader_study.store.tables import acknowledgements, reader_sites, readers
from reader_study.store.transaction import Head, Transaction

_NAME = re.compile(r"[^\W_][\w.-]{0,39}")


@dataclass(frozen=True)
class Acknowledgement:
    """A reader's word on something.

    Attributes:
        reader: Name of the reader.
        kind: What was confirmed, such as `instructions.accepted`.
        version: Version of it, such as the protocol's hash.
        acknowledged_at: Time of the server.
    """

    reader: str
    kind: str
    version: str
    acknowledged_at: str


def find_acknowledgements(
    connection: Connection, reader: str | None = None
) -> tuple[Acknowledgement, ...]:
    """Return what a reader, or everybody, has confirmed, in the order of time."""
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


class ReaderStatus(StrEnum):
    """Whether a reader takes part."""

    ACTIVE = "active"
    EXCLUDED = "excluded"
    REPLACED = "replaced"


@dataclass(frozen=True)
class Reader:
    """A reader.

    Attributes:
        name: Short name, as in responses.csv.
        slot: Place in the design, which gives the presentation orders.
        specialty: Specialty, such as `neuroradiology`.
        years: Years of experience.
        added_at: Time of the server.
        status: Whether the reader takes part.
        reason: Reason why not, if so.
        replaces: Reader whose slot this one has taken over; empty if none.
        simulated: Whether this is a bot.
        site: Where the reader reads, in a study of several hospitals; empty if not
            given.
    """

    name: str
    slot: str
    specialty: str
    years: float
    added_at: str
    status: ReaderStatus = ReaderStatus.ACTIVE
    reason: str = ""
    replaces: str = ""
    simulated: bool = False
    site: str = ""

    @property
    def active(self) -> bool:
        """Whether the reader takes part."""
        return self.status is ReaderStatus.ACTIVE

    def row(self) -> dict[str, object]:
        """Return the row of table `readers`."""
        row = asdict(self) | {"status": self.status.value, "years": float(self.years)}
        del row["site"]  # has a table of its own, see `keep_site`
        return row


def is_reader_name(name: str) -> bool:
    """Whether a reader may be called so: letters, digits, `_`, `.` and `-`."""
    return _NAME.fullmatch(unicodedata.normalize("NFC", name)) is not None


def as_compared(name: str) -> str:
    """Return a name as names are compared: capitals do not count.

    Nor does how an accented letter is put together, which differs between keyboards.

    Examples:
        >>> as_compared("Müller") == as_compared("MU\u0308LLER")
        True
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def find_reader(connection: Connection, name: str) -> Reader | None:
    """Return the reader of this name, if there is one."""
    found = connection.execute(select(readers).where(readers.c.name == name))
    row = found.mappings().first()
    return _reader(dict(row)) if row else None


def match_reader(connection: Connection, name: str) -> Reader | None:
    """Return the reader who is called so, whatever the capitals."""
    exact = find_reader(connection, name)
    wanted = as_compared(name)
    alike = [r for r in all_readers(connection) if as_compared(r.name) == wanted]
    alike.sort(key=lambda reader: not reader.active)
    return exact or next(iter(alike), None)


def all_readers(connection: Connection) -> tuple[Reader, ...]:
    """Return all readers, in the order in which they were added."""
    found = connection.execute(
        select(readers).order_by(readers.c.added_at, readers.c.name)
    )
    rows = connection.execute(select(reader_sites))
    sites = {row.reader: row.site for row in rows}
    there = [_reader(dict(row)) for row in found.mappings()]
    return tuple(replace(r, site=sites.get(r.name, "")) for r in there)


def keep_site(t: Transaction, reader: str, site: str, by: str) -> None:
    """Keep where a reader reads, once."""
    details = {"reader": reader, "site": site}
    t.keep(reader_sites, details, "reader.site", by, details)


def _reader(row: dict[str, object]) -> Reader:
    where = f"readers [{row['name']!r}]"
    status = stored_word(ReaderStatus, row["status"], where)
    return Reader(**row | {"status": status})  # type: ignore[arg-type]
