"""Which account of a hospital is which reader; pure."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

DISCOVERY = "/.well-known/openid-configuration"
"""How the address of a provider's metadata ends (OpenID Connect Discovery 1.0, 4)."""

LOGIN, CALLBACK = "/oidc/login", "/oidc/callback"
"""Paths of the reading server where a sign-in begins, and where it comes back."""

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
        claim: Of the provider's identity token; an e-mail counts if it is verified.
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

    def value_of(self, claims: Mapping[str, object]) -> str:
        """Give the value that tells who it is; empty if there is none."""
        value = claims.get(self.claim)
        return normal(value, self.claim) if isinstance(value, str) else ""

    def reader_of(self, claims: Mapping[str, object], *, begun: float) -> str | Refusal:
        """Give the reader of an identity token whose signature has been checked.

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
    """Give a claim's value as it is compared: an e-mail's capitals do not count."""
    return value.strip().casefold() if claim == EMAIL else value
