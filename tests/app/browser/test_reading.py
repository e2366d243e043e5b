"""Readings in a real browser."""

from urllib.parse import urlsplit

import pytest

from tests.app.browser.driving import (
    SECONDS,
    chosen,
    open_reading,
    press,
    see,
    settle,
    stored,
)
from tests.app.material import GOOD

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

FORBIDDEN = (
    b"rapid", b"magic", b"acquired", b"generated", b"synthetic", b"patient-00",
    b"reference_image", b"mild_moderate",
)  # fmt: skip


class Wire:
    """Every byte that a page gets, and every address that it asks."""

    def __init__(self, page):
        self.bytes, self.hosts = [], set()
        page.on("request", self._asked)
        page.on("response", self._answered)
        page.on("websocket", lambda socket: socket.on("framereceived", self._frame))

    def _asked(self, request):
        if request.url.startswith(("http", "ws")):
            self.hosts.add(urlsplit(request.url).hostname)

    def _answered(self, response):
        path = urlsplit(response.url).path
        # The scripts of Streamlit itself are the same in every study.
        if not path.startswith("/static/") and response.status == 200:
            self.bytes.append(response.body())

    def _frame(self, payload):
        self.bytes.append(payload if isinstance(payload, bytes) else payload.encode())


def enter_by_keyboard(page, server):
    page.goto(server.url)
    see(page, "Sign in")
    page.get_by_label("Name").focus()
    page.keyboard.type("anna")
    press(page, ["Tab"])
    page.keyboard.type(server.codes["anna"])
    press(page, ["Enter"])
    see(page, "Instructions")
    page.get_by_role("checkbox").focus()
    press(page, ["Space"])
    settle(page)
    page.get_by_role("button", name="Continue").focus()
    press(page, ["Enter"])
    see(page, "Your display")
    page.get_by_role("button", name="I see all").focus()
    press(page, ["Enter"])


def read_by_keyboard(page, position):
    see(page, f"{position} of 3")
    press(page, "1")
    press(page, "2" if position == 2 else "1")
    if position == 2:
        page.locator("textarea:focus").wait_for(timeout=SECONDS * 1000)
        page.keyboard.type("motion 12")
        press(page, ["Escape"])
    press(page, "11124")
    settle(page)
    press(page, ["Control+Enter"])


def sign_by_keyboard(page):
    see(page, "Trial 1: your answers")
    page.get_by_role("checkbox").focus()
    press(page, ["Space"])
    settle(page)
    page.get_by_role("button", name="Sign trial 1").focus()
    press(page, ["Enter"])
    see(page, "Trial 2 opens on")


def test_a_whole_trial_by_keyboard_alone(server, context):
    page = context.new_page()
    wire = Wire(page)
    enter_by_keyboard(page, server)
    for position in (1, 2, 3):
        read_by_keyboard(page, position)
    sign_by_keyboard(page)

    responses = stored(server)
    assert [r.answers for r in responses] == [GOOD, GOOD | {"Q2A": 0}, GOOD]
    assert dict(responses[1].reasons) == {"Q2A": "motion 12"}
    assert all(0 < r.active_seconds < 60 for r in responses)
    seen = b"\n".join(wire.bytes).lower()
    assert len(seen) > 3 * 900 * 700
    secret = [str(server.study).encode().lower()]
    assert [w for w in (*FORBIDDEN, *secret) if w in seen] == []
    assert wire.hosts == {"127.0.0.1"}


def test_a_double_click_is_stored_once_and_nothing_is_carried_over(server, signed_in):
    page = open_reading(signed_in, server)
    press(page, "1111124")
    settle(page)
    page.get_by_role("button", name="Save and next").dblclick()
    see(page, "2 of 3")

    assert [r.answers for r in stored(server)] == [GOOD]
    assert chosen(page) == [0] * 7


def test_a_reload_keeps_the_draft_even_of_a_text_that_is_being_typed(server, signed_in):
    page = open_reading(signed_in, server)
    press(page, "12")
    page.locator("textarea:focus").wait_for(timeout=SECONDS * 1000)
    page.keyboard.type("two veins")
    page.wait_for_timeout(2500)
    page.reload()
    see(page, "1 of 3")

    assert chosen(page) == [1, 2, 0, 0, 0, 0, 0]
    assert page.locator("textarea").first.input_value() == "two veins"


def test_a_server_killed_in_mid_answer_costs_nothing(server, signed_in):
    page = open_reading(signed_in, server)
    press(page, "111")
    settle(page)
    server.kill()
    page.wait_for_timeout(500)
    press(page, "1112")  # while there is no server
    server.start()
    page.locator("[data-testid='stConnectionStatus']").wait_for(state="hidden")
    see(page, "1 of 3")
    page.wait_for_timeout(3000)
    settle(page)

    assert chosen(page)[:3] == [1, 1, 1]
    while 0 in (now := chosen(page)):
        press(page, str([1, 1, 1, 1, 1, 2, 4][now.index(0)]))
        settle(page)
    shown = chosen(page)
    press(page, ["Control+Enter"])
    see(page, "2 of 3")
    (response,) = stored(server)
    scales = [
        [c.code for c in q.choices] for q in server.room.study.questionnaire.questions
    ]
    assert list(response.answers.values()) == [
        scale[n - 1] for scale, n in zip(scales, shown, strict=True)
    ]


def test_a_stale_tab_moves_on_with_its_next_answer(server, signed_in):
    first, stale = (open_reading(signed_in, server) for _ in range(2))
    first.bring_to_front()
    press(first, "1111124")
    settle(first)
    press(first, ["Control+Enter"])
    see(first, "2 of 3")
    stale.bring_to_front()
    press(stale, "2")
    see(stale, "2 of 3")

    assert "answered already, otherwise; nothing was stored" in stale.inner_text("body")
    assert chosen(stale) == [0] * 7
    assert [r.answers for r in stored(server)] == [GOOD]
