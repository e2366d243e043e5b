"""What is seen first by who starts an entry without anything to show."""

import os
import subprocess
import sys
import time
import tomllib
import urllib.request
from importlib.resources import files
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import app
from app import room as rooms
from app.configuration import CHECKPOINT, DATABASE, INPUT, STUDY
from tests.app.answers import words
from tests.app.browser.driving import see
from tests.serving import free_port

HERE = Path(app.__file__).parent
ENTRIES = {
    "main.py": ("No study is open here", "magic-app read STUDY", "demonstration"),
    "monitor.py": ("No study is open here", "magic-app monitor STUDY", "demonstration"),
    "pilo/main.py": ("No network and no images", "--checkpoint", "demonstration"),
}


@pytest.fixture
def nothing(monkeypatch):
    """Nothing is given; what a test makes and serves is forgotten afterwards."""
    for name in (STUDY, DATABASE, CHECKPOINT, INPUT):
        monkeypatch.setenv(name, "")
    rooms.forget_rooms()
    yield
    rooms.forget_rooms()


def shown(page):
    return "\n".join([words(page), *(code.value for code in page.code)])


@pytest.mark.parametrize("entry", ENTRIES)
def test_it_says_how_to_give_what_is_missing(entry, nothing):
    page = AppTest.from_file(str(HERE / entry), default_timeout=20).run()

    assert not page.exception
    for said in ENTRIES[entry]:
        assert said in shown(page)


@pytest.mark.slow
def test_the_demonstration_opens_by_a_click_and_lets_a_guest_in(nothing, cookies):
    from app.demo import remove_demo

    page = AppTest.from_file(str(HERE / "main.py"), default_timeout=60).run()
    page.button(key="demo").click().run()
    made = Path(os.environ[STUDY])
    try:
        assert "This is a demonstration" in words(page)
        assert rooms.served_room().is_demonstration
        page.button(key="guest").click().run()
        secret = page.session_state["handoff"].secret
        assert app.READER.resume(rooms.served_room(), secret) == "guest"
    finally:
        rooms.served_room().store.close()
        remove_demo()
    assert not made.parent.exists()


def test_nobody_enters_a_study_as_a_guest(open_room, cookies, page):
    from app.demo import let_guest_in

    assert [button.label for button in page().button] == ["Sign in"]
    with pytest.raises(rooms.StudyError, match="a demonstration only"):
        let_guest_in(open_room)


def test_what_a_run_of_the_explorer_is_told_is_what_the_command_tells():
    def told(package):
        text = files(package).joinpath(".streamlit/config.toml").read_text("utf-8")
        return {(k, n): v for k, t in tomllib.loads(text).items() for n, v in t.items()}

    assert told("app.pilo").items() <= told("app").items()


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_clone_that_is_not_installed_says_so(entry, monkeypatch):
    monkeypatch.setitem(sys.modules, "app", None)  # as if there were none
    page = AppTest.from_file(str(HERE / entry), default_timeout=20).run()

    assert not page.exception
    assert page.text[0].value.startswith(
        "magic-ctp must be installed: pip install -e . in its folder"
    )


@pytest.mark.slow
@pytest.mark.parametrize("entry", ENTRIES)
def test_what_every_user_of_streamlit_types_shows_text(entry, browser, tmp_path):
    port, environment = free_port(), dict(os.environ)
    for name in (STUDY, DATABASE, CHECKPOINT, INPUT):
        environment.pop(name, None)
    server = subprocess.Popen(
        [
            sys.executable, "-m", "streamlit", "run", str(HERE / entry),
            "--server.headless", "true", "--server.port", str(port),
        ],
        env=environment, cwd=tmp_path,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    context = browser.new_context()
    try:
        wait_for(f"http://127.0.0.1:{port}/_stcore/health")
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{port}/")
        for said in ENTRIES[entry]:
            see(page, said)
        if entry == "main.py":
            page.get_by_role("button", name="Open the demonstration").click()
            page.get_by_role("button", name="Enter as a guest").click(timeout=90_000)
            see(page, "Demonstration with drawn pictures")
            see(page, "You will see drawn pictures")
    finally:
        context.close()
        server.terminate()
        server.wait(20)


def wait_for(url):
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310
                return
        except OSError:
            time.sleep(0.1)
    msg = "the server must answer"
    raise TimeoutError(msg)
