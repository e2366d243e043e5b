"""Several studies on one server: what is one's own never reaches another."""

import asyncio
import os
import shutil
from html import escape

import pytest
from starlette.applications import Starlette

from app import configuration, server
from app import room as rooms
from app.accounts import COORDINATOR, READER
from app.api import serve_monitor, serve_reading_room
from app.server import reading_room
from reader_study.errors import StudyError
from reader_study.running import access
from reader_study.store.transaction import read_head
from reader_study.store.verifying import verify
from tests.app.answers import words
from tests.app.deployment.running import free_port
from tests.app.material import PROTOCOL, TITLE, admit, build, open_study_of

OTHER = "Another study"


@pytest.fixture(scope="module")
def built_other(tmp_path_factory):
    folder = tmp_path_factory.mktemp("other")
    return build(folder, PROTOCOL.replace(TITLE, OTHER), size=(60, 50))


@pytest.fixture
def both(built, built_other, tmp_path, clock, monkeypatch):
    """Two rooms of one server, each with a reader anna."""
    folders = [tmp_path / "ONE", tmp_path / "TWO"]
    for source, folder in zip((built, built_other), folders, strict=True):
        shutil.copytree(source, folder)
    monkeypatch.setenv(configuration.STUDY, os.pathsep.join(map(str, folders)))
    monkeypatch.delenv(configuration.DATABASE, raising=False)
    rooms.forget_rooms()
    opened = rooms.served_rooms()
    yield opened
    for room in opened:
        room.store.close()
    rooms.forget_rooms()


@pytest.fixture
def codes(both):
    """By room, a code of each reader; both studies are open."""
    found = [admit(room) for room in both]
    for room in both:
        open_study_of(room)
    return found


def heads(both):
    found = []
    for room in both:
        with room.store.reading() as connection:
            found.append(read_head(connection).n)
    return found


def names(shown, title):
    return title in shown or escape(title) in shown


def sign_in(name, code, role=READER):
    room = role.room_named(name, code)
    return room, role.sign_in(room, name, code)


def ask(path, secret="", token="", method="GET"):
    """Status and body of the answer to a browser that holds a secret."""
    headers = [
        (b"cookie", f"{READER.cookie}={secret}".encode()),
        (b"x-reading", token.encode()),
        (b"host", b"testserver"),
        (b"origin", b"http://testserver"),
    ]
    scope = {
        "type": "http", "method": method, "path": path, "query_string": b"",
        "scheme": "http", "server": ("testserver", 80), "root_path": "",
        "headers": headers,
    }  # fmt: skip
    messages = []

    async def receive():
        return {"type": "http.request", "body": b""}

    async def send(message):
        messages.append(message)

    asyncio.run(Starlette(routes=reading_room()["routes"])(scope, receive, send))
    return messages[0]["status"], messages[-1].get("body", b"")


def test_a_code_opens_its_own_study_and_says_nothing_in_the_other(both, codes):
    for n, room in enumerate(both):
        before = heads(both)
        found, secret = sign_in("anna", codes[n]["anna"])
        after = heads(both)

        assert found is room
        assert READER.room_of(secret) is room
        assert after[1 - n] == before[1 - n]
        assert after[n] > before[n]
        with pytest.raises(access.AccessError):
            READER.resume(both[1 - n], secret)
    for room in both:
        with room.store.reading() as connection:
            assert verify(connection).faults == ()


def test_wrong_codes_of_one_study_keep_nobody_from_the_other(both, codes):
    wrong = codes[0]["anna"]
    sign_in("anna", wrong)  # used up
    for _ in range(12):
        with pytest.raises(access.AccessError):
            sign_in("anna", wrong)
    with pytest.raises(access.AccessError, match="Too many attempts"):
        sign_in("anna", wrong)

    assert sign_in("anna", codes[1]["anna"])[0] is both[1]


def test_a_code_that_names_no_study_is_asked_of_none(both, codes):
    before = heads(both)
    with pytest.raises(access.AccessError, match="do not fit"):
        sign_in("anna", "2222-2222-2222-2222")
    assert heads(both) == before


def test_a_code_from_before_goes_to_who_is_called_so_once(both, codes, monkeypatch):
    one, _ = both
    access_new = access._new_code
    monkeypatch.setattr(access, "_new_code", lambda _: access_new("none of these"))
    given = {"by": "eve", "clock": one.clock}
    old = access.add_coordinator(one.store, "max", **given)
    assert sign_in("max", old, COORDINATOR)[0] is one
    access.add_coordinator(both[1].store, "max", **given)
    with pytest.raises(access.AccessError, match="do not fit"):
        sign_in("max", old, COORDINATOR)


