"""Attacks on one process: stolen session ids, other sites, addresses, the wire."""

import hashlib
import sys
import urllib.error
import urllib.request

import pytest
from websockets.exceptions import InvalidStatus

from app.accounts import READER
from tests.app.deployment.running import Process, choose_good, see, sign_in_by_mouse
from tests.app.deployment.wire import Socket, packed, session_id, words_in

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PNG = b"\x89PNG\r\n\x1a\n"
FORBIDDEN = (
    "rapid", "RAPID", "magic", "MAGIC", "acquired", "generated", "synthetic",
    "patient-00", "reference_image", "test_image", "mild_moderate", "study-1",
)  # fmt: skip
FAULT = """
import app.screens.page as page
from app.cli import main

def break_off(*_):
    raise RuntimeError("/srv/synthetic/patient-007.png")

page.show_reading = break_off
main()
"""


@pytest.fixture
def process(ready, database):
    room, _ = ready
    process = Process(room.study.folder, database)
    process.start()
    process.wait()
    yield process
    process.stop()


def picture(room):
    return room.study.image_bytes(room.session_of("anna").progress().token)


def test_the_search_finds_what_is_hidden():
    for content in packed("RAPID"):
        assert words_in(content, ["rapid", "RAPID"]) != []
        assert words_in(content, ["magic", "MAGIC"]) == []


def test_a_stolen_session_id_opens_nothing(ready, process, anna_secret):
    room, _ = ready
    png = picture(room)
    whose = hashlib.sha256(repr([(READER.cookie, anna_secret)]).encode()).hexdigest()
    with Socket(process.port, anna_secret) as anna:
        frames = anna.page()
        stolen = session_id(frames)
        assert any(png in frame for frame in frames)
        for headers in ({}, {"x-sign-in": whose}):
            with Socket(process.port, session=stolen, headers=headers) as thief:
                frames = thief.received(1) + thief.page()
                assert frames
                assert session_id(frames) != stolen
                assert not any(png in f or b"anna" in f for f in frames)
    with Socket(process.port, anna_secret, session=stolen) as anna:
        frames = anna.page()
        assert session_id(frames) == stolen  # her own connection was only lost


def test_the_session_of_a_sign_in_gives_its_secret_to_nobody(ready, process, context):
    _, codes = ready
    page = context.new_page()
    frames = []
    page.on(
        "websocket", lambda s: s.on("framereceived", lambda f: frames.append(raw(f)))
    )
    sign_in_by_mouse(page, process.url, "anna", codes["anna"])
    (secret,) = [c["value"] for c in context.cookies() if c["name"] == READER.cookie]
    stolen = session_id(frames)

    assert any(secret.encode() in frame for frame in frames)
    with Socket(process.port, session=stolen) as thief:
        got = thief.page()
    assert session_id(got) != stolen
    assert not any(secret.encode() in frame for frame in got)


def test_other_sites_cannot_connect(process, anna_secret):
    for origin in ("https://elsewhere.example.org", "http://localhost:1", "null"):
        with pytest.raises(InvalidStatus, match="403"):
            Socket(process.port, anna_secret, origin=origin)


def test_no_address_gives_a_picture_without_signing_in(ready, process, anna_secret):
    room, _ = ready
    png = picture(room)
    with Socket(process.port, anna_secret) as anna:
        assert any(png in frame for frame in anna.page())
        token = room.session_of("anna").progress().token
        digest = hashlib.sha224(png).hexdigest()
        for path in (
            "", "index.html", "session", f"media/{digest}.png", f"media/{token}.png",
            f"images/{token}.png", f"static/{token}.png", f"app/static/{token}.png",
            "_stcore/health", "_stcore/host-config", "_stcore/metrics",
            "_stcore/agent/openapi.json", "_stcore/upload_file/a/b", "component/a/b",
            "static/..%2f..%2fmain.py", "manifest.json",
        ):  # fmt: skip
            assert PNG not in fetched(process.url + path)
    assert PNG in fetched(process.url + "favicon.png")  # so a picture would be found
    with Socket(process.port) as stranger:
        frames = stranger.page()
    assert any(b"Sign in" in frame for frame in frames)
    assert not any(PNG in frame for frame in frames)


def fetched(url):
    try:
        with urllib.request.urlopen(url) as answer:  # noqa: S310
            return answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.read()


def test_every_byte_of_a_reading(ready, process, context):
    room, codes = ready
    page = context.new_page()
    got = []
    page.on("response", lambda answer: got.append(body_of(answer)))
    page.on("websocket", lambda s: s.on("framereceived", lambda f: got.append(raw(f))))
    sign_in_by_mouse(page, process.url, "anna", codes["anna"])
    pngs = []
    for position in (1, 2):
        pngs.append(picture(room))
        choose_good(page)
        page.get_by_role("button", name="Save and next").click()
        see(page, f"{position + 1} of 3")
    see(page, "receipt")
    page.get_by_role("button", name="Sign out").click()
    see(page, "Name")

    assert all(any(png in content for content in got) for png in pngs)
    everything = [content for content in got if content]
    folder = room.study.folder
    words = [*FORBIDDEN, str(folder), str(folder.parent), folder.parent.name]
    assert [words_in(content, words) for content in everything] == [[]] * len(
        everything
    )


def raw(frame):
    return frame if isinstance(frame, bytes) else frame.encode()


def body_of(answer):
    """Content, headers and address; Streamlit's own scripts are always the same."""
    if "/static/" in answer.url or answer.status != 200:
        return repr(answer.headers).encode()
    return answer.body() + repr(answer.headers).encode() + answer.url.encode()


def test_a_fault_while_rendering_shows_no_path(ready, database, anna_secret):
    room, _ = ready
    process = Process(room.study.folder, database)
    process.command = [sys.executable, "-c", FAULT, *process.command[3:]]
    process.start()
    process.wait()
    try:
        with Socket(process.port, anna_secret) as anna:
            frames = anna.page()
    finally:
        process.stop()
    assert any(b"error message is redacted" in frame for frame in frames)
    words = ["patient", "/srv", "Traceback", "break_off", "RuntimeError"]
    assert [words_in(frame, words) for frame in frames] == [[]] * len(frames)
