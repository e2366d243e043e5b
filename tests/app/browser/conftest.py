import hashlib
import shutil

import pytest

from app.acknowledgements import Kind, acknowledge
from app.identity import COOKIE
from app.room import open_room
from reader_study.access import sign_in
from tests.app.browser.driving import ARGUMENTS, Server, chromium
from tests.app.material import admit, build, open_study_of


@pytest.fixture(scope="session")
def built_large(tmp_path_factory):
    return build(tmp_path_factory.mktemp("large"), size=(900, 700))


@pytest.fixture
def server(built_large, tmp_path):
    folder = tmp_path / "STUDY"
    shutil.copytree(built_large, folder)
    room = open_room(folder)
    codes = admit(room)
    open_study_of(room)
    room.store.close()
    server = Server(folder)
    server.codes = codes
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def context(browser):
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    yield context
    context.close()


@pytest.fixture
def signed_in(server, context):
    """Anna's browser, past instructions and display check."""
    room = server.room
    secret = sign_in(room.store, "anna", server.codes["anna"], clock=room.clock).secret
    for kind, version in (
        (Kind.INSTRUCTIONS, room.study.manifest.protocol_sha256),
        (Kind.DISPLAY, hashlib.sha256(secret.encode()).hexdigest()[:16]),
    ):
        acknowledge(room.store, "anna", kind, version, clock=room.clock)
    context.add_cookies([{"name": COOKIE, "value": secret, "url": server.url}])
    return context
