"""Access of readers and coordinators: secrets, attempts to sign in, and sessions.

A reader's code lets in once, to the reading room. A coordinator's passphrase opens the
monitor as often as needed, until it is revoked; it opens no reading. Everything else is
one mechanism, with a `Role` that says where it counts, logs and keeps sessions.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import product

from sqlalchemy import Connection

from reader_study.clock import Clock, from_text, to_text
from reader_study.errors import StudyError
from reader_study.reading.answers import check_reason
from reader_study.store import access
from reader_study.store.milestones import find_milestones
from reader_study.store.readers import (
    as_compared,
    find_reader,
    is_reader_name,
    match_reader,
)
from reader_study.store.store import Store
from reader_study.store.tables import access_codes, coordinators
from reader_study.store.transaction import Transaction

IDLE_HOURS = 12.0
"""A reader's session ends after this long without a sign of the reader, unless the
protocol says otherwise."""

IDLE_MINUTES = 30.0
"""A coordinator's session ends after this long without a sign of the coordinator."""

CODE_DAYS = 14.0
"""How long a reader's code may be used unless said otherwise."""

_FREE_FAILURES = {False: 5, True: 50}  # of one person; of all of a role together
_LONGEST_BLOCK = {False: 900.0, True: 60.0}  # seconds; strangers must not shut all out
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # none that look alike
_LENGTH = 16  # 78 bits, 12 of which name the study
_TAILS = tuple("".join(tail) for tail in product(_ALPHABET, repeat=3))
_SCRYPT_COST = 2**14


class AccessError(StudyError):
    """Somebody is not let in; the message does not say which part was wrong."""


@dataclass(frozen=True)
class SignedIn:
    """Somebody who was let in.

    Attributes:
        name: Name of the reader or coordinator.
        secret: What the browser keeps; the store knows its hash only.
    """

    name: str
    secret: str


@dataclass(frozen=True)
class _Account:
    """Somebody who may sign in, with the hashes of what lets in."""

    id: str
    name: str
    codes: tuple[access.Code, ...]


@dataclass(frozen=True)
class Role:
    """A kind of people who sign in.

    Attributes:
        find: Returns the account of a name, if it may sign in now.
        claim: Whether a secret that fitted still lets in; a code is used up by that.
        sessions: Where the store keeps the sessions.
        idle: How long a session lasts without a sign of somebody.
        events: Prefix of what the log calls events of sessions.
        counted: Prefix of names under which failures are counted; alone, all together.
        refusal: Message to who is not let in.
        ended: Message to whose session has ended.
    """

    find: Callable[[Connection, str, str], _Account | None]
    claim: Callable[[Transaction, _Account, access.Code], bool]
    sessions: access.Sessions
    idle: timedelta
    events: str
    counted: str
    refusal: str
    ended: str


def sign_in(
    store: Store, name: str, secret: str, *, clock: Clock, role: Role | None = None
) -> SignedIn:
    """Let somebody in: a reader by a code, a coordinator by the passphrase.

    Args:
        store: Store of the study.
        name: Name as typed.
        secret: Code or passphrase as typed.
        clock: The server's clock.
        role: `READER` or `COORDINATOR`; None for a reader.

    Raises:
        AccessError: If they do not fit, or there were too many attempts.
    """
    role = role or READER
    # A name that is none may be a code typed into the wrong field: nobody's.
    name = name if is_reader_name(name) else ""
    counted = role.counted + as_compared(name)
    with store.writing(clock) as t:
        _refuse_if_blocked(t, counted, role.counted)
        account = role.find(t.connection, name, t.now)
        # Counted before the compare, so that many at once gain nothing.
        _count_failure(t, role.counted, everybody=True)
        if account is not None:
            _count_failure(t, counted)
    fitting = _fitting_code(secret, account.codes if account else ())
    with store.writing(clock) as t:
        if account and fitting and role.claim(t, account, fitting):
            for key in (counted, role.counted):
                access.replace_attempts(t.connection, key, access.Attempts())
            return SignedIn(account.name, _start(t, role, account, {}))
        t.log(f"{role.events}refused", account.name if account else "", {})
    raise AccessError(role.refusal)


