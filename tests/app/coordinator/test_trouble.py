"""What is shown, and to whom, where the store cannot be used."""

import asyncio

import pytest
from starlette.applications import Starlette

from app import accounts
from app.coordinator import live
from app.server import monitor as monitors_server
from reader_study.errors import StudyError
from reader_study.running.access import AccessError
from reader_study.running.access import sign_in as sign_in_reader
from tests.app.answers import words

TOLD = "The database cannot be used: /srv/secret is full"


@pytest.fixture
def broken():
    def use(*_, **__):
        raise StudyError(TOLD)

    return use


def test_a_store_that_cannot_be_read(open_room, eve, monitor, broken, monkeypatch):
    monkeypatch.setattr("app.coordinator.page.require_coordinator", broken)
    shown = words(monitor())

    assert "Please load the page again" in shown
    assert "/srv/secret" not in shown


def test_a_refresh_that_fails_tries_again(
    open_room, eve, monitor, broken, monkeypatch, capsys
):
    monkeypatch.setattr(live, "find_coordinator_view", broken)
    shown = words(monitor("Progress"))

    assert "The page tries again by itself" in shown
    assert "/srv/secret" not in shown
    assert "/srv/secret" in capsys.readouterr().err


def test_a_refresh_without_a_session_leads_to_the_sign_in(
    open_room, eve, cookies, monitor, monkeypatch
):
    def ended(_):
        cookies.clear()
        msg = "ended"
        raise AccessError(msg)

    monkeypatch.setattr(live, "find_coordinator_view", ended)
    page = monitor("Progress")
    assert [field.label for field in page.text_input] == ["Name", "Passphrase"]


def test_a_sign_in_that_cannot_be_stored(
    open_room, cookies, monitor, broken, monkeypatch
):
    monkeypatch.setattr(accounts.Role, "room_named", broken)
    page = monitor()
    page.button[0].click().run()

    assert "The study cannot be used at the moment" in words(page)
    assert "/srv/secret" not in words(page)


def test_signing_out_without_a_store_still_leaves_the_browser(
    open_room, eve, monitor, broken, monkeypatch, capsys
):
    monkeypatch.setattr(accounts.Role, "sign_out", broken)
    page = monitor()
    page.button(key="sign-out").click().run()

    assert not page.dataframe
    assert "/srv/secret" in capsys.readouterr().err


def status_of(cookie, secret):
    """What the route of the monitor's sessions answers to a browser."""
    cookies = f"{cookie}={secret}".encode()
    scope = {
        "type": "http", "method": "GET", "path": "/session", "query_string": b"",
        "scheme": "http", "server": ("testserver", 80), "root_path": "",
        "headers": [(b"host", b"testserver"), (b"cookie", cookies)],
    }  # fmt: skip
    messages = []

    async def receive():
        return {"type": "http.request", "body": b""}

    async def send(message):
        messages.append(message)

    asyncio.run(Starlette(routes=monitors_server()["routes"])(scope, receive, send))
    return messages[0]["status"]


def test_the_route_heeds_the_coordinators_cookie_only(open_room, codes, eve, clock):
    readers = sign_in_reader(open_room.store, "anna", codes["anna"], clock=clock).secret

    assert status_of(accounts.COORDINATOR.cookie, eve) == 204
    assert status_of(accounts.READER.cookie, eve) == 401
    for cookie in (accounts.COORDINATOR.cookie, accounts.READER.cookie):
        assert status_of(cookie, readers) == 401
