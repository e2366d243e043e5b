"""Readers of a study as the store keeps them."""

import re
from dataclasses import asdict, dataclass
from enum import StrEnum

from sqlalchemy import Connection, select

from reader_study.store.tables import readers

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")


class Status(StrEnum):
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
        specialty: Such as `neuroradiology`.
        years: Years of experience.
        added_at: Time of the server.
        status: Whether the reader takes part.
        reason: Why not, if so.
        replaces: Reader whose slot this one has taken over; empty if none.
        simulated: Whether this is a bot.
    """

    name: str
    slot: str
    specialty: str
    years: float
    added_at: str
    status: Status = Status.ACTIVE
    reason: str = ""
    replaces: str = ""
    simulated: bool = False

    @property
    def active(self) -> bool:
        """Whether the reader takes part."""
        return self.status is Status.ACTIVE

    def row(self) -> dict[str, object]:
        """Give the row of table `readers`."""
        return asdict(self) | {"status": self.status.value, "years": float(self.years)}


def is_reader_name(name: str) -> bool:
    """Whether a reader may be called so: letters, digits, `_`, `.` and `-`."""
    return _NAME.fullmatch(name) is not None


def find_reader(connection: Connection, name: str) -> Reader | None:
    """Give the reader of this name, if there is one."""
    found = connection.execute(select(readers).where(readers.c.name == name))
    row = found.mappings().first()
    return _reader(dict(row)) if row else None


def all_readers(connection: Connection) -> tuple[Reader, ...]:
    """Give all readers, in the order in which they were added."""
    found = connection.execute(
        select(readers).order_by(readers.c.added_at, readers.c.name)
    )
    return tuple(_reader(dict(row)) for row in found.mappings())


def _reader(row: dict[str, object]) -> Reader:
    return Reader(**row | {"status": Status(str(row["status"]))})  # type: ignore[arg-type]