def sign_in_verified(
    store: Store, reader: str, *, how: str, account: str, clock: Clock
) -> str:
    """Let in a reader whom somebody else has recognised, such as a hospital.

    Args:
        store: Store of the study.
        reader: Name of who was recognised; empty if nobody of this study.
        how: Who recognised, as the log has it.
        account: Pseudonym of what was recognised, as the log has it.
        clock: The server's clock.

    Returns:
        What the reader's browser keeps; the store knows its hash only.

    Raises:
        AccessError: If this is no active reader.
    """
    details: dict[str, object] = {"how": how, "account": account}
    with store.writing(clock) as t:
        found = match_reader(t.connection, reader) if is_reader_name(reader) else None
        if found and found.active:
            return start_session(t, found.name, details)
        t.log(f"{READER.events}refused", found.name if found else "", details)
    msg = "The account must belong to an active reader"
    raise AccessError(msg)


def resume(
    store: Store,
    secret: str,
    *,
    clock: Clock,
    role: Role | None = None,
    alive: bool = True,
) -> str:
    """Return the name of who owns a session, and keep it alive.

    Args:
        store: Store of the study.
        secret: What the browser holds.
        clock: The server's clock.
        role: `READER` or `COORDINATOR`; None for a reader.
        alive: Whether this is a sign of somebody, which keeps the session alive; a
            page that refreshes itself is none.

    Raises:
        AccessError: If the session has ended or never was.
    """
    role = role or READER
    with store.reading() as connection:
        session = role.sessions.find(connection, hash_secret(secret))
    if session is not None:
        since = clock.now() - from_text(session.seen_at)
        enough = timedelta(minutes=1) if alive else role.idle
        if timedelta(0) <= since < enough or _touch(store, session, clock, role):
            return session.name
    raise AccessError(role.ended)


def is_session_of(store: Store, secret: str, *, role: Role) -> bool:
    """Whether a browser's secret was given out by a study, ended or not."""
    with store.reading() as connection:
        return role.sessions.has(connection, hash_secret(secret))


def may_sign_in(store: Store, name: str, *, clock: Clock, role: Role) -> bool:
    """Whether somebody of a name may sign in to a study; compares no secret."""
    if not is_reader_name(name):
        return False
    with store.reading() as connection:
        return role.find(connection, name, to_text(clock.now())) is not None


def refuse(secret: str, role: Role) -> AccessError:
    """Return the refusal of who fits no study, after the time of a comparison."""
    _fitting_code(secret, ())
    return AccessError(role.refusal)


def sign_out(
    store: Store, secret: str, *, clock: Clock, role: Role | None = None
) -> None:
    """End a session; one that has ended stays so."""
    role = role or READER
    with store.writing(clock) as t:
        access.delete_pin(t.connection, hash_secret(secret))
        session = role.sessions.find(t.connection, hash_secret(secret))
        if session is not None:
            role.sessions.touch(t.connection, session.id, t.now, end=True)
            t.log(f"{role.events}ended", session.name, {"session": session.id[:16]})


def issue_code(
    store: Store, reader: str, *, by: str, clock: Clock, days: float = CODE_DAYS
) -> str:
    """Make a code that lets a reader in once.

    Returns:
        The code, to be handed to the reader; it is not kept.

    Raises:
        StudyError: If there is no such active reader, or `days` is not positive.
    """
    if not 0 < days <= 366:
        msg = f"A code must be valid for more than 0 and at most 366 days, got {days}"
        raise StudyError(msg)
    code = _new_code(_study_of(store))
    salt = secrets.token_hex(16)
    hashed = _hash_code(code, salt)
    with store.writing(clock) as t:
        found = find_reader(t.connection, reader)
        if found is None or not found.active:
            msg = f"A code must be for an active reader, got {reader!r}"
            raise StudyError(msg)
        expires = to_text(from_text(t.now) + timedelta(days=days))
        row = access.Code(secrets.token_hex(8), reader, salt, hashed, t.now, expires)
        details = {"reader": reader, "expires_at": expires}
        t.keep(access_codes, vars(row), "code.issued", by, details)
    return code


