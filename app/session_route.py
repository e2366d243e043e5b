"""The route that turns a sign-in into a cookie, keeps it alive, and ends it."""

import json
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.identity import COOKIE
from app.room import Room, served_room
from reader_study.access import AccessError, resume, sign_out

PATH = "/session"
_LONGEST = 1000  # bytes of a request


async def session(request: Request) -> Response:
    """Answer 204 to who is signed in, 401 to others, 403 to other sites."""
    if not _same_site(request):
        return Response(status_code=403)
    secret = request.cookies.get(COOKIE, "")
    if request.method == "POST":
        secret = _secret_in(await request.body())
    answer = await run_in_threadpool(_answer, served_room(), request.method, secret)
    if request.method == "POST" and answer.status_code == 204:
        answer.set_cookie(
            COOKIE,
            secret,
            httponly=True,
            samesite="strict",
            secure=request.headers.get("x-forwarded-proto", request.url.scheme)
            == "https",
        )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _answer(room: Room, method: str, secret: str) -> Response:
    if method == "DELETE":
        sign_out(room.store, secret, clock=room.clock)
        gone = Response(status_code=204)
        gone.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return gone
    try:
        resume(room.store, secret, clock=room.clock)
    except AccessError:
        return Response(status_code=401)
    return Response(status_code=204)


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


ROUTE = Route(PATH, session, methods=["GET", "POST", "DELETE"])
