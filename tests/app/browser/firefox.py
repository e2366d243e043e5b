"""Debian's Firefox, driven by WebDriver BiDi without any driver between."""

import base64
import itertools
import json
import re
import shutil
import subprocess
import time
from contextlib import ExitStack

from websockets.sync.client import connect

from tests.app.browser.driving import SECONDS, STATE

KEYS = {
    "Backspace": "\ue003", "Tab": "\ue004", "Enter": "\ue006", "Control": "\ue009",
    "Escape": "\ue00c", "Space": " ", "PageUp": "\ue00e", "PageDown": "\ue00f",
    "End": "\ue010", "Home": "\ue011", "ArrowLeft": "\ue012", "ArrowUp": "\ue013",
    "ArrowRight": "\ue014", "ArrowDown": "\ue015",
}  # fmt: skip
_COUNTS = """(() => {
  if (window.keysDown === undefined) {
    window.keysDown = 0;
    const count = (event) => { window.keysDown += event.isTrusted; };
    window.addEventListener("keydown", count, { capture: true });
  }
  return [performance.timeOrigin, window.keysDown];
})()"""
_LISTENS = re.compile(r"WebDriver BiDi listening on (ws://\S+)")
_DEEP = """(selector) => {
  const find = (root) => {
    const found = root.querySelector(selector);
    if (found) return found;
    for (const { shadowRoot } of root.querySelectorAll("*")) {
      const inner = shadowRoot && find(shadowRoot);
      if (inner) return inner;
    }
    return null;
  };
  return find(document);
}"""


def firefox():
    """Where the browser is; None if there is none."""
    return shutil.which("firefox-esr") or shutil.which("firefox")


