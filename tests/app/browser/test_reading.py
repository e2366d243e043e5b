"""Mishaps of a reading in a real browser: each answer is stored once, or told."""

import hashlib

import pytest

from app.accounts import READER
from reader_study.clock import from_text
from reader_study.running.access import issue_code
from reader_study.store.access import READER_SESSIONS
from tests.app.browser.conftest import let_in
from tests.app.browser.driving import chosen, open_reading, press, see, settle, stored
from tests.app.browser.hands import READING, Keyboard
from tests.app.material import GOOD

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_a_double_click_is_stored_once_and_nothing_is_carried_over(server, signed_in):
    page = open_reading(signed_in, server)
    press(page, READING)
    settle(page)
    page.get_by_role("button", name="Save and next").dblclick()
    see(page, "2 of 3")

    assert [r.answers for r in stored(server)] == [GOOD]
    assert chosen(page) == [0] * 7


def test_a_save_tapped_while_a_text_is_typed_is_no_lost_tap(server, browser):
    context = browser.new_context(
        viewport={"width": 1180, "height": 820}, has_touch=True
    )
    page = open_reading(let_in(server, context, server.codes["anna"]), server)
    press(page, ["1", "2", *"two", "Escape", *READING[2:]])
    settle(page)
    page.locator("textarea:visible").tap()
    press(page, ["End", *" veins"])
    button = page.get_by_role("button", name="Save and next").bounding_box()
    place = {"x": button["x"] + button["width"] / 2, "y": button["y"] + 15}
    finger = context.new_cdp_session(page)
    for kind, points in (("touchStart", [place]), ("touchEnd", [])):
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        page.wait_for_timeout(120)
    see(page, "2 of 3")
    assert [r.reasons for r in stored(server)] == [{"Q2A": "two veins"}]
    context.close()


def test_a_reload_keeps_the_draft_even_of_a_text_that_is_being_typed(server, signed_in):
    page = open_reading(signed_in, server)
    press(page, "12")
    page.keyboard.type("two veins")
    page.wait_for_timeout(2500)
    page.reload()
    see(page, "1 of 3")

    assert chosen(page) == [1, 2, 0, 0, 0, 0, 0]
    assert page.locator("textarea:visible").input_value() == "two veins"


HIDDEN = "Object.defineProperty(document, 'hidden', {configurable: true, value: true})"
ELSEWHERE = "document.hasFocus = () => false"
AFTER = "const was = Date.now; Date.now = () => was() + {minutes} * 60 * 1000"


def test_looking_counts_and_a_page_that_is_hidden_left_or_forgotten_does_not(
    server, signed_in
):
    page = open_reading(signed_in, server)
    press(page, READING)
    settle(page)
    for begin, end in (
        (HIDDEN, "delete document.hidden"),
        (ELSEWHERE, "delete document.hasFocus"),
        (AFTER.replace("{minutes}", "3"), "null"),  # still thinking: it counts
        (AFTER.replace("{minutes}", "3"), "null"),  # six: it does not
    ):
        page.evaluate(f"{{ {begin} }}")
        page.wait_for_timeout(4000)
        page.evaluate(end)
    press(page, ["Control+Enter"])
    see(page, "2 of 3")

    (response,) = stored(server)
    passed = from_text(response.submitted_at) - from_text(response.opened_at)
    assert 3 < response.active_seconds < passed.total_seconds() - 10


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
        press(page, READING[now.index(0)])
        settle(page)
    shown = chosen(page)
    press(page, ["Control+Enter"])
    see(page, "2 of 3")
    (response,) = stored(server)
    scales = [
        [c.code for c in q.scale] for q in server.room.study.questionnaire.questions
    ]
    assert list(response.answers.values()) == [
        scale[n - 1] for scale, n in zip(scales, shown, strict=True)
    ]


def test_a_stale_tab_moves_on_with_its_next_answer(server, signed_in):
    first, stale = (open_reading(signed_in, server) for _ in range(2))
    first.bring_to_front()
    press(first, READING)
    settle(first)
    press(first, ["Control+Enter"])
    see(first, "2 of 3")
    stale.bring_to_front()
    press(stale, "2")
    see(stale, "2 of 3")

    assert "answered already, otherwise; nothing was stored" in stale.inner_text("body")
    assert chosen(stale) == [0] * 7
    assert [r.answers for r in stored(server)] == [GOOD]


def test_without_a_network_nothing_can_be_pressed_and_then_it_goes_on(
    server, signed_in
):
    page = open_reading(signed_in, server)
    press(page, READING)
    settle(page)
    signed_in.set_offline(True)
    lost = page.locator("dialog#connection")
    lost.wait_for()
    press(page, ["2", "Control+Enter"])

    assert "No connection" in lost.inner_text()
    assert chosen(page) == [int(n) for n in READING]
    signed_in.set_offline(False)
    lost.wait_for(state="detached")
    settle(page)
    assert stored(server) == ()
    page.get_by_role("button", name="Save and next").click()
    see(page, "2 of 3")
    assert [r.answers for r in stored(server)] == [GOOD]
    assert chosen(page) == [0] * 7


