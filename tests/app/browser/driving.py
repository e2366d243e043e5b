"""A reading server and a browser, for the tests that need the real thing."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request

from playwright.sync_api import TimeoutError  # noqa: A004

from app.room import open_room
from reader_study.store.readings import find_responses

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic",
    "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
]  # fmt: skip
READY = '[data-testid="stApp"][data-test-script-state="notRunning"]'
SECONDS = 90  # a busy machine is no fault of the page
HEARD = """(() => {
  const save = document.querySelector("[class*='st-key-save-']");
  const token = save?.className.match(/st-key-save-(\\S+)/)?.[1];
  return Boolean(token) && document.body.dataset.desk === `desk-${token}`;
})()"""
"""Whether keys are heard for the reading on the page, not still for the last one."""

STATE = """({
  said: document.body?.innerText,
  chosen: [...document.querySelectorAll("[class*='st-key-question-']")].map(
    (q) => [...q.querySelectorAll("input[type=radio]")]
      .findIndex((r) => r.checked) + 1),
  viewer: [...document.querySelectorAll(".st-key-reading *")]
    .map((e) => e.shadowRoot?.querySelector(".viewer")?.innerText).filter(Boolean),
  desk: document.body?.dataset.desk,
  lost: document.body?.hasAttribute("data-lost"),
  focus: [document.hasFocus(), document.activeElement?.outerHTML.slice(0, 200)],
  line: document.querySelector("[data-test-connection-state]")
    ?.dataset.testConnectionState,
  script: document.querySelector("[data-test-script-state]")?.dataset.testScriptState,
})"""
"""What to tell of a page that does not show what is waited for."""


def chromium():
    """Where the browser is; None if it is Playwright's own or there is none."""
    return os.environ.get("MAGIC_TEST_CHROMIUM") or shutil.which("chromium")


def launch(kind, *arguments):
    """Start a browser whose pages are waited for as long as a busy machine needs."""
    browser = kind.launch(executable_path=chromium(), args=[*ARGUMENTS, *arguments])
    new_context = browser.new_context

    def patient_context(**options):
        context = new_context(**options)
        context.set_default_timeout(SECONDS * 1000)
        return context

    browser.new_context = patient_context
    return browser


class Server:
    """The command, as a reader's institution runs it.

    `code` is run in place of the command, to serve with a fault made on purpose.
    """

    def __init__(self, study, program="read", more=(), code=""):
        self.study, self.program, self.more = study, program, more
        self.program_of = ["-c", code] if code else ["-m", "app.cli"]
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        self.room = open_room(study)

    def start(self):
        command = [sys.executable, *self.program_of, self.program, str(self.study)]
        self.process = subprocess.Popen(
            [*command, *map(str, self.more), "--port", str(self.port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.url}_stcore/health", timeout=2):  # noqa: S310
                    return
            except OSError:
                time.sleep(0.1)
        msg = "the server must answer"
        raise TimeoutError(msg)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()
        self.room.store.close()


def settle(page):
    """Wait until the server has nothing more to say."""
    page.wait_for_selector(READY, timeout=SECONDS * 1000)
    page.wait_for_timeout(250)
    page.wait_for_selector(READY, timeout=SECONDS * 1000)


def see(page, words):
    """Wait until the page says something."""
    try:
        page.get_by_text(words).first.wait_for(timeout=SECONDS * 1000)
    except TimeoutError as error:
        msg = f"waited for {words!r}; the page: {page.evaluate(STATE)}"
        raise AssertionError(msg) from error
    settle(page)


def press(page, keys):
    """Press keys one after the other, as fast as a person."""
    for key in keys:
        page.keyboard.press(key)
        page.wait_for_timeout(150)


def stored(server):
    with server.room.store.reading() as connection:
        return find_responses(connection)


def chosen(page):
    """Number of the chosen answer of each question, 0 for none."""
    return page.evaluate(
        """() => [...document.querySelectorAll("[class*='st-key-question-']")].map(
            (q) => [...q.querySelectorAll("input[type=radio]")]
                .findIndex((r) => r.checked) + 1)"""
    )


def open_reading(context, server, position=1):
    page = context.new_page()
    page.goto(server.url)
    see(page, f"{position} of 3")
    page.locator(".viewer[data-scale]").wait_for()
    ready = "body[data-desk]:has([class*='st-key-question-'] input)"
    page.locator(ready).wait_for(state="attached", timeout=SECONDS * 1000)
    return page
