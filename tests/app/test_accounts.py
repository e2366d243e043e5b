import asyncio
import json
from types import SimpleNamespace

import pytest
from starlette.applications import Starlette

from app.accounts import READER
from app.gate import SESSION
from app.server import reading_room
from reader_study.running.access import IDLE_HOURS, sign_in

HERE = {"origin": "http://testserver"}


def ask(method, headers=HERE, body=b"", secret=""):
    """Send one request through the application."""
    sent = {"host": "testserver", **headers}
    if secret:
        sent["cookie"] = f"{READER.cookie}={secret}"
    scope = {
        "type": "http", "method": method, "path": SESSION, "query_string": b"",
        "scheme": "http", "server": ("testserver", 80), "root_path": "",
        "headers": [(k.encode(), v.encode()) for k, v in sent.items()],
    }  # fmt: skip
    messages = []

    async def receive():
        return {"type": "http.request", "body": body}

    async def send(message):
        messages.append(message)

    asyncio.run(Starlette(routes=reading_room()["routes"])(scope, receive, send))
    got = {k.decode(): v.decode() for k, v in messages[0]["headers"]}
    return SimpleNamespace(status=messages[0]["status"], headers=got)


def post(secret, headers=HERE):
    return ask("POST", headers, json.dumps({"secret": secret}).encode())


@pytest.fixture
def secret(open_room, codes, clock):
    return sign_in(open_room.store, "anna", codes["anna"], clock=clock).secret


def test_a_sign_in_becomes_a_cookie_that_no_script_reads(secret):
    answer = post(secret)

    assert answer.status == 204
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{READER.cookie}={secret};")
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Max-Age" not in cookie
    assert "Secure" not in cookie
    assert ask("GET", {}, secret=secret).status == 204


def test_behind_tls_the_cookie_stays_on_tls(secret):
    headers = HERE | {"x-forwarded-proto": "https"}
    answer = post(secret, headers)
    assert "Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b'{"secret": 1}', b'{"secret": "no such"}', b'{"secret": "\xc3\xa9"}'],
)
def test_what_is_no_sign_in_gets_no_cookie(open_room, body):
    answer = ask("POST", body=body)

    assert answer.status == 401
    assert "set-cookie" not in answer.headers


def test_signing_out_ends_the_session_and_the_cookie(secret):
    post(secret)
    answer = ask("DELETE", secret=secret)

    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert ask("GET", {}, secret=secret).status == 401


def test_other_sites_are_refused(secret):
    other = {"origin": "http://elsewhere"}
    assert post(secret, other).status == 403
    assert ask("DELETE", other, secret=secret).status == 403
    assert ask("DELETE", {}, secret=secret).status == 403


def test_an_idle_session_has_ended(secret, clock):
    post(secret)
    clock.advance(seconds=IDLE_HOURS * 3600 + 1)
    assert ask("GET", {}, secret=secret).status == 401
