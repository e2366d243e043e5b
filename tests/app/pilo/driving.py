"""The explorer served as a physician starts it, and a browser."""

import base64
import socket
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO

import numpy as np
from PIL import Image

from tests.app.browser.driving import SECONDS, launch, settle

DRAWN = ".panels[data-shown]"


@contextmanager
def serving(checkpoint, source):
    """Run the command; give its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "app.cli", "pilo", "--port", str(port)]
    command += ["--checkpoint", str(checkpoint), "--input", str(source)]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        url = f"http://127.0.0.1:{port}/"
        _wait_for(url)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(url):
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}_stcore/health", timeout=2):  # noqa: S310
                return
        except OSError:
            time.sleep(0.1)
    msg = "the server must answer"
    raise TimeoutError(msg)


def explore(url, visit, size=(1366, 768)):
    """Let a function visit the page, and give what it gives.

    It runs in a thread of its own: another test's browser may be open in this one.
    """
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(_visited, url, visit, size).result()


def _visited(url, visit, size):
    from playwright.sync_api import sync_playwright

    width, height = size
    with sync_playwright() as running:
        browser = launch(running.chromium)
        try:
            page = browser.new_page(viewport={"width": width, "height": height})
            page.seen = []
            page.on("request", lambda request: page.seen.append(request.url))
            page.on("websocket", lambda socket: page.seen.append(socket.url))
            page.on("pageerror", lambda error: page.seen.append(f"error {error}"))
            page.goto(url)
            page.wait_for_selector(DRAWN, timeout=SECONDS * 1000)
            settle(page)
            return visit(page)
        finally:
            browser.close()


def picture(page, title):
    """Pixels of a panel's canvas, `(size, size, 3)`."""
    canvas = page.locator(f"figure[data-title={title}] canvas.picture")
    address = canvas.evaluate("(c) => c.toDataURL()")
    content = base64.b64decode(address.split(",")[1])
    return np.asarray(Image.open(BytesIO(content)).convert("RGB"))


def note(page, title):
    return page.locator(f"figure[data-title={title}] .note").inner_text()


def until_note(page, title, start):
    """Wait until a panel's ratio is shown."""
    found = page.locator(f"figure[data-title={title}] .note", has_text=start)
    found.wait_for(timeout=SECONDS * 1000)


def slider(page, name):
    return page.locator(f".sliders input[data-map={name}]")
