import functools
import shutil
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime import context
from streamlit.testing.v1 import AppTest

import app
from app import configuration
from app import room as rooms
from app.accounts import READER, sign_in_version
from reader_study.reading.acknowledgements import Confirmation, acknowledge
from reader_study.rehearsal.simulation import SimulatedClock
from reader_study.running.access import sign_in
from tests.app.browser.driving import launch
from tests.app.material import admit, build, open_study_of

# A page under test is a new runtime, and each searches all installed packages.
manifest_scanner.scan_component_manifests = functools.cache(
    manifest_scanner.scan_component_manifests
)

BROWSERS = frozenset({"browser", "fox"})


def pytest_collection_modifyitems(items):
    """Let a browser try a second time; a reading room that is at fault fails twice.

    On a busy machine a key or a click may not reach the page. `make test-slow` prints
    what the first time failed by, which is worth a look: it may be the page that moved.
    """
    for item in items:
        if BROWSERS.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.flaky(reruns=1))


ENTRY = Path(app.__file__).with_name("main.py")
START = datetime(2026, 3, 1, 9, tzinfo=UTC)


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    return build(tmp_path_factory.mktemp("built"), size=(60, 50))


@pytest.fixture
def clock(monkeypatch):
    clock = SimulatedClock(START)
    monkeypatch.setattr(rooms, "SystemClock", lambda: clock)
    return clock


@pytest.fixture
def room(built, tmp_path, clock, monkeypatch):
    """The room that pages are served from; the study is not open yet."""
    folder = tmp_path / "STUDY"
    shutil.copytree(built, folder)
    monkeypatch.setenv(configuration.STUDY, str(folder))
    monkeypatch.delenv(configuration.DATABASE, raising=False)
    rooms.forget_rooms()
    room = rooms.served_room()
    yield room
    room.store.close()
    rooms.forget_rooms()


@pytest.fixture
def codes(room):
    return admit(room)


@pytest.fixture
def open_room(room, codes):
    open_study_of(room)
    return room


@pytest.fixture
def cookies(monkeypatch):
    """What the browser sends."""
    sent = {}
    client = SimpleNamespace(cookies=sent, headers=[], remote_ip="127.0.0.1")
    monkeypatch.setattr(context, "_get_client_context", lambda: client)
    return sent


@pytest.fixture
def anna(open_room, codes, clock, cookies):
    """Anna has signed in and has passed instructions and display check."""
    signed_in = sign_in(open_room.store, "anna", codes["anna"], clock=clock)
    cookies[READER.cookie] = signed_in.secret
    version = open_room.study.manifest.protocol_sha256
    for kind, of in (
        (Confirmation.INSTRUCTIONS, version),
        (Confirmation.DISPLAY, sign_in_version()),
    ):
        acknowledge(open_room.store, "anna", kind, of, clock=clock)
    return open_room.session_of("anna")


@pytest.fixture
def page():
    """A new page of the browser, as after a reload or in a second tab."""

    def load():
        return AppTest.from_file(str(ENTRY), default_timeout=20).run()

    return load


@pytest.fixture(scope="session")
def browser():
    """One for all tests of a process: Playwright allows no second in its thread."""
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as running:
        browser = launch(running.chromium)
        yield browser
        browser.close()
