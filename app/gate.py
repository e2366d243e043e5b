"""The gate of the reading server: known names of it, its own pages, and no more."""

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

SESSION = "/session"
"""Where a browser's cookie is set, kept alive and taken away."""

AHEAD = "/ahead"
"""Where a reader's browser fetches the picture of its next reading."""

SLICES = "/slices"
"""Where it fetches the slices of the stack that it shows."""

_PAGES = re.compile(
    r"/|/index\.html|/favicon\.png|/manifest\.json|/connection\.js|/static/.+|/session"
    r"|/_stcore/(?:health|host-config|stream)"
)
_WHOSE = "x-sign-in"  # as in trustedUserHeaders of the shipped configuration
_OF_STREAMLIT = "_streamlit"


@dataclass(frozen=True)
class Gate:
    """ASGI middleware that refuses what pages of the reading room never ask for.

    Streamlit also answers under paths of which the room has no use: files of any
    session, uploads, figures on memory. It takes web sockets from pages of every
    program on the reader's computer, and asks a server outside for its own address to
    find out. So it is not asked.

    Whoever presents the id of a session of Streamlit is given that session, with what
    a reader typed there. So a header tells Streamlit whose it is, and it gives it to
    nobody else; one that began without a sign-in is given to nobody.

    Attributes:
        app: What answers the others.
        further: Paths that this server has beside its pages.
    """

    app: ASGIApp
    further: frozenset[str] = frozenset()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        status = (
            _refusal(scope, self.further)
            if scope["type"] in {"http", "websocket"}
            else 0
        )
        if not status:
            await self.app(_with_owner(scope), receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await PlainTextResponse("", status)(scope, receive, send)


def is_known(host: str | None, names: Sequence[str]) -> bool:
    """Return whether a `Host` header names this server.

    Args:
        host: As the browser sent it, with or without a port.
        names: Of the server; `*.example.org` stands for all names that end so, `*` for
            any, no names at all for every host.

    Examples:
        >>> is_known("read.example.org:8443", ["read.example.org"])
        True
        >>> is_known("read.example.org@elsewhere.org", ["read.example.org"])
        False
    """
    if not names:
        return True
    try:
        parts = urlsplit(f"//{host or ''}")
        name = parts.hostname
        _ = parts.port  # raises if it is none
    except ValueError:
        return False
    further = parts.path or parts.query or parts.fragment
    if name is None or "@" in parts.netloc or further:
        return False
    name = name.lower().rstrip(".")
    return any(_fits(name, known.strip().lower().rstrip(".")) for known in names)


def _fits(name: str, known: str) -> bool:
    if known.startswith("*."):
        return name.endswith(known[1:])
    return known in ("*", name)


def _refusal(scope: Scope, further: frozenset[str]) -> int:
    headers = Headers(scope=scope)
    host = headers.get("host")
    if not is_known(host, st.get_option("server.allowedHosts")):
        return 421
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != host:
        return 403
    path = scope["path"]
    return 0 if _PAGES.fullmatch(path) or path in further else 404


def _with_owner(scope: Scope) -> Scope:
    if scope["type"] != "websocket":
        return scope
    headers = MutableHeaders(raw=list(scope["headers"]))
    sent = sorted(cookie_parser(headers.get("cookie", "")).items())
    own = [cookie for cookie in sent if not cookie[0].startswith(_OF_STREAMLIT)]
    whose = hashlib.sha256(repr(own).encode()).hexdigest()
    headers[_WHOSE] = whose if own else secrets.token_hex(32)
    return {**scope, "headers": headers.raw}