class Firefox:
    """One window with one page.

    Args:
        profile: Folder for the browser's own files.
        size: Of the page in CSS pixels.
        ratio: Pixels of the screen in each of them.
    """

    def __init__(self, profile, size=(1366, 768), ratio=1.0):
        profile.mkdir()
        wish = f'user_pref("layout.css.devPixelsPerPx", "{ratio}");\n'
        (profile / "user.js").write_text(wish)
        command = [firefox(), "--headless", "--no-remote", "--profile", profile]
        self.log = profile / "log.txt"
        with self.log.open("w") as log:
            self._process = subprocess.Popen(
                [*command, "--remote-debugging-port=0", "about:blank"],
                stdout=log,
                stderr=log,
            )
        self._numbers = itertools.count(1)
        self._open = ExitStack()
        try:
            self._join()
            width, height = size
            view = {"width": width, "height": height}
            self.ask("browsingContext.setViewport", viewport=view)
        except BaseException:
            self.close()
            raise

    def _join(self):
        deadline = time.monotonic() + SECONDS
        while not (found := _LISTENS.search(self.log.read_text())):
            if time.monotonic() > deadline:
                msg = f"Firefox must listen, said {self.log.read_text()}"
                raise TimeoutError(msg)
            time.sleep(0.1)
        joined = connect(f"{found[1]}/session", max_size=None, proxy=None)
        self._socket = self._open.enter_context(joined)
        self._context = None
        self.ask("session.new", capabilities={})
        # The tab that is there at the start never has the focus of the keys.
        made = self.ask("browsingContext.create", type="tab")
        self._context = made["context"]

    def ask(self, method, **given):
        """Give an order and return what came of it."""
        number = next(self._numbers)
        if self._context and method.startswith(("browsingContext", "input")):
            given["context"] = self._context
        order = {"id": number, "method": method, "params": given}
        self._socket.send(json.dumps(order))
        while True:
            told = json.loads(self._socket.recv(timeout=SECONDS))
            if told.get("id") != number:
                continue
            if told["type"] == "error":
                msg = f"{method}: {told['error']}, {told['message']}"
                raise AssertionError(msg)
            return told["result"]

    def close(self):
        """End it."""
        self._open.close()
        self._process.terminate()
        self._process.wait(20)

    def goto(self, url):
        """Load a page."""
        self.ask("browsingContext.navigate", url=url, wait="complete")

    def add_cookie(self, name, value):
        """Give the browser a cookie of this machine."""
        cookie = {
            "name": name,
            "value": {"type": "string", "value": value},
            "domain": "127.0.0.1",
        }
        self.ask("storage.setCookie", cookie=cookie)

    def evaluate(self, script):
        """Return what an expression gives, by way of JSON."""
        told = self.ask(
            "script.evaluate",
            expression=f"(async () => JSON.stringify(await ({script})))()",
            target={"context": self._context},
            awaitPromise=True,
        )
        assert told["type"] == "success", told
        value = told["result"].get("value")
        return None if value is None else json.loads(value)

    def wait(self, script):
        """Wait until an expression gives something, and return it."""
        deadline = time.monotonic() + SECONDS
        while not (found := self.evaluate(script)):
            if time.monotonic() > deadline:
                msg = f"{script} must come true, the page: {self.evaluate(STATE)}"
                raise TimeoutError(msg)
            time.sleep(0.1)
        return found

    def see(self, words):
        """Wait until the page says something and the server has no more to say."""
        ready = "document.querySelector(\"[data-test-script-state='notRunning']\")"
        said = f"document.body?.innerText.includes({json.dumps(words)})"
        for _ in range(2):
            self.wait(f"Boolean({said} && {ready})")
            time.sleep(0.25)

    def press(self, keys):
        """Press keys one after the other, as fast as a person.

        Raises:
            AssertionError: If the browser does not give one to the page though asked
                three times, which is no fault of the page.
        """
        for key in keys:
            page, before = self.evaluate(_COUNTS)
            *held, last = (
                [KEYS.get(k, k) for k in key.split("+")] if key != "+" else "+"
            )
            down = [{"type": "keyDown", "value": k} for k in (*held, last)]
            up = [{"type": "keyUp", "value": k} for k in (last, *held[::-1])]
            for _ in range(3):
                self._act({"type": "key", "id": "keys", "actions": [*down, *up]})
                time.sleep(0.15)
                if self.evaluate(_COUNTS) != [page, before]:
                    break
                self.ask("input.releaseActions")
                self.ask("browsingContext.activate")
            else:
                msg = f"{key} never reached the page: {self.evaluate(STATE)}"
                raise AssertionError(msg)

    def type(self, text):
        """Type a text."""
        self.press(text)

    def box(self, element):
        """Return place and size of the element that an expression gives."""
        measured = "{x: b.x, y: b.y, width: b.width, height: b.height}"
        script = (
            f"((e) => {{ e?.scrollIntoView({{block: 'nearest'}}); const b = "
            f"e?.getBoundingClientRect(); return b ? {measured} : null; }})"
            f"({element})"
        )
        return self.wait(script)

    def click_at(self, selector):
        """Click into the middle of the first element, also within components."""
        self.click(f"({_DEEP})({json.dumps(selector)})")

    def click(self, element):
        """Click into the middle of the element that an expression gives."""
        box = self.box(element)
        place = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        down, up = ({"type": f"pointer{n}", "button": 0} for n in ("Down", "Up"))
        self._point([_move(*place), down, up])

    def wheel(self, x, y, turned):
        """Turn the wheel with the pointer somewhere."""
        turn = {"x": round(x), "y": round(y), "deltaX": 0, "deltaY": turned}
        actions = [{"type": "scroll", **turn}]
        self._act({"type": "wheel", "id": "wheel", "actions": actions})

    def screenshot(self):
        """Return the page as PNG."""
        return base64.b64decode(self.ask("browsingContext.captureScreenshot")["data"])

    def _point(self, actions):
        kind = {"parameters": {"pointerType": "mouse"}}
        self._act({"type": "pointer", "id": "mouse", **kind, "actions": actions})

    def _act(self, source):
        self.ask("input.performActions", actions=[source])


def _move(x, y):
    return {"type": "pointerMove", "x": round(x), "y": round(y)}