def revoke_reader_codes(store: Store, reader: str, *, by: str, clock: Clock) -> int:
    """Revoke a reader's unused codes and end the sessions.

    Returns:
        Number of codes revoked.
    """
    with store.writing(clock) as t:
        number = access.revoke_codes(t.connection, reader, t.now)
        t.log("code.revoked", by, {"reader": reader, "codes": number})
    return number


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
    passphrase, salt = _new_code(_study_of(store)), secrets.token_hex(16)
    hashed = _hash_code(passphrase, salt)
    with store.writing(clock) as t:
        if access.find_coordinator(t.connection, name) is not None:
            msg = f"There is a coordinator {name} already; revoke that one first"
            raise StudyError(msg)
        added = access.Coordinator(secrets.token_hex(8), name, salt, hashed, t.now)
        details = {"coordinator": name}
        t.keep(coordinators, added.row(), "coordinator.added", actor, details)
    return passphrase


def revoke_coordinator(store: Store, name: str, *, by: str, clock: Clock) -> int:
    """Close an account and end its sessions; what was done with it stays in the log.

    Returns:
        Number of sessions ended.

    Raises:
        StudyError: If there is no such active coordinator.
    """
    actor = check_reason(by)
    with store.writing(clock) as t:
        found = access.find_coordinator(t.connection, name)
        if found is None:
            msg = f"{name!r} must be an active coordinator"
            raise StudyError(msg)
        closed = replace(found, revoked_at=t.now)
        ended = access.COORDINATOR_SESSIONS.end_all(t.connection, found.id, t.now)
        details = {"coordinator": found.name, "sessions": ended}
        t.change(coordinators, closed.row(), "coordinator.revoked", actor, details)
    return ended


# -- The two roles


def _reader_account(connection: Connection, name: str, now: str) -> _Account | None:
    found = match_reader(connection, name)
    if found is None or not found.active:
        return None
    codes = access.usable_codes(connection, found.name, now)
    return _Account(found.name, found.name, codes)


def _claim_code(t: Transaction, _: _Account, code: access.Code) -> bool:
    return access.use_code(t.connection, code.id, t.now)


def _coordinator_account(
    connection: Connection, name: str, _now: str
) -> _Account | None:
    found = access.find_coordinator(connection, name)
    if found is None:
        return None
    c = found
    code = access.Code(c.id, c.name, c.salt, c.code_hash, c.added_at, "")
    return _Account(c.id, c.name, (code,))


def _is_current(t: Transaction, account: _Account, _: access.Code) -> bool:
    return _coordinator_account(t.connection, account.name, t.now) == account


READER = Role(
    find=_reader_account,
    claim=_claim_code,
    sessions=access.READER_SESSIONS,
    idle=timedelta(hours=IDLE_HOURS),
    events="session.",
    counted="",
    refusal="Name and code do not fit, or the code was used or has expired",
    ended="The session has ended; sign in with a new code",
)
COORDINATOR = Role(
    find=_coordinator_account,
    claim=_is_current,
    sessions=access.COORDINATOR_SESSIONS,
    idle=timedelta(minutes=IDLE_MINUTES),
    events="coordinator.session_",
    counted="coordinator:",  # no reader can be called so
    refusal="Name and passphrase do not fit",
    ended="The session has ended; sign in again",
)


# -- Sessions


def start_session(t: Transaction, reader: str, details: dict[str, object]) -> str:
    """Begin a session of a reader who was recognised; return the browser's secret."""
    return _start(t, READER, _Account(reader, reader, ()), details)


