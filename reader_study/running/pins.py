"""A reader's own PIN, which wakes a session that has ended by idleness.

It is set when a code lets in, belongs to that one session, and is worth nothing without
the secret that the same browser holds. A wrong PIN is counted before it is compared;
after a few the session cannot be woken, and a new code is needed.
"""

import hmac
import secrets
from datetime import timedelta
from itertools import pairwise

from reader_study.clock import Clock, from_text
from reader_study.running import access
from reader_study.running.access import AccessError, SignedIn
from reader_study.store import access as stored
from reader_study.store.readers import find_reader
from reader_study.store.store import Store
from reader_study.store.transaction import Transaction

PIN_TRIES = 5
"""Wrong PINs after which a code is needed."""

PIN_DAYS = 14.0
"""How long a session can be woken after it has ended by idleness."""

_LEAST, _MOST = 6, 12
_OVER = "The PIN lets in no more; sign in with a new code"


def check_pin(pin: str) -> str:
    """Return a PIN as it is kept, without blanks.

    Raises:
        AccessError: If it is not 6 to 12 digits, or one that is tried first.

    Examples:
        >>> check_pin("40 71 93")
        '407193'
    """
    digits = "".join(pin.split())
    plain = digits.isascii() and digits.isdigit()
    if not plain or not _LEAST <= len(digits) <= _MOST:
        msg = f"A PIN must be {_LEAST} to {_MOST} digits"
        raise AccessError(msg)
    steps = {int(b) - int(a) for a, b in pairwise(digits)}
    if len(steps) == 1 and steps <= {-1, 0, 1}:
        msg = "A PIN must not be one digit again and again, or digits in their order"
        raise AccessError(msg)
    return digits


def set_pin(store: Store, secret: str, pin: str, *, clock: Clock) -> None:
    """Keep a PIN for a session that is running; only its hash is kept.

    Args:
        store: Store of the study.
        secret: What the reader's browser holds.
        pin: As the reader has chosen it.
        clock: The server's clock.

    Raises:
        AccessError: If it is no PIN, or the session has ended.
    """
    digits, salt = check_pin(pin), secrets.token_hex(16)
    hashed = access.scrypt_hash(digits, salt)
    session = access.hash_secret(secret)
    with store.writing(clock) as t:
        running = stored.READER_SESSIONS.find(t.connection, session)
        if running is None:
            raise AccessError(access.READER.ended)
        stored.replace_pin(
            t.connection, stored.Pin(session, running.name, salt, hashed)
        )
        t.log("session.pin_set", running.name, {"session": session[:16]})


def reader_asleep(store: Store, secret: str, *, clock: Clock) -> str | None:
    """Return whose session a PIN can wake at this browser; None if there is none."""
    with store.reading() as connection:
        pin = stored.find_pin(connection, access.hash_secret(secret))
        if pin is None or not _may_wake(pin, clock):
            return None
        reader = find_reader(connection, pin.reader)
    return pin.reader if reader and reader.active else None


def wake(store: Store, secret: str, pin: str, *, clock: Clock) -> SignedIn:
    """Let a reader back in, with a new secret for the browser and the same PIN.

    Args:
        store: Store of the study.
        secret: What the browser holds of the session that has ended by idleness.
        pin: As typed.
        clock: The server's clock.

    Raises:
        AccessError: If the PIN is wrong, or the session cannot be woken.
    """
    session = access.hash_secret(secret)
    with store.writing(clock) as t:
        kept = _require_asleep(t, session, clock)
        # Counted before the compare, so that many at once gain nothing.
        kept = kept.tried()
        stored.replace_pin(t.connection, kept)
    hashed = access.scrypt_hash("".join(pin[:100].split()), kept.salt)
    fits = hmac.compare_digest(hashed, kept.pin_hash)
    with store.writing(clock) as t:
        if fits and stored.find_pin(t.connection, session) is not None:
            stored.delete_pin(t.connection, session)
            woken = access.start_session(t, kept.reader, {"how": "pin"})
            same = stored.Pin(
                access.hash_secret(woken), kept.reader, kept.salt, kept.pin_hash
            )
            stored.replace_pin(t.connection, same)
            return SignedIn(kept.reader, woken)
        left = PIN_TRIES - kept.tries
        if left <= 0:
            stored.delete_pin(t.connection, session)
        t.log("session.refused", kept.reader, {"how": "pin", "tries_left": left})
    raise AccessError(f"The PIN is wrong; {left} tries left" if left > 0 else _OVER)


def _require_asleep(t: Transaction, session: str, clock: Clock) -> stored.Pin:
    pin = stored.find_pin(t.connection, session)
    reader = find_reader(t.connection, pin.reader) if pin else None
    if pin is None or not _may_wake(pin, clock) or reader is None or not reader.active:
        raise AccessError(_OVER)
    return pin


def _may_wake(pin: stored.Pin, clock: Clock) -> bool:
    if not pin.asleep_since or pin.tries >= PIN_TRIES:
        return False
    return clock.now() - from_text(pin.asleep_since) < timedelta(days=PIN_DAYS)
