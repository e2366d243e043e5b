"""One-time codes of readers; the store keeps their hashes only."""

import hashlib
import secrets
from datetime import timedelta

from reader_study.clock import Clock, from_text, to_text
from reader_study.errors import StudyError
from reader_study.store.codes import Code, revoke_codes
from reader_study.store.readers import find_reader
from reader_study.store.store import Store
from reader_study.store.tables import access_codes

CODE_DAYS = 14.0
"""How long a code may be used unless said otherwise."""

_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # none that look alike
_LENGTH = 16  # 78 bits
_SCRYPT_COST = 2**14


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
    code = new_code()
    salt = secrets.token_hex(16)
    hashed = hash_code(code, salt)
    with store.writing(clock) as t:
        found = find_reader(t.connection, reader)
        if found is None or not found.active:
            msg = f"A code must be for an active reader, got {reader!r}"
            raise StudyError(msg)
        expires = to_text(from_text(t.now) + timedelta(days=days))
        row = Code(secrets.token_hex(8), reader, salt, hashed, t.now, expires)
        details = {"reader": reader, "expires_at": expires}
        t.keep(access_codes, vars(row), "code.issued", by, details)
    return code


def revoke(store: Store, reader: str, *, by: str, clock: Clock) -> int:
    """Make a reader's unused codes worthless and end the sessions.

    Returns:
        How many codes were revoked.
    """
    with store.writing(clock) as t:
        number = revoke_codes(t.connection, reader, t.now)
        t.log("code.revoked", by, {"reader": reader, "codes": number})
    return number


def new_code() -> str:
    """Draw a code, in groups of four letters."""
    letters = [secrets.choice(_ALPHABET) for _ in range(_LENGTH)]
    return "-".join("".join(letters[i : i + 4]) for i in range(0, _LENGTH, 4))


def hash_code(code: str, salt: str) -> str:
    """Give the scrypt hash of a code as typed: case and dashes do not matter."""
    typed = "".join(letter for letter in code[:100].upper() if letter in _ALPHABET)
    return hashlib.scrypt(
        typed.encode(), salt=bytes.fromhex(salt), n=_SCRYPT_COST, r=8, p=1
    ).hex()