def _start(
    t: Transaction, role: Role, account: _Account, details: dict[str, object]
) -> str:
    secret = secrets.token_urlsafe(32)
    session_id = hash_secret(secret)
    role.sessions.add(t.connection, session_id, account.id, t.now)
    logged = {"session": session_id[:16], **details}
    t.log(f"{role.events}started", account.name, logged)
    return secret


def _touch(store: Store, seen: access.Session, clock: Clock, role: Role) -> bool:
    """Keep a session alive, or end it; False if it is over."""
    with store.writing(clock) as t:
        session = role.sessions.find(t.connection, seen.id)
        if session is None:
            return False
        over = from_text(t.now) - from_text(session.seen_at) >= role.idle
        role.sessions.touch(t.connection, seen.id, t.now, end=over)
        if over:
            access.let_sleep(t.connection, seen.id, t.now)
            details = {"session": seen.id[:16]}
            t.log(f"{role.events}expired", session.name, details)
    return not over


def hash_secret(secret: str) -> str:
    """Return what the store keeps of the secret that a browser holds."""
    return hashlib.sha256(secret.encode()).hexdigest()


# -- Attempts


def _refuse_if_blocked(t: Transaction, *names: str) -> None:
    for name in names:
        blocked = access.find_attempts(t.connection, name).blocked_until
        if blocked > t.now:
            seconds = (from_text(blocked) - from_text(t.now)).total_seconds()
            msg = f"Too many attempts; try again in {seconds:.0f} s"
            raise AccessError(msg)


def _count_failure(t: Transaction, name: str, *, everybody: bool = False) -> None:
    """Count a failure under a name, more leniently if it stands for everybody."""
    failures = access.find_attempts(t.connection, name).failures + 1
    beyond = failures - _FREE_FAILURES[everybody]
    longest = _LONGEST_BLOCK[everybody]
    seconds = min(2.0 ** min(beyond, 20), longest) if beyond >= 0 else 0.0
    until = to_text(from_text(t.now) + timedelta(seconds=seconds))
    access.replace_attempts(t.connection, name, access.Attempts(failures, until))


# -- Codes


def names_study(code: str, study_id: str) -> bool:
    """Whether a code, as typed, may be one of a study.

    Every code that is issued names its study; one in 4,096 names another one as well.
    It says so without a letter more, so that a server of several studies asks none but
    the right one whether the code lets in. Codes of version 0.1 name none.
    """
    found = hashlib.sha256(f"{study_id} {_letters(code)}".encode()).digest()
    return found[0] == 0 and found[1] < 16


def _study_of(store: Store) -> str:
    with store.reading() as connection:
        found = find_milestones(connection)
    return str(found[0].details.get("study_id", "")) if found else ""


def _new_code(study_id: str) -> str:
    """Draw a code that names a study, in groups of four letters."""
    letters = ""
    while not letters:
        head = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH - 3))
        begin = secrets.randbelow(len(_TAILS))
        tails = _TAILS[begin:] + _TAILS[:begin]
        tried = (head + tail for tail in tails)
        letters = next((code for code in tried if names_study(code, study_id)), "")
    return "-".join(letters[i : i + 4] for i in range(0, _LENGTH, 4))


def _hash_code(code: str, salt: str) -> str:
    """Return the scrypt hash of a code as typed: case and dashes do not matter."""
    return scrypt_hash(_letters(code), salt)


def _letters(code: str) -> str:
    return "".join(letter for letter in code[:100].upper() if letter in _ALPHABET)


def scrypt_hash(typed: str, salt: str) -> str:
    """Return what the store keeps of something that a person types."""
    return hashlib.scrypt(
        typed.encode(), salt=bytes.fromhex(salt), n=_SCRYPT_COST, r=8, p=1
    ).hex()


def _fitting_code(code: str, codes: tuple[access.Code, ...]) -> access.Code | None:
    """Compare with every code, and with one at least, in the same time."""
    fitting = None
    for candidate in codes or (access.Code("", "", "00", "", "", ""),):
        hashed = _hash_code(code, candidate.salt)
        if hmac.compare_digest(hashed, candidate.code_hash):
            fitting = candidate
    return fitting
