"""Two studies of one server, read in two browsers: nothing of one reaches the other.

The walk is made again by a server that is broken on purpose, and must then fail.
"""

import shutil
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from app.accounts import READER
from app.room import open_room
from reader_study.store.readings import find_responses
from reader_study.store.transaction import read_head
from reader_study.store.verifying import verify
from tests.app.browser.driving import SECONDS, Server, see
from tests.app.browser.hands import Mouse, Wire
from tests.app.material import PROTOCOL, TITLE, admit, build, open_study_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

NAMES = ("Perfusion of the left half", "Diffusion of the right half")

PICTURE_BY_NAME = """
from reader_study.reading.reading_session import ReadingSession as Session
right, kept = Session.image, {}

def image(self, token):  # kept by the reader's name, which two studies may share
    return kept.setdefault(self.reader, right(self, token))

Session.image = image
"""
CODE_TRIED_EVERYWHERE = """
from app import accounts
from reader_study.running import access

def room_named(self, name, given):
    for room in accounts.served_rooms():
        if access.names_study(given, room.study.manifest.study_id):
            found = room
            continue
        try:
            access.sign_in(room.store, name, given, clock=room.clock)
        except access.AccessError:
            pass
    return found

accounts.Role.room_named = room_named
"""
TITLES_FOR_ALL = """
from app.screens import page, sign_in
right = sign_in.show_sign_in

def show(*given, **more):
    import streamlit as st
    from app.room import served_rooms
    st.write([room.study.protocol.title for room in served_rooms()])
    right(*given, **more)

sign_in.show_sign_in = page.show_sign_in = show
"""
READING_OF_ANY = """
from app import fetched
from app.room import served_rooms

def of_any(session, token):
    for room in served_rooms():
        if any(p.token == token for p in room.study.manifest.presentations):
            return room.study.image_bytes(token)
    return session.image(token)

fetched._content = of_any
right = fetched._slices_of

def slices(secret, token, wanted):
    from starlette.responses import Response
    try:
        return Response(of_any(None, token))
    except AttributeError:
        return right(secret, token, wanted)

fetched._slices_of = slices
"""
RUN = "\nimport sys\nfrom app.cli import main\nsys.exit(main())"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folders = []
    for name in NAMES:
        folder = tmp_path_factory.mktemp("two")
        folders.append(build(folder, PROTOCOL.replace(TITLE, name), size=(300, 200)))
    return folders


@contextmanager
def served(built, tmp_path, code=""):
    """Two open studies of one server, each with a reader anna."""
    folders = [tmp_path / name for name in ("ONE", "TWO")]
    studies = []
    for source, folder, title in zip(built, folders, NAMES, strict=True):
        shutil.copytree(source, folder)
        room = open_room(folder)
        given = admit(room)["anna"]
        open_study_of(room)
        pictures = [p.read_bytes() for p in (folder / "images").iterdir()]
        tokens = [p.token for p in room.study.manifest.presentations]
        studies.append(
            SimpleNamespace(
                room=room, code=given, title=title, pictures=pictures, tokens=tokens
            )
        )
    server = Server(folders[0], more=folders[1:], code=code + RUN if code else "")
    server.start()
    try:
        yield server, studies
    finally:
        server.stop()
        for study in studies:
            study.room.store.close()


def in_store(study):
    """How long a study's log is, and how many answers there are."""
    with study.room.store.reading() as connection:
        return read_head(connection).n, len(find_responses(connection))


def of(study, content):
    """What of a study is in the bytes that a browser got."""
    words = [study.title, *study.tokens]
    texts = [word for word in words if word.encode() in content]
    return texts + [
        f"picture {n}" for n, p in enumerate(study.pictures) if p in content
    ]


def read_apart(server, browser, own, other):
    """Sign in by code, read a case, ask for what is the other's, in a browser."""
    before = in_store(other)
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    context.set_default_timeout(SECONDS * 1000)
    page = context.new_page()
    wire, mouse = Wire(page), Mouse()
    page.goto(server.url)
    see(page, "Sign in")
    asked = b"\n".join(wire.bytes)
    assert of(own, asked) == of(other, asked) == []  # nobody is anybody yet
    mouse.enter(page, server, own.code)
    mouse.agree(page)
    mouse.check_display(page)
    see(page, "1 of 3")
    page.locator(".viewer[data-scale]").wait_for()
    assert own.title in page.content()
    mouse.read(page, 1)
    see(page, "2 of 3")
    page.locator(".viewer[data-scale]").wait_for()
    (cookie,) = [c for c in context.cookies() if c["name"] == READER.cookie]

    seen = b"\n".join(wire.bytes)
    assert [name for name in of(own, seen) if name.startswith("picture")]
    assert of(other, seen) == []
    assert in_store(own)[1] == 1
    ask_for_the_others(server, cookie["value"], own, other)
    assert in_store(other) == before
    context.close()


def read_both(server, browser, one, two):
    read_apart(server, browser, one, two)
    read_apart(server, browser, two, one)


def ask_for_the_others(server, secret, own, other):
    """Ask with the cookie of one study for what is another's, by every address."""
    from http.client import HTTPConnection

    def ask(path, token=""):
        connection = HTTPConnection("127.0.0.1", server.port, timeout=SECONDS)
        headers = {"Cookie": f"{READER.cookie}={secret}", "X-Reading": token}
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, content

    status, content = ask("/ahead")
    assert status == 200
    assert content in own.pictures
    for token in other.tokens:
        status, content = ask("/slices", token)
        assert status == 404
        assert of(other, content) == []
        for path in (f"/images/{token}.png", f"/media/{token}.png", f"/ahead/{token}"):
            assert ask(path)[0] == 404


def test_two_readers_of_one_name_read_two_studies_apart(built, tmp_path, browser):
    with served(built, tmp_path) as (server, (one, two)):
        read_both(server, browser, one, two)
        for study in (one, two):
            with study.room.store.reading() as connection:
                assert verify(connection).faults == ()
            found = in_store(study)
            assert found[1] == 1
        # A secret that one study gave out is nothing in the other.
        with pytest.raises(AssertionError):
            ask_for_the_others(server, "x" * 43, one, two)


@pytest.mark.parametrize(
    ("code", "where"),
    [
        pytest.param(PICTURE_BY_NAME, "of(other, seen)", id="picture"),
        pytest.param(CODE_TRIED_EVERYWHERE, "in_store(other)", id="log"),
        pytest.param(TITLES_FOR_ALL, "of(own, asked)", id="title"),
        pytest.param(READING_OF_ANY, "status == 404", id="address"),
    ],
)
def test_the_walk_finds_a_server_that_mixes_studies(
    code, where, built, tmp_path, browser
):
    with served(built, tmp_path, code) as (server, (one, two)):
        with pytest.raises(AssertionError) as caught:
            read_both(server, browser, one, two)
        assert where in str(caught.traceback[-1].statement)
