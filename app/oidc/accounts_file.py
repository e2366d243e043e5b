"""The file that says which hospital account is which reader, outside the study."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Never
from urllib.parse import urlsplit

from app.configuration import LOOPBACK
from app.oidc.accounts import CALLBACK, DISCOVERY, EMAIL, Accounts, normal
from app.secret_file import require_closed
from reader_study.errors import StudyError
from reader_study.formats.checking import line_of
from reader_study.store.readers import is_reader_name

_ADDRESSES = {"metadata_url": DISCOVERY, "redirect_uri": CALLBACK}
_REQUIRED = (*_ADDRESSES, "client_id", "client_secret")
_KNOWN = {"provider": (*_REQUIRED, "claim"), "readers": None}
_PRINTABLE = re.compile(r"[!-~]+")


def read_accounts(path: Path) -> Accounts:
    """Read and check the file.

    Raises:
        StudyError: If others can read it, or it cannot be used; file and line are
            named, and no secret.
    """
    try:
        require_closed(path)
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        msg = f"{path} must be a readable file, got {reason}"
        raise StudyError(msg) from error
    return parse_accounts(text, str(path))


def parse_accounts(text: str, where: str) -> Accounts:
    """Make accounts of the text of the file.

    Args:
        text: In TOML.
        where: Name of the file, which errors begin with.

    Raises:
        StudyError: If a key is unknown or missing, or a value cannot be used.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        msg = f"{where}: {error}"
        raise StudyError(msg) from error
    source = _Source(text, where)
    source.require_known(content)
    settings = source.settings(content.get("provider", {}))
    claim = settings.get("claim", EMAIL)
    readers = source.readers(content.get("readers", {}), claim)
    return Accounts(**settings, readers=readers)


class _Source:
    """The text, for messages that name the line."""

    def __init__(self, text: str, where: str) -> None:
        self.text, self.where = text, where

    def fail(self, path: tuple[str, ...], message: str) -> Never:
        msg = f"{self.where}, line {line_of(self.text, path)}: {message}"
        raise StudyError(msg)

    def require_known(self, content: Mapping[str, Any]) -> None:
        for table, values in content.items():
            if table not in _KNOWN or not isinstance(values, dict):
                self.fail((table,), f"must be [provider] or [readers], got {table}")
            known = _KNOWN[table]
            for key in values:
                if known is not None and key not in known:
                    allowed = ", ".join(known)
                    self.fail((table, key), f"{key} must be one of {allowed}")

    def settings(self, given: Mapping[str, Any]) -> dict[str, str]:
        for key in _REQUIRED:
            if key not in given:
                self.fail(("provider",), f"[provider] must have {key}")
        for key, value in given.items():
            # The value is not shown: it may be the secret.
            if not isinstance(value, str) or not _PRINTABLE.fullmatch(value):
                self.fail(("provider", key), f"{key} must be a text without spaces")
        for key, ending in _ADDRESSES.items():
            self.require_address(key, given[key], ending)
        return dict(given)

    def require_address(self, key: str, address: str, ending: str) -> None:
        try:
            parts = urlsplit(address)
            host, path = parts.hostname, parts.path
        except ValueError:
            host, path, parts = None, "", urlsplit("")
        safe = parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)
        right = path.endswith(ending) if key == "metadata_url" else path == ending
        if not (safe and host and right) or parts.query or parts.fragment:
            message = f"{key} must be https://.../{ending[1:]}, got {address}"
            self.fail(("provider", key), message)

    def readers(self, given: Mapping[str, Any], claim: str) -> dict[str, str]:
        if not given:
            self.fail(("readers",), "[readers] must name an account and its reader")
        found: dict[str, str] = {}
        for account, reader in given.items():
            path, value = ("readers", account), normal(account, claim)
            if not isinstance(reader, str) or not is_reader_name(reader):
                self.fail(path, f"an account must have a reader's name, got {reader!r}")
            if not value or value in found:
                self.fail(path, "an account must be there once, and not be empty")
            if reader in found.values():
                self.fail(path, f"{reader} must have one account, got a second")
            found[value] = reader
        return found
