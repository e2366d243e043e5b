"""The monitor in a real browser, beside the reading room."""

import pytest

from app import accounts
from reader_study.running.access import revoke_coordinator
from reader_study.store.access import usable_codes
from tests.app.answers import read_trial
from tests.app.browser.conftest import built_large, context  # noqa: F401
from tests.app.browser.driving import SECONDS, see, settle
from tests.app.browser.hands import Wire
from tests.app.coordinator.planted import FORBIDDEN
from tests.app.coordinator.serving import PARTS, choose, enter, read_and_sign, serving
from tests.app.material import admit, open_study_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def begun_by_anna(room):
    admit(room)
    open_study_of(room)
    read_and_sign(room, "anna")


@pytest.fixture
def servers(built_large, tmp_path):  # noqa: F811
    """The reading room and the monitor of a study that Anna has begun."""
    with serving(built_large, tmp_path / "STUDY", begun_by_anna) as both:
        yield both


def issue_for(page, reader):
    """Click twice on Issue a code, as impatient people do."""
    choose(page, PARTS[2])
    page.get_by_role("combobox", name="Reader").click()
    page.get_by_role("option", name=reader).click()
    settle(page)
    page.get_by_role("button", name="Issue a code", exact=True).dblclick()
    see(page, f"Code for {reader}")
    return page.locator("p.code").inner_text()


def enter_reading(page, reading, name, code):
    page.goto(reading.url)
    see(page, "Sign in")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Code").fill(code)
    page.get_by_label("Code").press("Enter")
    see(page, "Instructions")


def test_a_code_of_the_monitor_opens_the_reading_room(servers, context):  # noqa: F811
    reading, monitor = servers
    page = context.new_page()
    wire = Wire(page)
    enter(page, monitor)
    for part in PARTS:
        choose(page, part)
    code = issue_for(page, "ben")

    with reading.room.store.reading() as connection:
        codes = usable_codes(connection, "ben", "2000")
    assert len(codes) == 2  # one was there; of the double click comes one
    names = {cookie["name"] for cookie in context.cookies()}
    assert accounts.COORDINATOR.cookie in names
    assert accounts.READER.cookie not in names
    enter_reading(context.new_page(), reading, "ben", code)
    page.reload()
    see(page, "Before it can be locked")
    choose(page, PARTS[2])
    assert not page.get_by_text(code).count()

    seen = b"\n".join(wire.bytes).lower()
    assert len(seen) > 10_000
    secret = [str(monitor.study).encode().lower()]
    assert [word for word in (*FORBIDDEN, *secret) if word in seen] == []
    assert wire.hosts == {"127.0.0.1"}


def test_one_browser_may_hold_both_and_each_server_heeds_its_own(servers, context):  # noqa: F811
    reading, monitor = servers
    page, other = context.new_page(), context.new_page()
    enter(page, monitor)
    enter_reading(other, reading, "ben", issue_for(page, "ben"))
    page.get_by_role("button", name="Sign out").click()
    see(page, "Coordinator: sign in")
    other.reload()

    see(other, "Instructions")
    page.reload()
    see(page, "Coordinator: sign in")


def test_the_page_follows_the_study_and_the_account(servers, context):  # noqa: F811
    reading, monitor = servers
    page = context.new_page()
    enter(page, monitor)
    assert page.get_by_text("3 of 12 submitted").count()
    read_trial(reading.room.session_of("ben"))
    page.get_by_text("6 of 12 submitted").wait_for(timeout=SECONDS * 1000)
    room = reading.room
    revoke_coordinator(room.store, "eve", by="operator", clock=room.clock)
    page.get_by_text("Coordinator: sign in").wait_for(timeout=SECONDS * 1000)
    assert not page.get_by_text("6 of 12 submitted").count()
