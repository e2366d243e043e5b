"""Who is at the browser: sessions of readers and of coordinators, and what they do."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import urlsplit

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from app import state
from app.configuration import served_folders
from app.room import Room, report, served_room, served_rooms
from app.words import say
from reader_study.errors import StaleReadingError, StudyError
from reader_study.reading.answers import AnswersError
from reader_study.running import access
from reader_study.running.access import AccessError

_LONGEST = 1000  # bytes of a request

Act = Callable[[Room, str], None]
"""Does something in the name of who is signed in."""


@dataclass(frozen=True, kw_only=True)
class Role:
    """Whom a server lets in."""

    name: str
    """As messages call somebody of the role."""

    access: access.Role
    """What the library knows of the role."""

    cookie: str
    """Holds the secret of a session. A browser sends its cookies to every port of a
    machine, so that each role has its own."""

    ended: str
    """Message to who acts when the session has ended."""

    failed: str
    """Message when the store cannot be used."""

    idle_of_protocol: bool = False
    """Whether the protocol says how long a session lasts without a sign of somebody."""

    names_faults: bool = False
    """Whether an action that fails shows the library's own message instead: it says
    what must be typed."""

    @property
    def idle_seconds(self) -> float:
        """How long a session lasts without a sign of somebody, unless set otherwise."""
        return self.access.idle.total_seconds()

    def idle_in(self, room: Room) -> timedelta:
        """Return how long a session of a study lasts without a sign of somebody."""
        hours = room.study.protocol.idle_hours
        return timedelta(hours=hours) if self.idle_of_protocol else self.access.idle

    def room_of(self, secret: str) -> Room:
        """Return the room whose study gave a secret out; the only one, if it is.

        Raises:
            AccessError: If several studies are served and none of them did.
            StudyError: If a store cannot be used.
        """
        if len(served_folders()) == 1:
            return served_room()
        faults = []
        for room in served_rooms() if secret else ():
            try:
                if access.is_session_of(room.store, secret, role=self.access):
                    return room
            except StudyError as error:  # it may be that of another
                faults.append(error)
        raise faults[0] if faults else AccessError(self.access.ended)

    def room_named(self, name: str, given: str) -> Room:
        """Return the room of the study that a code names; the only one, if it is.

        A code from before codes named a study is that of who is called so in one study
        alone. No other study is asked, counts a failure or logs one.

        Raises:
            AccessError: If there is no such study.
            StudyError: If a store cannot be used.
        """
        if len(served_folders()) == 1:
            return served_room()
        rooms = served_rooms()
        named = [
            room
            for room in rooms
            if access.names_study(given, room.study.manifest.study_id)
        ]
        if len(named) != 1:
            named = [r for r in named or rooms if self._knows(r, name)]
        if len(named) != 1:
            raise access.refuse(given, self.access)
        return named[0]

    def _knows(self, room: Room, name: str) -> bool:
        return access.may_sign_in(room.store, name, clock=room.clock, role=self.access)

    def sign_in(self, room: Room, name: str, given: str) -> str:
        """Return the secret of a new session.

        Raises:
            AccessError: If name and code, or passphrase, do not fit.
            StudyError: If the store cannot be used.
        """
        signed_in = access.sign_in(
            room.store, name, given, clock=room.clock, role=self.access
        )
        return signed_in.secret

    def accepts_pin(self, room: Room) -> bool:
        """Whether a PIN of one's own may be set, and wakes a session."""
        return self.idle_of_protocol and room.study.protocol.pin

    def resume(self, room: Room, secret: str, *, alive: bool = True) -> str:
        """Return the name of whose session it is.

        Raises:
            AccessError: If it has ended or never was.
            StudyError: If the store cannot be used.
        """
        return access.resume(
            room.store,
            secret,
            clock=room.clock,
            role=replace(self.access, idle=self.idle_in(room)),
            alive=alive,
        )

    def sign_out(self, room: Room, secret: str) -> None:
        """End a session.

        Raises:
            StudyError: If the store cannot be used.
        """
        access.sign_out(room.store, secret, clock=room.clock, role=self.access)


READER = Role(
    name="reader",
    access=access.READER,
    cookie="reading_session",
    ended="Your session has ended. What was saved is kept; please sign in again.",
    failed="This could not be stored. Please try again, or tell the coordinator.",
    idle_of_protocol=True,
)

COORDINATOR = Role(
    name="coordinator",
    access=access.COORDINATOR,
    cookie="monitor_session",
    ended="Your session has ended; nothing was changed. Please sign in again.",
    failed="The study cannot be used at the moment. Please try again.",
    names_faults=True,
)


def secret_of_browser(role: Role) -> str:
    """Return what the browser sent when it connected; empty if nothing.

    The session of Streamlit is not asked: whoever presents its id takes it over.
    """
    return st.context.cookies.to_dict().get(role.cookie, "")


def room_at_browser(role: Role) -> Room:
    """Return the room of who is, or was, signed in; the only one, if it is.

    Raises:
        AccessError: If several studies are served, and the browser is in none.
        StudyError: If a store cannot be used.
    """
    return role.room_of(secret_of_browser(role))


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
        msg = f"A {role.name} must be signed in"
        raise AccessError(msg)
    return role.resume(room, secret, alive=alive)


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
        room = room_at_browser(role)
        act(room, require_signed_in(room, role))
    except AccessError:
        state.notify(say(role.ended))
    except (AnswersError, StaleReadingError) as error:
        state.notify(f"{error}.")
    except StudyError as error:
        report(error)
        state.notify(f"{error}." if role.names_faults else say(role.failed))
    else:
        return True
    return False


def leave(role: Role) -> None:
    """End the session at the browser, also where the store cannot be used."""
    handoff = state.handoff()
    try:
        room = room_at_browser(role)
        role.sign_out(room, secret_of_browser(role))
    except StudyError as error:
        report(error)
    handoff.secret = ""


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
        answer = await run_in_threadpool(self._answer, request.method, secret)
        if request.method == "POST" and answer.status_code == 204:
            give_secret(answer, request, cookie, secret)
        answer.headers["Cache-Control"] = "no-store"
        return answer

    def _answer(self, method: str, secret: str) -> Response:
        try:
            room = self.role.room_of(secret)
            if method == "DELETE":
                self.role.sign_out(room, secret)
            else:
                self.role.resume(room, secret)
        except AccessError:
            if method != "DELETE":
                return Response(status_code=401)
        answer = Response(status_code=204)
        if method == "DELETE":
            answer.delete_cookie(self.role.cookie, httponly=True, samesite="strict")
        return answer


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
