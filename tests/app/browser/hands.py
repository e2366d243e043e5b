"""What a reader does in the browser, by keyboard or by mouse."""

from urllib.parse import urlsplit

from tests.app.browser.driving import HEARD, SECONDS, press, see, settle

READING = "1111124"
"""Numbers of the answers that `tests.app.material.GOOD` stands for."""


class Wire:
    """Every byte that a page gets, and every address that it asks."""

    def __init__(self, page):
        self.bytes, self.hosts = [], set()
        page.on("request", self._asked)
        page.on("response", self._answered)
        page.on("websocket", self._joined)

    def _asked(self, request):
        if request.url.startswith(("http", "ws")):
            self.hosts.add(urlsplit(request.url).hostname)

    def _answered(self, response):
        path = urlsplit(response.url).path
        # The scripts of Streamlit itself are the same in every study.
        if not path.startswith("/static/") and response.status == 200:
            self.bytes.append(response.body())

    def _joined(self, socket):
        self.hosts.add(urlsplit(socket.url).hostname)
        socket.on("framereceived", self._frame)

    def _frame(self, payload):
        self.bytes.append(payload if isinstance(payload, bytes) else payload.encode())


class Keyboard:
    """Never touches the mouse."""

    def enter(self, page, server, code):
        page.goto(server.url)
        see(page, "Sign in")
        page.get_by_label("Name").focus()
        page.keyboard.type("anna")
        press(page, ["Tab"])
        page.keyboard.type(code)
        press(page, ["Enter"])

    def agree(self, page):
        see(page, "Instructions")
        page.get_by_role("checkbox").focus()
        press(page, ["Space"])
        self._push(page, "Continue")

    def check_display(self, page):
        see(page, "Your display")
        self._push(page, "I see all")

    def read(self, page, position, *, because=""):
        see(page, f"{position} of 3")
        page.wait_for_function(HEARD, timeout=SECONDS * 1000)
        if because:
            press(page, "12")
            page.keyboard.type(because)
            press(page, ["Escape", *READING[2:]])
        else:
            press(page, READING)
        settle(page)
        press(page, ["Control+Enter"])

    def sign(self, page, trial):
        see(page, f"Trial {trial}: your answers")
        page.get_by_role("checkbox").focus()
        press(page, ["Space"])
        self._push(page, f"Sign trial {trial}")

    def _push(self, page, name):
        page.locator(f"button:enabled:has-text('{name}')").focus(timeout=SECONDS * 1000)
        press(page, ["Enter"])


class Mouse:
    """Uses the keyboard for words only."""

    def enter(self, page, server, code):
        page.goto(server.url)
        see(page, "Sign in")
        page.get_by_label("Name").fill("anna")
        page.get_by_label("Code").fill(code)
        page.get_by_role("button", name="Sign in").click()

    def agree(self, page):
        see(page, "Instructions")
        page.get_by_text("I have read the instructions").click()
        page.get_by_role("button", name="Continue").click()

    def check_display(self, page):
        see(page, "Your display")
        page.get_by_role("button", name="I see all").click()

    def read(self, page, position, *, because=""):
        see(page, f"{position} of 3")
        numbers = ("12" + READING[2:]) if because else READING
        questions = page.locator("[class*='st-key-question-']")
        for n, number in enumerate(numbers):
            choice = questions.nth(n).get_by_test_id("stRadioOption")
            choice.nth(int(number) - 1).click()
        if because:
            page.locator("textarea:visible").fill(because)
        page.get_by_role("button", name="Save and").click()

    def sign(self, page, trial):
        see(page, f"Trial {trial}: your answers")
        page.get_by_text("These are my answers").click()
        page.get_by_role("button", name=f"Sign trial {trial}").click()
