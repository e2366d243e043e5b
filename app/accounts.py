"""Who sits at the browser: told by a cookie that no script of a page can read."""

import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app import state
from app.room import Room, served_room
from reader_study.clock import Clock
from reader_study.errors import StudyError
from reader_study.reading.answers import AnswersError
from reader_study.reading.reading import StaleReadingError
from reader_study.running.access import AccessError, resume, sign_out
from reader_study.store.store import Store

COOKIE = "reading_session"


def secret_of_browser() -> str:
    """Give what the browser sent when it connected; empty if nothing.

    The session of Streamlit is not asked: whoever presents its id takes it over.
    """
    return st.context.cookies.to_dict().get(COOKIE, "")


def reader_at_browser(room: Room) -> str | None:
    """Give the reader who is signed in and keep the session alive; None if nobody.

    Raises:
        StudyError: If the store cannot be used.
    """
    secret = secret_of_browser()
    if not secret:
        return None
    try:
        return resume(room.store, secret, clock=room.clock)
    except AccessError:
        return None


def sign_in_version() -> str:
    """Name this sign-in as the log does, without giving its secret away."""
    return hashlib.sha256(secret_of_browser().encode()).hexdigest()[:16]


ENDED = "Your session has ended. What was saved is kept; please sign in again."
FAILED = "This could not be stored. Please try again, or tell the coordinator."

Act = Callable[[Room, str], None]
"""Does something for a reader in the reading room."""


def perform(act: Act) -> bool:
    """Do something for whoever is signed in at this moment.

    Returns:
        Whether it was done. If not, the next page says why.
    """
    try:
        room = served_room()
        reader = reader_at_browser(room)
        if reader is None:
            state.notify(ENDED)
            return False
        act(room, reader)
    except (AnswersError, StaleReadingError) as error:
        state.notify(f"{error}.")
        return False
    except StudyError as error:
        report(error)
        state.notify(FAILED)
        return False
    return True


def report(error: StudyError) -> None:
    """Tell the server's operator; a page shows no message that may hold a path."""
    sys.stderr.write(f"magic-app: {error}\n")


PATH = "/session"
_LONGEST = 1000  # bytes of a request


class _Access(Protocol):
    """Resumes or ends the session that a browser's secret belongs to."""

    def __call__(self, store: Store, secret: str, *, clock: Clock) -> object:
        """Do so for the session of a secret."""
        ...


@dataclass(frozen=True)
class Door:
    """Whose sessions a route keeps.

    Attributes:
        cookie: Name of the cookie that holds the secret.
        resume: Keeps a session alive, or raises AccessError.
        sign_out: Ends it.
    """

    cookie: str
    resume: _Access
    sign_out: _Access

    async def session(self, request: Request) -> Response:
        """Answer 204 to who is signed in, 401 to others, 403 to other sites."""
        if not _same_site(request):
            return Response(status_code=403)
        secret = request.cookies.get(self.cookie, "")
        if request.method == "POST":
            secret = _secret_in(await request.body())
        room, method = served_room(), request.method
        answer = await run_in_threadpool(self._answer, room, method, secret)
        if request.method == "POST" and answer.status_code == 204:
            give_secret(answer, request, self.cookie, secret)
        answer.headers["Cache-Control"] = "no-store"
        return answer

    def route(self) -> Route:
        """Give the route, to be served beside the pages."""
        return Route(PATH, self.session, methods=["GET", "POST", "DELETE"])

    def _answer(self, room: Room, method: str, secret: str) -> Response:
        if method == "DELETE":
            self.sign_out(room.store, secret, clock=room.clock)
            gone = Response(status_code=204)
            gone.delete_cookie(self.cookie, httponly=True, samesite="strict")
            return gone
        try:
            self.resume(room.store, secret, clock=room.clock)
        except AccessError:
            return Response(status_code=401)
        return Response(status_code=204)


def give_secret(answer: Response, request: Request, cookie: str, secret: str) -> None:
    """Let the browser keep a secret where no script of a page can read it."""
    scheme = request.headers.get("x-forwarded-proto", request.url.scheme)
    answer.set_cookie(
        cookie, secret, httponly=True, samesite="strict", secure=scheme == "https"
    )


def _same_site(request: Request) -> bool:
    origin = request.headers.get("origin")
    if origin is None:
        return request.method == "GET"
    return urlsplit(origin).netloc == request.headers.get("host")


def _secret_in(body: bytes) -> str:
    try:
        given = json.loads(body[:_LONGEST])
    except ValueError:
        return ""
    secret = given.get("secret") if isinstance(given, dict) else None
    return secret if isinstance(secret, str) and secret.isascii() else ""


ROUTE = Door(COOKIE, resume, sign_out).route()
