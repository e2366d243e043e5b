"""Codes, PINs, failed attempts, coordinators' accounts and sessions, as stored."""

from dataclasses import asdict, dataclass, replace
from typing import Any

import sqlalchemy as sa

from reader_study.store import tables
from reader_study.store.readers import as_compared


@dataclass(frozen=True)
class Code:
    """A code that lets a reader in once; only its hash is kept."""

    id: str
    reader: str
    salt: str
    code_hash: str
    issued_at: str
    expires_at: str
    used_at: str | None = None
    revoked_at: str | None = None


@dataclass(frozen=True)
class Coordinator:
    """An account; who is revoked and added again has a new one.

    Attributes:
        id: Drawn at random.
        name: Name under which the coordinator signs in and acts.
        salt: Salt of the passphrase's hash.
        code_hash: Hash of the passphrase.
        added_at: Time of the server.
        revoked_at: Since when it lets nobody in; empty if it does.
    """

    id: str
    name: str
    salt: str
    code_hash: str
    added_at: str
    revoked_at: str = ""

    @property
    def active(self) -> bool:
        """Whether the coordinator may sign in."""
        return not self.revoked_at

    def row(self) -> dict[str, object]:
        """Return the row of table `coordinators`."""
        return asdict(self)


@dataclass(frozen=True)
class Attempts:
    """Failures to sign in since the last success."""

    failures: int = 0
    blocked_until: str = ""


@dataclass(frozen=True)
class Session:
    """A session of somebody who may sign in.

    Attributes:
        id: Hash of what the browser holds.
        name: Name of the reader or coordinator.
        seen_at: Time of the last sign of somebody.
    """

    id: str
    name: str
    seen_at: str


def usable_codes(connection: sa.Connection, reader: str, now: str) -> tuple[Code, ...]:
    """Return the codes that a reader may still use."""
    c = tables.access_codes.c
    query = sa.select(tables.access_codes).where(
        c.reader == reader,
        c.used_at.is_(None),
        c.revoked_at.is_(None),
        c.expires_at > now,
    )
    return tuple(Code(**row) for row in connection.execute(query).mappings())


def use_code(connection: sa.Connection, code_id: str, now: str) -> bool:
    """Use up a code; False if somebody else was faster."""
    c = tables.access_codes.c
    unused = (c.id == code_id, c.used_at.is_(None), c.revoked_at.is_(None))
    used = connection.execute(
        sa.update(tables.access_codes).where(*unused).values(used_at=now)
    ).rowcount
    return bool(used == 1)


def revoke_codes(connection: sa.Connection, reader: str, now: str) -> int:
    """Revoke all unused codes of a reader and end the sessions.

    Returns:
        Number of codes revoked.
    """
    c = tables.access_codes.c
    revoked = connection.execute(
        sa.update(tables.access_codes)
        .where(c.reader == reader, c.used_at.is_(None), c.revoked_at.is_(None))
        .values(revoked_at=now)
    ).rowcount
    READER_SESSIONS.end_all(connection, reader, now)
    pins = tables.session_pins
    connection.execute(sa.delete(pins).where(pins.c.reader == reader))
    return int(revoked)


@dataclass(frozen=True)
class Pin:
    """What wakes a reader's session after it has ended by idleness.

    Attributes:
        session: Hash of what the browser holds, as that of the session.
        reader: Name of the reader.
        salt: Salt of the hash.
        pin_hash: Hash of the PIN.
        tries: Attempts since the session has ended.
        asleep_since: When it has ended by idleness; empty if it has not.
    """

    session: str
    reader: str
    salt: str
    pin_hash: str
    tries: int = 0
    asleep_since: str = ""

    def tried(self) -> "Pin":
        """Return it with one attempt more."""
        return replace(self, tries=self.tries + 1)


def find_pin(connection: sa.Connection, session: str) -> Pin | None:
    """Return the PIN of a session, if it has one."""
    pins = tables.session_pins
    found = connection.execute(sa.select(pins).where(pins.c.session == session))
    row = found.mappings().first()
    return Pin(**row) if row else None


def replace_pin(connection: sa.Connection, pin: Pin) -> None:
    """Keep the PIN of a session."""
    delete_pin(connection, pin.session)
    connection.execute(sa.insert(tables.session_pins), asdict(pin))


