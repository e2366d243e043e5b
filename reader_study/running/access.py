"""Access: attempts to sign in with a code, and sessions that end by themselves."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta

from reader_study.clock import Clock, from_text, to_text
from reader_study.errors import StudyError
from reader_study.running.access_codes import hash_code
from reader_study.store.codes import (
    Attempts,
    Code,
    Session,
    add_session,
    find_attempts,
    find_session,
    replace_attempts,
    touch_session,
    usable_codes,
    use_code,
)
from reader_study.store.readers import find_reader, is_reader_name
from reader_study.store.store import Store
from reader_study.store.transaction import Transaction

IDLE_HOURS = 2.0
"""After this long without a sign of the reader a session ends."""

_EVERYBODY = ""
_FREE_FAILURES = {False: 5, True: 50}  # of one reader; of all together
_LONGEST_BLOCK = {False: 900.0, True: 60.0}  # seconds; strangers must not shut all out


class AccessError(StudyError):
    """A reader is not let in; the message does not say which part was wrong."""


@dataclass(frozen=True)
class SignedIn:
    """A reader who was let in.

    Attributes:
        reader: Who.
        secret: What the reader's browser keeps; the store knows its hash only.
    """

    reader: str
    secret: str


def sign_in(store: Store, reader: str, code: str, *, clock: Clock) -> SignedIn:
    """Let a reader in with a code, which is used up by that.

    Raises:
        AccessError: If the code is not good, or there were too many attempts.
    """
    if not is_reader_name(reader):
        reader = _EVERYBODY
    with store.writing(clock) as t:
        refuse_if_blocked(t, reader, _EVERYBODY)
        found = find_reader(t.connection, reader)
        known = found is not None and found.active
        codes = usable_codes(t.connection, reader, t.now) if known else ()
        # Counted before the compare, so that many at once gain nothing.
        count_failure(t, _EVERYBODY, everybody=True)
        if known:
            count_failure(t, reader)
    fitting = fitting_code(code, codes)
    with store.writing(clock) as t:
        if fitting is None or not use_code(t.connection, fitting.id, t.now):
            # A name that is none may be a code typed into the wrong field.
            t.log("session.refused", reader if known else "", {})
            refused = True
        else:
            refused = False
            replace_attempts(t.connection, reader, Attempts())
            replace_attempts(t.connection, _EVERYBODY, Attempts())
            secret = _start(t, reader, {})
    if refused:
        msg = "Name and code do not fit, or the code was used or has expired"
        raise AccessError(msg)
    return SignedIn(reader, secret)


def admit(store: Store, reader: str, *, how: str, account: str, clock: Clock) -> str:
    """Let in a reader whom somebody else has recognised, such as a hospital.

    Args:
        store: Of the study.
        reader: Who was recognised; empty if nobody of this study.
        how: Who recognised, as the log has it.
        account: Pseudonym of what was recognised, as the log has it.
        clock: Of the server.

    Returns:
        What the reader's browser keeps; the store knows its hash only.

    Raises:
        AccessError: If this is no active reader.
    """
    details: dict[str, object] = {"how": how, "account": account}
    with store.writing(clock) as t:
        found = find_reader(t.connection, reader) if is_reader_name(reader) else None
        secret = _start(t, reader, details) if found and found.active else ""
        if not secret:
            t.log("session.refused", reader if found else "", details)
    if not secret:
        msg = "The account must belong to an active reader"
        raise AccessError(msg)
    return secret


def resume(store: Store, secret: str, *, clock: Clock) -> str:
    """Give the reader of a session and keep it alive.

    Raises:
        AccessError: If the session has ended or never was.
    """
    session_id = hash_secret(secret)
    with store.reading() as connection:
        session = find_session(connection, session_id)
        known = find_reader(connection, session.reader) if session else None
    if session and known and known.active and _seen_just_now(session, clock):
        return session.reader
    with store.writing(clock) as t:
        session = find_session(t.connection, session_id)
        known = find_reader(t.connection, session.reader) if session else None
        if session is not None and known is not None and known.active:
            idle = from_text(t.now) - from_text(session.seen_at)
            over = idle > timedelta(hours=IDLE_HOURS)
            touch_session(t.connection, session_id, t.now, end=over)
            if not over:
                return session.reader
            t.log("session.expired", session.reader, {"session": session_id[:16]})
    msg = "The session has ended; sign in with a new code"
    raise AccessError(msg)


def sign_out(store: Store, secret: str, *, clock: Clock) -> None:
    """End a session; one that has ended stays so."""
    session_id = hash_secret(secret)
    with store.writing(clock) as t:
        session = find_session(t.connection, session_id)
        if session is not None:
            touch_session(t.connection, session_id, t.now, end=True)
            t.log("session.ended", session.reader, {"session": session_id[:16]})


def _start(t: Transaction, reader: str, details: dict[str, object]) -> str:
    secret = secrets.token_urlsafe(32)
    session = Session(hash_secret(secret), reader, t.now, t.now)
    add_session(t.connection, session)
    t.log("session.started", reader, {"session": session.id[:16], **details})
    return secret


def _seen_just_now(session: Session, clock: Clock) -> bool:
    since = clock.now() - from_text(session.seen_at)
    return timedelta(0) <= since < timedelta(minutes=1)


def refuse_if_blocked(t: Transaction, *names: str) -> None:
    """Refuse who has to wait after too many failures.

    Raises:
        AccessError: If one of the names under which failures are counted must wait.
    """
    for name in names:
        blocked = find_attempts(t.connection, name).blocked_until
        if blocked > t.now:
            seconds = (from_text(blocked) - from_text(t.now)).total_seconds()
            msg = f"Too many attempts; try again in {seconds:.0f} s"
            raise AccessError(msg)


def count_failure(t: Transaction, name: str, *, everybody: bool = False) -> None:
    """Count a failure under a name, more leniently if it stands for everybody."""
    failures = find_attempts(t.connection, name).failures + 1
    beyond = failures - _FREE_FAILURES[everybody]
    longest = _LONGEST_BLOCK[everybody]
    seconds = min(2.0 ** min(beyond, 20), longest) if beyond >= 0 else 0.0
    until = to_text(from_text(t.now) + timedelta(seconds=seconds))
    replace_attempts(t.connection, name, Attempts(failures, until))


def fitting_code(code: str, codes: tuple[Code, ...]) -> Code | None:
    """Compare with every code, and with one at least, in the same time."""
    fitting = None
    for candidate in codes or (Code("", "", "00", "", "", ""),):
        hashed = hash_code(code, candidate.salt)
        if hmac.compare_digest(hashed, candidate.code_hash):
            fitting = candidate
    return fitting


def hash_secret(secret: str) -> str:
    """Give what the store keeps of the secret that a browser holds."""
    return hashlib.sha256(secret.encode()).hexdigest()
