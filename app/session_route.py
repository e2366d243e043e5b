"""The route that turns a sign-in into a cookie, keeps it alive, and ends it."""

import json
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.identity import COOKIE
from app.room import Room, served_room
from reader_study.running.access import READER, AccessError, Role, resume, sign_out

PATH = "/session"
_LONGEST = 1000  # bytes of a request


@dataclass(frozen=True)
class Door:
    """Whose sessions a route keeps.

    Attributes:
        cookie: Name of the cookie that holds the secret.
        role: Of who signs in.
    """

    cookie: str
    role: Role

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
            sign_out(room.store, secret, clock=room.clock, role=self.role)
            gone = Response(status_code=204)
            gone.delete_cookie(self.cookie, httponly=True, samesite="strict")
            return gone
        try:
            resume(room.store, secret, clock=room.clock, role=self.role)
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


ROUTE = Door(COOKIE, READER).route()