def delete_pin(connection: sa.Connection, session: str) -> None:
    """Keep the PIN of a session no more, so that nothing wakes it."""
    pins = tables.session_pins
    connection.execute(sa.delete(pins).where(pins.c.session == session))


def let_sleep(connection: sa.Connection, session: str, now: str) -> None:
    """Keep that a session has ended by idleness, if a PIN can wake it."""
    pins = tables.session_pins
    same = pins.c.session == session
    connection.execute(sa.update(pins).where(same).values(asleep_since=now))


def find_coordinator(connection: sa.Connection, name: str) -> Coordinator | None:
    """Return the active coordinator of this name; capitals do not matter."""
    wanted = as_compared(name)
    found = all_coordinators(connection)
    alike = (c for c in found if c.active and as_compared(c.name) == wanted)
    return next(alike, None)


def all_coordinators(connection: sa.Connection) -> tuple[Coordinator, ...]:
    """Return all accounts, in the order in which they were added."""
    c = tables.coordinators.c
    found = connection.execute(
        sa.select(tables.coordinators).order_by(c.added_at, c.name)
    )
    return tuple(Coordinator(**row) for row in found.mappings())


def find_attempts(connection: sa.Connection, name: str) -> Attempts:
    """Return the failures that are counted under a name."""
    found = connection.execute(
        sa.select(tables.attempts).where(tables.attempts.c.reader == name)
    )
    row = found.first()
    return Attempts(row.failures, row.blocked_until) if row else Attempts()


def replace_attempts(connection: sa.Connection, name: str, kept: Attempts) -> None:
    """Keep the failures that are counted under a name."""
    connection.execute(
        sa.delete(tables.attempts).where(tables.attempts.c.reader == name)
    )
    connection.execute(sa.insert(tables.attempts), {"reader": name, **vars(kept)})


@dataclass(frozen=True)
class Sessions:
    """The table of sessions of one kind of people.

    Attributes:
        table: The sessions.
        owner: Its column that says whose a session is.
        account: Column that `owner` refers to.
        name: Column with the name of who owns the account.
        active: Which accounts may sign in.
    """

    table: sa.Table
    owner: sa.Column[Any]
    account: sa.Column[Any]
    name: sa.Column[Any]
    active: sa.ColumnElement[bool]

    def add(
        self, connection: sa.Connection, session_id: str, account: str, now: str
    ) -> None:
        """Keep that somebody has signed in."""
        row = {self.owner.name: account, "started_at": now, "seen_at": now}
        connection.execute(sa.insert(self.table), {"id": session_id, **row})

    def find(self, connection: sa.Connection, session_id: str) -> Session | None:
        """Return a session that has not been ended, of an account that is active."""
        s = self.table.c
        query = (
            sa.select(s.id, self.name, s.seen_at)
            .join(self.account.table, self.owner == self.account)
            .where(s.id == session_id, s.ended_at.is_(None), self.active)
        )
        row = connection.execute(query).first()
        return Session(*row) if row else None

    def has(self, connection: sa.Connection, session_id: str) -> bool:
        """Whether there is or was such a session."""
        s = self.table.c
        query = sa.select(s.id).where(s.id == session_id)
        return connection.execute(query).first() is not None

    def touch(
        self, connection: sa.Connection, session_id: str, now: str, *, end: bool
    ) -> None:
        """Keep when a session was last seen, or that it has ended."""
        values = {"seen_at": now} | ({"ended_at": now} if end else {})
        same = self.table.c.id == session_id
        connection.execute(sa.update(self.table).where(same).values(**values))

    def end_all(self, connection: sa.Connection, account: str, now: str) -> int:
        """End all sessions of an account.

        Returns:
            Number of sessions ended.
        """
        running = (self.owner == account, self.table.c.ended_at.is_(None))
        ended = connection.execute(
            sa.update(self.table).where(*running).values(ended_at=now)
        ).rowcount
        return int(ended)


READER_SESSIONS = Sessions(
    table=tables.sessions,
    owner=tables.sessions.c.reader,
    account=tables.readers.c.name,
    name=tables.readers.c.name,
    active=tables.readers.c.status == "active",
)
COORDINATOR_SESSIONS = Sessions(
    table=tables.coordinator_sessions,
    owner=tables.coordinator_sessions.c.coordinator,
    account=tables.coordinators.c.id,
    name=tables.coordinators.c.name,
    active=tables.coordinators.c.revoked_at == "",
)
