"""Coordinators: who may watch a study, and their sessions at the monitor.

An account opens the monitor as often as needed, until it is revoked. It opens no
reading; a reader's code opens no monitor.
"""

import secrets
from dataclasses import replace
from datetime import timedelta

from reader_study.clock import Clock, from_text
from reader_study.errors import StudyError
from reader_study.reading.answers import check_reason
from reader_study.running.access import (
    AccessError,
    count_failure,
    fitting_code,
    hash_secret,
    refuse_if_blocked,
)
from reader_study.running.access_codes import hash_code, new_code
from reader_study.store.codes import Attempts, Code, replace_attempts
from reader_study.store.coordinators import (
    Coordinator,
    Seen,
    add_session,
    end_sessions,
    find_coordinator,
    find_session,
    touch_session,
)
from reader_study.store.readers import is_reader_name
from reader_study.store.store import Store
from reader_study.store.tables import coordinators

IDLE_MINUTES = 30.0
"""After this long without a sign of the coordinator a session ends."""

_PREFIX = "coordinator:"  # no reader can be called so
_EVERYBODY = _PREFIX


def add_coordinator(store: Store, name: str, *, by: str, clock: Clock) -> str:
    """Open an account.

    Returns:
        Its passphrase, to be handed over; only a hash of it is kept.

    Raises:
        StudyError: If the name cannot be used or is taken.
    """
    if not is_reader_name(name):
        msg = f"A coordinator's name must be letters, digits, _ . -, got {name!r}"
        raise StudyError(msg)
    actor = check_reason(by)
    passphrase, salt = new_code(), secrets.token_hex(16)
    hashed = hash_code(passphrase, salt)
    with store.writing(clock) as t:
        if find_coordinator(t.connection, name) is not None:
            msg = f"There is a coordinator {name} already; revoke that one first"
            raise StudyError(msg)
        added = Coordinator(secrets.token_hex(8), name, salt, hashed, t.now)
        details = {"coordinator": name}
        t.keep(coordinators, added.row(), "coordinator.added", actor, details)
    return passphrase


def revoke_coordinator(store: Store, name: str, *, by: str, clock: Clock) -> int:
    """Close an account and end its sessions; what was done with it stays in the log.

    Returns:
        How many sessions were ended.

    Raises:
        StudyError: If there is no such active coordinator.
    """
    actor = check_reason(by)
    with store.writing(clock) as t:
        found = find_coordinator(t.connection, name)
        if found is None:
            msg = f"{name!r} must be an active coordinator"
            raise StudyError(msg)
        closed = replace(found, revoked_at=t.now)
        ended = end_sessions(t.connection, found, t.now)
        details = {"coordinator": found.name, "sessions": ended}
        t.change(coordinators, closed.row(), "coordinator.revoked", actor, details)
    return ended


def sign_in(store: Store, name: str, passphrase: str, *, clock: Clock) -> str:
    """Let a coordinator in.

    Returns:
        What the coordinator's browser keeps; the store knows its hash only.

    Raises:
        AccessError: If name and passphrase do not fit, or there were too many attempts.
    """
    # Anything that is no name is counted, and logged, as nobody's.
    name = name if is_reader_name(name) else ""
    counted = _PREFIX + name.lower()
    with store.writing(clock) as t:
        refuse_if_blocked(t, counted, _EVERYBODY)
        found = find_coordinator(t.connection, name)
        # Counted before the compare, so that many at once gain nothing.
        count_failure(t, _EVERYBODY, everybody=True)
        if found is not None:
            count_failure(t, counted)
    fits = fitting_code(passphrase, _as_codes(found)) is not None
    secret = secrets.token_urlsafe(32)
    with store.writing(clock) as t:
        still = find_coordinator(t.connection, name)
        if fits and still is not None and still == found:
            add_session(t.connection, hash_secret(secret), still, t.now)
            for key in (counted, _EVERYBODY):
                replace_attempts(t.connection, key, Attempts())
            details = {"session": hash_secret(secret)[:16]}
            t.log("coordinator.session_started", still.name, details)
            return secret
        t.log("coordinator.session_refused", found.name if found else "", {})
    msg = "Name and passphrase do not fit"
    raise AccessError(msg)


def resume(store: Store, secret: str, *, clock: Clock, alive: bool = True) -> str:
    """Give the name of the coordinator of a session.

    Args:
        store: Of the study.
        secret: What the browser holds.
        clock: The server's clock.
        alive: Whether this is a sign of somebody, which keeps the session alive; a
            page that refreshes itself is none.

    Raises:
        AccessError: If the session has ended or never was.
    """
    session_id = hash_secret(secret)
    with store.reading() as connection:
        session = find_session(connection, session_id)
    if session is not None:
        since = clock.now() - from_text(session.seen_at)
        enough = timedelta(minutes=1 if alive else IDLE_MINUTES)
        if timedelta(0) <= since < enough:
            return session.name
        if _touch(store, session, clock):
            return session.name
    msg = "The session has ended; sign in again"
    raise AccessError(msg)


def sign_out(store: Store, secret: str, *, clock: Clock) -> None:
    """End a session; one that has ended stays so."""
    session_id = hash_secret(secret)
    with store.writing(clock) as t:
        session = find_session(t.connection, session_id)
        if session is not None:
            touch_session(t.connection, session_id, t.now, end=True)
            details = {"session": session_id[:16]}
            t.log("coordinator.session_ended", session.name, details)


def _touch(store: Store, seen: Seen, clock: Clock) -> bool:
    """Keep a session alive, or end it; False if it is over."""
    with store.writing(clock) as t:
        session = find_session(t.connection, seen.id)
        if session is None:
            return False
        idle = from_text(t.now) - from_text(session.seen_at)
        over = idle >= timedelta(minutes=IDLE_MINUTES)
        touch_session(t.connection, seen.id, t.now, end=over)
        if over:
            details = {"session": seen.id[:16]}
            t.log("coordinator.session_expired", session.name, details)
    return not over


def _as_codes(found: Coordinator | None) -> tuple[Code, ...]:
    if found is None:
        return ()
    c = found
    return (Code(c.id, c.name, c.salt, c.code_hash, c.added_at, ""),)
