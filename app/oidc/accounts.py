"""The accounts of a hospital that let readers in, and the file that names them."""

import hashlib
import hmac
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, Never
from urllib.parse import urlsplit

from app.configuration import ACCOUNTS, LOOPBACK, StrPath, as_path
from app.secret_file import require_closed
from reader_study.errors import StudyError
from reader_study.formats.checking import line_of
from reader_study.store.readers import is_reader_name

DISCOVERY = "/.well-known/openid-configuration"
"""How the address of a provider's metadata ends (OpenID Connect Discovery 1.0, 4)."""

LOGIN, CALLBACK = "/oidc/login", "/oidc/callback"
"""Paths of the reading server where a sign-in begins, and where it comes back."""

NOTICE = "account"
"""Name in the sign-in page's address under which a refusal is told."""

EMAIL = "email"

_SKEW = 120.0  # seconds by which the provider's clock may differ


class Refusal(StrEnum):
    """Why an account does not let its owner in."""

    FAILED = "failed"
    EARLIER = "earlier"
    UNVERIFIED = "unverified"
    UNKNOWN = "unknown"


SENTENCES = {
    Refusal.FAILED: "The sign-in with the hospital account was not completed. Please "
    "try again, or use a code.",
    Refusal.EARLIER: "The hospital's page let an earlier sign-in through and did not "
    "ask who you are. Please sign out there and try again.",
    Refusal.UNVERIFIED: "The hospital has not confirmed the e-mail address of this "
    "account. Please tell the coordinator.",
    Refusal.UNKNOWN: "This account does not belong to an active reader of this study. "
    "Please tell the coordinator.",
}
"""What the sign-in page says of each refusal."""


@dataclass(frozen=True)
class Accounts:
    """Accounts of one provider that let readers in.

    Attributes:
        metadata_url: Of the provider, ends with `DISCOVERY`.
        client_id: Under which the provider knows this server.
        client_secret: Shared with the provider.
        redirect_uri: Of `CALLBACK`, as browsers know it.
        readers: Reader of each value of the claim.
        claim: Of the identity token, else of UserInfo; an e-mail counts if verified.
    """

    metadata_url: str
    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str
    readers: Mapping[str, str]
    claim: str = EMAIL

    @property
    def issuer(self) -> str:
        """Who must have issued an identity token."""
        return self.metadata_url.removesuffix(DISCOVERY)

    @property
    def host(self) -> str:
        """Name by which browsers know this server."""
        return urlsplit(self.redirect_uri).hostname or ""

    @property
    def scope(self) -> str:
        """What the provider is asked to tell."""
        return "openid email" if self.claim == EMAIL else "openid profile"

    @property
    def asked_claims(self) -> tuple[str, ...]:
        """What must be known of who signs in, beside the subject."""
        return (EMAIL, "email_verified") if self.claim == EMAIL else (self.claim,)

    def value_of(self, claims: Mapping[str, object]) -> str:
        """Return the value that tells who it is; empty if there is none."""
        value = claims.get(self.claim)
        return normal(value, self.claim) if isinstance(value, str) else ""

    def reader_of(self, claims: Mapping[str, object], *, begun: float) -> str | Refusal:
        """Return the reader of an identity token whose signature has been checked.

        Args:
            claims: Of the token.
            begun: When the browser was sent to the provider, in seconds of Unix.

        Examples:
            >>> url = "https://login.example.org" + DISCOVERY
            >>> a = Accounts(url, "id", "secret", "", {"a@example.org": "anna"})
            >>> a.reader_of({"email": "A@example.org", "email_verified": True}, begun=0)
            'anna'
            >>> a.reader_of({"email": "A@example.org"}, begun=0)
            <Refusal.UNVERIFIED: 'unverified'>
        """
        signed_in = claims.get("auth_time")
        if isinstance(signed_in, int | float) and signed_in < begun - _SKEW:
            return Refusal.EARLIER
        if self.claim == EMAIL and claims.get("email_verified") is not True:
            return Refusal.UNVERIFIED
        return self.readers.get(self.value_of(claims), Refusal.UNKNOWN)

    def pseudonym_of(self, claims: Mapping[str, object]) -> str:
        """Name an account in the log; who lacks the secret cannot guess whose it is."""
        key, value = self.client_secret.encode(), self.value_of(claims).encode()
        return hmac.new(key, value, hashlib.sha256).hexdigest()[:16]


def normal(value: str, claim: str) -> str:
    """Return a claim's value as it is compared: an e-mail's capitals do not count."""
    return value.strip().casefold() if claim == EMAIL else value


_ADDRESSES = {"metadata_url": DISCOVERY, "redirect_uri": CALLBACK}
_REQUIRED = (*_ADDRESSES, "client_id", "client_secret")
_KNOWN = {"provider": (*_REQUIRED, "claim"), "readers": None}
_PRINTABLE = re.compile(r"[!-~]+")


def read_accounts(path: StrPath) -> Accounts:
    """Read and check the file.

    Raises:
        StudyError: If others can read it, or it cannot be used; file and line are
            named, and no secret.
        TypeError: If `path` is no path.
    """
    path = as_path(path, "path")
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


def accounts_for(study: Path, path: Path, hosts: Sequence[str]) -> Accounts:
    """Read the accounts and check that they fit the server.

    Args:
        study: Folder of the study, which is copied around and must hold no secret.
        path: Of the file.
        hosts: Names under which the server answers.

    Raises:
        StudyError: If the file cannot be used, or lies in the study.
    """
    if path.resolve().is_relative_to(study.resolve()):
        msg = f"{path} must lie outside the study, got a path in {study}"
        raise StudyError(msg)
    accounts = read_accounts(path)
    if accounts.host not in hosts:
        names = " or ".join(hosts)
        msg = f"{path}: redirect_uri must name {names}, got {accounts.host}"
        raise StudyError(msg)
    return accounts


@cache
def served_accounts() -> Accounts | None:
    """Return the accounts of the file that the environment names; read once.

    Raises:
        StudyError: If it cannot be used.
    """
    path = os.environ.get(ACCOUNTS)
    return read_accounts(Path(path)) if path else None
