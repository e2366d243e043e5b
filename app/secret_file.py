"""A secret that the processes of one server share, in a file closed to others."""

import contextlib
import os
import secrets
import stat
from pathlib import Path

from reader_study.errors import StudyError

_SHORTEST = 32  # letters
_ONLY_OWNER = 0o600


def shared_secret(path: Path) -> str:
    """Return the secret in a file; the first process that asks makes one.

    Args:
        path: Of the file. Nobody but its owner, or its group, may be able to read it.

    Raises:
        StudyError: If it cannot be read or made, others can read it, or it is short.
    """
    try:
        _make_unless_there(path)
        require_closed(path)
        secret = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not ASCII"
        msg = f"{path} must be a readable file with a secret, got {reason}"
        raise StudyError(msg) from error
    if len(secret) < _SHORTEST:
        msg = f"{path} must hold at least {_SHORTEST} letters, got {len(secret)}"
        raise StudyError(msg)
    return secret


def require_closed(path: Path) -> None:
    """Refuse a file that others can read, or that its group can write.

    Raises:
        StudyError: If so.
        OSError: If there is no such file.
    """
    if path.stat().st_mode & (stat.S_IRWXO | stat.S_IWGRP):
        msg = f"{path} must be closed to others, got mode {_mode(path)}"
        raise StudyError(msg)


def _make_unless_there(path: Path) -> None:
    if path.exists():
        return
    # Written aside and linked, so that a second process never reads half a secret.
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    opened = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _ONLY_OWNER)
    try:
        with os.fdopen(opened, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
        with contextlib.suppress(FileExistsError):  # another was first; its counts
            path.hardlink_to(draft)
    finally:
        draft.unlink()


def _mode(path: Path) -> str:
    return oct(stat.S_IMODE(path.stat().st_mode))
