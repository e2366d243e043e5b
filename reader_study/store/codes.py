"""Access codes, failed attempts and sessions, as the store keeps them."""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from reader_study.store.tables import access_codes, attempts, sessions


@dataclass(frozen=True)
class Code:
    """A code that was given to a reader; only its hash is kept."""

    id: str
    reader: str
    salt: str
    code_hash: str
    issued_at: str
    expires_at: str
    used_at: str | None = None
    revoked_at: str | None = None


@dataclass(frozen=True)
class Attempts:
    """Failures to sign in since the last success."""

    failures: int = 0
    blocked_until: str = ""


@dataclass(frozen=True)
class Session:
    """A reader who has signed in."""

    id: str
    reader: str
    started_at: str
    seen_at: str
    ended_at: str | None = None


def usable_codes(connection: Connection, reader: str, now: str) -> tuple[Code, ...]:
    """Give the codes that a reader may still use."""
    c = access_codes.c
    query = select(access_codes).where(
        c.reader == reader,
        c.used_at.is_(None),
        c.revoked_at.is_(None),
        c.expires_at > now,
    )
    return tuple(Code(**row) for row in connection.execute(query).mappings())


def use_code(connection: Connection, code_id: str, now: str) -> bool:
    """Use up a code; False if somebody else was faster."""
    c = access_codes.c
    unused = (c.id == code_id, c.used_at.is_(None), c.revoked_at.is_(None))
    used = connection.execute(
        update(access_codes).where(*unused).values(used_at=now)
    ).rowcount
    return bool(used == 1)


def revoke_codes(connection: Connection, reader: str, now: str) -> int:
    """Make all unused codes of a reader worthless and end the sessions."""
    c, s = access_codes.c, sessions.c
    revoked = connection.execute(
        update(access_codes)
        .where(c.reader == reader, c.used_at.is_(None), c.revoked_at.is_(None))
        .values(revoked_at=now)
    ).rowcount
    connection.execute(
        update(sessions)
        .where(s.reader == reader, s.ended_at.is_(None))
        .values(ended_at=now)
    )
    return int(revoked)


def find_attempts(connection: Connection, reader: str) -> Attempts:
    """Give the failures of a reader, or of all together for an empty name."""
    found = connection.execute(select(attempts).where(attempts.c.reader == reader))
    row = found.first()
    return Attempts(row.failures, row.blocked_until) if row else Attempts()


def replace_attempts(connection: Connection, reader: str, kept: Attempts) -> None:
    """Keep the failures of a reader, or of all together for an empty name."""
    connection.execute(delete(attempts).where(attempts.c.reader == reader))
    connection.execute(insert(attempts), {"reader": reader, **vars(kept)})


def add_session(connection: Connection, session: Session) -> None:
    """Keep that a reader has signed in."""
    connection.execute(insert(sessions), vars(session))


def find_session(connection: Connection, session_id: str) -> Session | None:
    """Give a session that has not been ended."""
    query = select(sessions).where(
        sessions.c.id == session_id, sessions.c.ended_at.is_(None)
    )
    row = connection.execute(query).mappings().first()
    return Session(**row) if row else None


def touch_session(
    connection: Connection, session_id: str, now: str, *, end: bool
) -> None:
    """Keep when a session was last seen, or that it has ended."""
    values = {"seen_at": now} | ({"ended_at": now} if end else {})
    connection.execute(
        update(sessions).where(sessions.c.id == session_id).values(**values)
    )