def test_two_tabs_that_save_the_same_store_it_once(server, signed_in):
    first = open_reading(signed_in, server)
    press(first, READING)
    settle(first)
    second = open_reading(signed_in, server)
    assert chosen(second) == [int(n) for n in READING]
    for page in (second, first):
        page.bring_to_front()
        press(page, ["Control+Enter"])
        see(page, "2 of 3")

    assert [r.answers for r in stored(server)] == [GOOD]
    assert "receipt" in first.inner_text("body")
    assert chosen(first) == chosen(second) == [0] * 7


def test_back_and_forward_lead_to_the_reading_at_hand(server, signed_in):
    page = open_reading(signed_in, server)
    press(page, READING)
    settle(page)
    press(page, ["Control+Enter"])
    see(page, "2 of 3")
    press(page, "1")
    settle(page)
    page.go_back()
    page.go_forward()
    see(page, "2 of 3")

    assert chosen(page) == [1, 0, 0, 0, 0, 0, 0]
    assert [r.answers for r in stored(server)] == [GOOD]


def test_a_device_left_behind_is_told_and_moves_on(server, signed_in, second_device):
    left = open_reading(signed_in, server)
    press(left, READING)
    settle(left)
    other = open_reading(second_device, server)
    press(other, "2")  # keys go to the question that waits, and none does
    other.locator(".st-key-question-Q3").get_by_test_id("stRadioOption").nth(3).click()
    settle(other)
    press(other, ["Control+Enter"])
    see(other, "2 of 3")
    press(left, ["Control+Enter"])
    see(left, "2 of 3")

    assert "answered already, otherwise; nothing was stored" in left.inner_text("body")
    assert [r.answers for r in stored(server)] == [GOOD | {"Q3": 4}]
    assert chosen(left) == [0] * 7


def test_after_an_expired_session_the_draft_is_there(server, signed_in):
    page = open_reading(signed_in, server)
    press(page, READING[:4])
    settle(page)
    end_by_idleness(server, signed_in)
    press(page, READING[4])
    see(page, "Sign in")
    assert "What was saved is kept" in page.inner_text("body")
    code = issue_code(server.room.store, "anna", by="test", clock=server.room.clock)
    keyboard = Keyboard()
    keyboard.enter(page, server, code)
    keyboard.check_display(page)
    see(page, "1 of 3")

    assert chosen(page)[:4] == [1] * 4
    press(page, READING[chosen(page).index(0) :])
    settle(page)
    press(page, ["Control+Enter"])
    see(page, "2 of 3")
    assert [r.answers for r in stored(server)] == [GOOD]


def end_by_idleness(server, context):
    """Let the session of a browser have been seen last long ago."""
    (secret,) = (c["value"] for c in context.cookies() if c["name"] == READER.cookie)
    session = hashlib.sha256(secret.encode()).hexdigest()
    with server.room.store.writing(server.room.clock) as t:
        assert READER_SESSIONS.find(t.connection, session)
        long_ago = "2020-01-01T00:00:00.000000Z"
        READER_SESSIONS.touch(t.connection, session, long_ago, end=False)


def test_keys_typed_at_once_go_where_the_reader_means_them(server, signed_in):
    page = open_reading(signed_in, server)
    for key in ["1", "2", *"noise", "Escape", *READING[2:]]:
        page.keyboard.press(key)
    settle(page)

    assert chosen(page) == [1, 2, 1, 1, 1, 2, 4]
    assert page.locator("textarea:visible").input_value() == "noise"


def test_an_explanation_outlives_a_change_of_mind(server, signed_in):
    page = open_reading(signed_in, server)
    press(page, "12")
    page.keyboard.type("noise")
    press(page, ["Escape"])
    quality = page.locator(".st-key-question-Q2A").get_by_test_id("stRadioOption")
    quality.nth(0).click()
    settle(page)
    assert page.locator("textarea:visible").count() == 0
    quality.nth(1).click()
    settle(page)

    assert page.locator("textarea:visible").input_value() == "noise"


def test_no_key_opens_what_is_not_the_readers(server, signed_in):
    page = open_reading(signed_in, server)
    press(page, ["c", "r", "m", "Escape"])
    settle(page)

    assert page.locator("[role=dialog]").count() == 0
    assert page.get_by_text("Deploy").count() == 0
    assert page.get_by_test_id("stMainMenu").count() == 0
    assert chosen(page) == [0] * 7
