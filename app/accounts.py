"""Who is at the browser: sessions of readers and of coordinators, and what they do."""

import hashlib
import json
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
from app.room import Room, report, served_room
from reader_study.clock import Clock
from reader_study.errors import StudyError
from reader_study.reading.answers import AnswersError
from reader_study.reading.reading import StaleReadingError
from reader_study.running import access, coordinators
from reader_study.running.access import AccessError
from reader_study.store.store import Store

PATH = "/session"
"""Where a browser's cookie is set, kept alive and taken away."""

_LONGEST = 1000  # bytes of a request

Act = Callable[[Room, str], None]
"""Does something in the name of who is signed in."""


class _SignIn(Protocol):
    def __call__(self, store: Store, name: str, given: str, /, *, clock: Clock) -> str:
        """Check a name and its code or passphrase; return the session's secret."""
        ...


class _Resume(Protocol):
    def __call__(
        self, store: Store, secret: str, /, *, clock: Clock, alive: bool = True
    ) -> str:
        """Return whose session a secret belongs to, or raise AccessError."""
        ...


class _SignOut(Protocol):
    def __call__(self, store: Store, secret: str, /, *, clock: Clock) -> object:
        """End the session of a secret."""
        ...


@dataclass(frozen=True, kw_only=True)
class Role:
    """Whom a server lets in."""

    cookie: str
    """Holds the secret of a session. A browser sends its cookies to every port of a
    machine, so that each role has its own."""

    idle_hours: float
    """After so long without a sign of somebody, a session has ended."""

    sign_in: _SignIn
    resume: _Resume
    sign_out: _SignOut

    ended: str
    """Is said to who acts when the session has ended."""

    failed: str
    """Is said when something cannot be done."""

    names_faults: bool
    """Whether the library's words are shown instead: they say what must be typed."""


def _sign_in_reader(store: Store, name: str, code: str, /, *, clock: Clock) -> str:
    return access.sign_in(store, name, code, clock=clock).secret


def _resume_reader(
    store: Store, secret: str, /, *, clock: Clock, alive: bool = True
) -> str:
    del alive  # a reader's page asks only when somebody is there
    return access.resume(store, secret, clock=clock)


READER = Role(
    cookie="reading_session",
    idle_hours=access.IDLE_HOURS,
    sign_in=_sign_in_reader,
    resume=_resume_reader,
    sign_out=access.sign_out,
    ended="Your session has ended. What was saved is kept; please sign in again.",
    failed="This could not be stored. Please try again, or tell the coordinator.",
    names_faults=False,
)

COORDINATOR = Role(
    cookie="monitor_session",
    idle_hours=coordinators.IDLE_MINUTES / 60,
    sign_in=coordinators.sign_in,
    resume=coordinators.resume,
    sign_out=coordinators.sign_out,
    ended="Your session has ended; nothing was changed. Please sign in again.",
    failed="The study cannot be used at the moment. Please try again.",
    names_faults=True,
)


def secret_of_browser(role: Role) -> str:
    """Return what the browser sent when it connected; empty if nothing.

    The session of Streamlit is not asked: whoever presents its id takes it over.
    """
    return st.context.cookies.to_dict().get(role.cookie, "")


def require_signed_in(room: Room, role: Role, *, alive: bool = True) -> str:
    """Return the name of who is signed in at this moment.

    Args:
        room: The study.
        role: Of whom; a session of the other role does not count.
        alive: Whether this is a sign of somebody, which keeps the session alive.

    Raises:
        AccessError: If nobody is.
        StudyError: If the store cannot be used.
    """
    secret = secret_of_browser(role)
    if not secret:
        msg = "Somebody must be signed in"
        raise AccessError(msg)
    return role.resume(room.store, secret, clock=room.clock, alive=alive)


def require_coordinator(room: Room, *, alive: bool = False) -> str:
    """Return the coordinator who is signed in, as `require_signed_in` does."""
    return require_signed_in(room, COORDINATOR, alive=alive)


def reader_at_browser(room: Room) -> str | None:
    """Return the reader who is signed in and keep the session alive; None if nobody.

    Raises:
        StudyError: If the store cannot be used.
    """
    try:
        return require_signed_in(room, READER)
    except AccessError:
        return None


def sign_in_version() -> str:
    """Name this sign-in of a reader as the log does, without its secret."""
    return hashlib.sha256(secret_of_browser(READER).encode()).hexdigest()[:16]


def perform(act: Act, role: Role = READER) -> bool:
    """Do something for whoever is signed in at this moment.

    Returns:
        Whether it was done. If not, the next page says why.
    """
    try:
        room = served_room()
        act(room, require_signed_in(room, role))
    except AccessError:
        state.notify(role.ended)
    except (AnswersError, StaleReadingError) as error:
        state.notify(f"{error}.")
    except StudyError as error:
        report(error)
        state.notify(f"{error}." if role.names_faults else role.failed)
    else:
        return True
    return False


def leave(role: Role) -> None:
    """End the session at the browser, also where the store cannot be used."""
    try:
        room = served_room()
        role.sign_out(room.store, secret_of_browser(role), clock=room.clock)
    except StudyError as error:
        report(error)
    state.hand_off("")


@dataclass(frozen=True)
class SessionRoute:
    """Turns a sign-in into a cookie, keeps it alive, and ends it.

    Attributes:
        role: Whose sessions it keeps.
    """

    role: Role

    async def answer(self, request: Request) -> Response:
        """Answer 204 to who is signed in, 401 to others, 403 to other sites."""
        if not _same_site(request):
            return Response(status_code=403)
        cookie = self.role.cookie
        secret = request.cookies.get(cookie, "")
        if request.method == "POST":
            secret = _secret_in(await request.body())
        room, method = served_room(), request.method
        answer = await run_in_threadpool(self._answer, room, method, secret)
        if request.method == "POST" and answer.status_code == 204:
            give_secret(answer, request, cookie, secret)
        answer.headers["Cache-Control"] = "no-store"
        return answer

    def route(self) -> Route:
        """Return the route, to be served beside the pages."""
        return Route(PATH, self.answer, methods=["GET", "POST", "DELETE"])

    def _answer(self, room: Room, method: str, secret: str) -> Response:
        if method == "DELETE":
            self.role.sign_out(room.store, secret, clock=room.clock)
            gone = Response(status_code=204)
            gone.delete_cookie(self.role.cookie, httponly=True, samesite="strict")
            return gone
        try:
            self.role.resume(room.store, secret, clock=room.clock)
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
