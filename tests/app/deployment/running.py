"""Processes of the reading room, as a hospital runs them, and readers before them."""

import signal
import socket
import subprocess
import sys
import time

from tests.app.material import GOOD

READY = '[data-testid="stApp"][data-test-script-state="notRunning"]'
SECONDS = 90  # a busy machine is no fault of the page


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, seconds=SECONDS):
    """Wait until somebody listens on a port of the loopback."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 2).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    msg = f"port {port} must answer"
    raise TimeoutError(msg)


class Process:
    """One process of the reading room."""

    def __init__(self, study, database, *options):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.command = [
            sys.executable, "-m", "app.cli", "read", str(study), "--port",
            str(self.port), "--database", database, *options,
        ]  # fmt: skip
        self.running = None

    def start(self):
        self.running = subprocess.Popen(
            self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def wait(self):
        wait_for(self.port)

    def kill(self):
        self.running.send_signal(signal.SIGKILL)
        self.running.wait()

    def stop(self):
        self.running.terminate()
        try:
            self.running.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()


def settle(page):
    """Wait until the server has nothing more to say."""
    for _ in range(2):
        page.wait_for_selector(READY, timeout=SECONDS * 1000)
        page.wait_for_timeout(250)


def see(page, words):
    """Wait until the page says something."""
    page.get_by_text(words).first.wait_for(timeout=SECONDS * 1000)
    settle(page)


def questions(page):
    return page.locator("[class*='st-key-question-']")


def choose(page, numbers):
    """Choose by mouse the first, second, ... answer of the questions in turn."""
    for n, number in enumerate(numbers):
        if number:
            choices = questions(page).nth(n).locator("label:has(input[type=radio])")
            choices.nth(number - 1).click()
            settle(page)


def choose_good(page):
    """Choose what `tests.app.material.GOOD` says."""
    choose(page, [1, 1, 1, 1, 1, 2, 4])


def chosen(page):
    """Number of the chosen answer of each question, 0 for none."""
    return [
        questions(page)
        .nth(n)
        .evaluate(
            "(q) => [...q.querySelectorAll('input[type=radio]')]"
            ".findIndex((r) => r.checked) + 1"
        )
        for n in range(len(GOOD))
    ]


def sign_in_by_mouse(page, url, name, code):
    """Sign in and go as far as the first picture."""
    page.goto(url)
    see(page, "Sign in")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Sign in").click()
    see(page, "Instructions")
    page.get_by_text("I have read").first.click()
    settle(page)
    page.get_by_role("button", name="Continue").click()
    see(page, "Your display")
    page.get_by_role("button", name="I see all").click()
    see(page, "1 of 3")
