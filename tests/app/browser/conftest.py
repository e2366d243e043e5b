import hashlib
import shutil

import pytest

from app.accounts import READER
from app.room import open_room
from reader_study.reading.acknowledgements import Confirmation, acknowledge
from reader_study.running.access import issue_code, sign_in
from tests.app.browser.driving import Server
from tests.app.material import PROTOCOL, admit, build, draw_noise, open_study_of


@pytest.fixture(scope="session")
def built_large(tmp_path_factory):
    return build(tmp_path_factory.mktemp("large"), size=(900, 700))


@pytest.fixture(scope="session")
def built_without_washout(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two-trials")
    protocol = PROTOCOL.replace("washout_days = 28", "washout_days = 0")
    protocol = protocol.replace("closing = true", "closing = false")
    return build(folder, protocol, size=(900, 700))


@pytest.fixture
def large_pictures(request, tmp_path):
    """A server of pictures of the size that a test asks for."""
    (tmp_path / "built").mkdir()
    built = build(tmp_path / "built", draw=draw_noise(request.param, 4))
    yield from serving(built, tmp_path / "STUDY")


@pytest.fixture
def server(built_large, tmp_path):
    yield from serving(built_large, tmp_path / "STUDY")


@pytest.fixture
def two_trials(built_without_washout, tmp_path):
    yield from serving(built_without_washout, tmp_path / "STUDY")


def serving(built, folder, *, opened=True):
    """Serve a copy of a built study that is open to its readers."""
    shutil.copytree(built, folder)
    room = open_room(folder)
    codes = admit(room)
    if opened:
        open_study_of(room)
    room.store.close()
    server = Server(folder)
    server.codes = codes
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def context(browser):
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    yield context
    context.close()


@pytest.fixture
def signed_in(server, context):
    """Anna's browser, past instructions and display check."""
    return let_in(server, context, server.codes["anna"])


@pytest.fixture
def second_device(server, browser):
    """Another browser of Anna's."""
    code = issue_code(server.room.store, "anna", by="test", clock=server.room.clock)
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    yield let_in(server, context, code)
    context.close()


def let_in(server, context, code):
    """Sign Anna in, past instructions and display check."""
    room = server.room
    secret = sign_in(room.store, "anna", code, clock=room.clock).secret
    for kind, version in (
        (Confirmation.INSTRUCTIONS, room.study.manifest.protocol_sha256),
        (Confirmation.DISPLAY, hashlib.sha256(secret.encode()).hexdigest()[:16]),
    ):
        acknowledge(room.store, "anna", kind, version, clock=room.clock)
    context.add_cookies([{"name": READER.cookie, "value": secret, "url": server.url}])
    return context
