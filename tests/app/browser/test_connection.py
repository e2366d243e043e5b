"""A connection that is really lost: nothing entered is lost, or it is said before."""

import pytest

from app.accounts import READER
from tests.app.browser.cutting import Line
from tests.app.browser.driving import (
    SECONDS,
    chosen,
    open_reading,
    press,
    see,
    settle,
    stored,
)  # fmt: skip
from tests.app.browser.hands import READING
from tests.app.material import GOOD

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

LOST = "dialog#connection"


@pytest.fixture
def line(server, signed_in):
    """A line to the server that can be cut; Anna is signed in at its end."""
    line = Line(server.port)
    (cookie,) = [c for c in signed_in.cookies() if c["name"] == READER.cookie]
    signed_in.add_cookies(
        [{"name": READER.cookie, "value": cookie["value"], "url": line.url}]
    )
    line.room, line.study = server.room, server.study
    yield line
    line.close()


def wait_until_lost(page):
    page.locator(LOST).wait_for(timeout=SECONDS * 1000)
    return page.locator(LOST).inner_text()


def wait_until_back(page):
    page.locator(LOST).wait_for(state="detached", timeout=SECONDS * 1000)
    settle(page)


def restart(server, page):
    server.kill()
    wait_until_lost(page)
    server.start()
    wait_until_back(page)


def test_a_cut_line_is_told_and_what_was_entered_is_kept(line, signed_in):
    page = open_reading(signed_in, line)
    press(page, "12")
    page.keyboard.type("two veins")  # sent in a pause of typing, which does not come
    line.cut()
    told = wait_until_lost(page)
    assert "No connection" in told
    assert "is kept" in told
    assert "Nothing that you enter now counts" in told
    press(page, "341")
    page.keyboard.type("in vain")
    line.mend()
    wait_until_back(page)

    assert page.locator("body[data-lost]").count() == 0
    assert chosen(page) == [1, 2, 0, 0, 0, 0, 0]
    assert page.locator("textarea:visible").input_value() == "two veins"
    settle(page)
    page.wait_for_timeout(1500)
    draft = line.room.session_of("anna").next_reading().draft
    assert (draft.answers, draft.reasons) == (
        {"Q1": 1, "Q2A": 0},
        {"Q2A": "two veins"},
    )
    press(page, ["Escape", *READING[2:]])
    settle(page)
    press(page, ["Control+Enter"])
    see(page, "2 of 3")
    assert [r.answers for r in stored(line)] == [GOOD | {"Q2A": 0}]


def test_the_first_save_after_a_restart_is_stored(server, signed_in):
    page = open_reading(signed_in, server)
    press(page, READING)
    settle(page)
    page.reload()
    see(page, "1 of 3")
    page.locator("body[data-desk] input").first.wait_for(state="attached")
    restart(server, page)
    assert chosen(page) == [int(n) for n in READING]
    press(page, ["Control+Enter"])
    see(page, "2 of 3")

    assert [r.answers for r in stored(server)] == [GOOD]


def test_the_first_signature_and_correction_after_a_restart_count(server, signed_in):
    session = server.room.session_of("anna")
    while (reading := session.next_reading()) is not None:
        session.submit(reading.token, GOOD, {})
    page = signed_in.new_page()
    page.goto(server.url)
    see(page, "Trial 1: your answers")
    page.get_by_role("button", name="Look at it again").click()
    see(page, "Why is it corrected?")
    page.locator(".st-key-question-Q3").get_by_test_id("stRadioOption").nth(3).click()
    page.get_by_label("Why is it corrected?").fill("a slip")
    restart(server, page)
    see(page, "Why is it corrected?")
    page.get_by_role("button", name="Save correction").click()
    see(page, "Correction saved")
    assert {r.answers["Q3"] for r in stored(server)} == {2, 4}

    page.get_by_text("These are my answers").click()
    settle(page)
    page.reload()
    see(page, "Trial 1: your answers")
    page.get_by_text("These are my answers").click()
    settle(page)
    restart(server, page)
    page.get_by_role("button", name="Sign trial 1").click()
    see(page, "Trial 2 opens on")


@pytest.mark.parametrize("dropped", [False, True])
def test_a_save_into_a_silent_line_is_stored_once(line, signed_in, dropped):
    page = open_reading(signed_in, line)
    press(page, READING)
    settle(page)
    line.fall_silent()
    page.get_by_role("button", name="Save and next").click()
    assert "No connection" in wait_until_lost(page)
    page.wait_for_timeout(5000)
    assert stored(line) == ()
    if dropped:  # as a server does that has waited for a sign of life
        line.cut()
        line.speak()
        page.wait_for_timeout(1000)
        line.mend()
    line.speak()
    see(page, "2 of 3")
    wait_until_back(page)

    assert [r.answers for r in stored(line)] == [GOOD]
    assert chosen(page) == [0] * 7


def test_a_save_that_was_lost_is_not_pressed_again_over_a_change(line, signed_in):
    page = open_reading(signed_in, line)
    press(page, READING)
    settle(page)
    line.fall_silent()
    page.get_by_role("button", name="Save and next").click()
    choices = page.locator(".st-key-question-Q3").get_by_test_id("stRadioOption")
    choices.nth(3).click()
    wait_until_lost(page)
    line.cut()
    line.speak()
    line.mend()
    wait_until_back(page)
    page.wait_for_timeout(2000)

    assert stored(line) == ()
    assert chosen(page)[5] == 4


def test_a_text_survives_a_reload_in_the_middle_of_a_word(server, signed_in):
    page = open_reading(signed_in, server)
    press(page, "12")
    page.keyboard.type("two vei")
    page.reload()
    see(page, "1 of 3")
    page.wait_for_timeout(2500)

    assert page.locator("textarea:visible").input_value() == "two vei"
    draft = server.room.session_of("anna").next_reading().draft
    assert draft.reasons == {"Q2A": "two vei"}


def test_without_web_sockets_a_page_says_what_to_tell_the_it_department(
    server, context
):
    page = context.new_page()
    page.route_web_socket("**/_stcore/stream", lambda socket: socket.close())
    page.goto(server.url)
    page.locator(LOST).wait_for(timeout=30_000)  # 10 s where nothing else runs
    told = page.locator(LOST).inner_text()

    assert "tell your IT department: allow WebSockets" in told
    assert "/_stcore/stream" in told
