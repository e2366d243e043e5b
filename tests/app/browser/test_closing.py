"""The last questions by a slow hand, on a server that answers while it presses."""

import os
import signal

import pytest

from reader_study.running.lifecycle import Amendment, amend
from tests.app.browser.conftest import let_in
from tests.app.browser.driving import see, settle
from tests.app.browser.test_axe import built_with_all, finish, reading_room  # noqa: F401
from tests.app.material import GOOD

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def last_page(reading_room, context):  # noqa: F811
    """Anna's page before its last questions, and its server."""
    room = reading_room.room
    session = room.session_of("anna")
    for case in room.study.training.cases:
        session.training.submit(case.token, GOOD, {})
        session.training.go_on(case.token)
    finish(reading_room)
    session.sign(1)
    change = Amendment("no pause", "test", "coordinator", {"washout_days": 0.0})
    amend(room.study, room.store, change, clock=room.clock)
    finish(reading_room)
    session.sign(2)
    let_in(reading_room, context, reading_room.codes["anna"])
    page = context.new_page()
    page.goto(reading_room.url)
    see(page, "Before you go")
    return page, reading_room


def test_a_press_that_is_held_while_the_server_answers_is_a_choice(last_page):
    """What told of missing answers once went meanwhile, and the answer with it."""
    page, server = last_page
    page.get_by_role("button", name="Send").click()
    see(page, "Please answer all questions")
    no = page.get_by_test_id("stRadioOption").first
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        for n in (0, 1):
            page.get_by_test_id("stNumberInput").nth(n).locator("input").fill("1")
        box = no.bounding_box()
        page.mouse.move(box["x"] + 8, box["y"] + box["height"] / 2)
        page.mouse.down()
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
    page.wait_for_timeout(1500)
    page.mouse.up()
    settle(page)
    assert no.locator("input").is_checked()
    assert no.bounding_box() == box
    page.get_by_role("radiogroup").nth(1).get_by_test_id("stRadioOption").first.click()
    page.get_by_role("button", name="Send").click()
    see(page, "your part in this study is done")
