"""Coordinators and their sessions, as the store keeps them."""

from dataclasses import asdict, dataclass

from sqlalchemy import Connection, func, insert, select, update

from reader_study.store.tables import coordinator_sessions, coordinators


@dataclass(frozen=True)
class Coordinator:
    """An account; who is revoked and added again has a new one.

    Attributes:
        id: Drawn at random.
        name: Under which the coordinator signs in and acts.
        salt: Of the passphrase's hash.
        code_hash: Of the passphrase.
        added_at: Time of the server.
        revoked_at: Since when it opens nothing; empty if it does.
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
        """Give the row of table `coordinators`."""
        return asdict(self)


@dataclass(frozen=True)
class Seen:
    """A session of an active coordinator.

    Attributes:
        id: Hash of what the browser holds.
        name: Of the coordinator.
        seen_at: When there was a last sign of somebody.
    """

    id: str
    name: str
    seen_at: str


def find_coordinator(connection: Connection, name: str) -> Coordinator | None:
    """Give the active coordinator of this name; capitals do not matter."""
    query = select(coordinators).where(
        func.lower(coordinators.c.name) == name.lower(),
        coordinators.c.revoked_at == "",
    )
    row = connection.execute(query).mappings().first()
    return Coordinator(**row) if row else None


def all_coordinators(connection: Connection) -> tuple[Coordinator, ...]:
    """Give all accounts, in the order in which they were added."""
    c = coordinators.c
    found = connection.execute(select(coordinators).order_by(c.added_at, c.name))
    return tuple(Coordinator(**row) for row in found.mappings())


def add_session(
    connection: Connection, session_id: str, coordinator: Coordinator, now: str
) -> None:
    """Keep that a coordinator has signed in."""
    row = {"coordinator": coordinator.id, "started_at": now, "seen_at": now}
    connection.execute(insert(coordinator_sessions), {"id": session_id, **row})


def find_session(connection: Connection, session_id: str) -> Seen | None:
    """Give a session that has not been ended, of a coordinator who is active."""
    s, c = coordinator_sessions.c, coordinators.c
    query = (
        select(s.id, c.name, s.seen_at)
        .join(coordinators, s.coordinator == c.id)
        .where(s.id == session_id, s.ended_at.is_(None), c.revoked_at == "")
    )
    row = connection.execute(query).mappings().first()
    return Seen(**row) if row else None


def touch_session(
    connection: Connection, session_id: str, now: str, *, end: bool
) -> None:
    """Keep when a session was last seen, or that it has ended."""
    values = {"seen_at": now} | ({"ended_at": now} if end else {})
    same = coordinator_sessions.c.id == session_id
    connection.execute(update(coordinator_sessions).where(same).values(**values))


def end_sessions(connection: Connection, coordinator: Coordinator, now: str) -> int:
    """End all sessions of a coordinator.

    Returns:
        How many there were.
    """
    s = coordinator_sessions.c
    running = (s.coordinator == coordinator.id, s.ended_at.is_(None))
    ended = connection.execute(
        update(coordinator_sessions).where(*running).values(ended_at=now)
    ).rowcount
    return int(ended)