def test_a_coordinator_of_one_study_is_nobody_in_the_other(both, codes):
    given = {"by": "max", "clock": both[0].clock}
    passphrases = [access.add_coordinator(r.store, "eve", **given) for r in both]
    for room, passphrase in zip(both, passphrases, strict=True):
        found, secret = sign_in("eve", passphrase, COORDINATOR)
        assert found is room
        assert COORDINATOR.room_of(secret) is room
        with pytest.raises(access.AccessError):
            READER.room_of(secret)


def test_a_cookie_gives_no_picture_of_the_other_study(both, codes):
    secrets = [sign_in("anna", codes[n]["anna"])[1] for n in (0, 1)]
    sessions = [room.session_of("anna") for room in both]
    for session in sessions:
        session.next_reading()
    for n, room in enumerate(both):
        _, second, _ = sessions[n].progress().history.orders[1]
        assert ask("/ahead", secrets[n]) == (200, room.study.image_bytes(second))
        other = sessions[1 - n].progress().token
        assert ask("/slices", secrets[n], other)[0] == 404
        with pytest.raises(StudyError):
            sessions[n].submit(other, {}, {})
    assert ask("/ahead", "another")[0] == 401


def test_signing_out_of_one_study_ends_no_session_of_the_other(both, codes):
    secrets = [sign_in("anna", codes[n]["anna"])[1] for n in (0, 1)]
    assert ask("/session", secrets[0], method="DELETE")[0] == 204
    assert ask("/session", secrets[0])[0] == 401
    assert ask("/session", secrets[1])[0] == 204
    assert ask("/session", "another", method="DELETE")[0] == 204


def test_a_page_shows_the_study_of_the_cookie_and_none_before(
    both, codes, cookies, page
):
    shown = words(page())
    assert not names(shown, OTHER)
    assert not names(shown, TITLE)
    assert "A code opens once" in shown

    cookies[READER.cookie] = sign_in("anna", codes[1]["anna"])[1]
    shown = words(page())
    assert names(shown, OTHER)
    assert not names(shown, TITLE)


def test_a_study_that_cannot_be_opened_keeps_nobody_from_another(
    both, codes, monkeypatch, capsys
):
    code = codes[0]["anna"]
    given = os.environ[configuration.STUDY]
    monkeypatch.setenv(configuration.STUDY, f"{given}{os.pathsep}/nowhere/STUDY")

    assert sign_in("anna", code)[0] is both[0]
    assert "/nowhere/STUDY" in capsys.readouterr().err


@pytest.fixture
def started(monkeypatch):
    """What a command starts, which is no server here."""
    calls = []
    monkeypatch.setattr(server, "serve", lambda *given, **_: calls.append(given))
    return calls


def test_a_lost_study_stops_no_server_of_others(both, tmp_path, started, capfd):
    serve_reading_room(tmp_path / "GONE", [tmp_path / "TWO"], port=free_port())
    assert started
    said = capfd.readouterr()
    assert "GONE" in said.err
    assert OTHER in said.out
    assert TITLE not in said.out
    with pytest.raises(StudyError, match="GONE"):
        serve_reading_room(tmp_path / "GONE", [tmp_path / "LOST"], port=free_port())


def test_a_study_without_coordinator_stops_no_desk_of_others(
    both, tmp_path, started, capfd
):
    given = {"by": "max", "clock": both[0].clock}
    access.add_coordinator(both[1].store, "eve", **given)
    serve_monitor(tmp_path / "ONE", [tmp_path / "TWO"], port=free_port())
    assert started
    said = capfd.readouterr()
    assert f"got none in {tmp_path / 'ONE'}" in said.err
    assert "eve may sign in" in said.out


@pytest.mark.parametrize(
    ("more", "given", "what"),
    [
        ("ONE", {}, "Studies must differ"),
        ("TWO", {"oidc": "accounts.toml"}, "must be given with one study, got 2"),
    ],
)
def test_what_several_studies_cannot_share(both, tmp_path, more, given, what):
    with pytest.raises(StudyError, match=what):
        serve_reading_room(tmp_path / "ONE", [tmp_path / more], **given)


def test_a_server_of_another_version_says_so_in_each_log(both, codes, monkeypatch):
    def serve_anew():
        rooms.forget_rooms()
        for room in rooms.served_rooms():
            room.store.close()
        return heads(both)

    before = heads(both)
    assert serve_anew() == before

    monkeypatch.setattr("reader_study.formats.manifest.version", lambda _: "99.0")
    assert serve_anew() == [n + 1 for n in before]
