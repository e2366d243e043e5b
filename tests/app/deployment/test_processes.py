"""Two processes on one PostgreSQL: a reader may land on either at any time."""

import pytest

from app.accounts import READER
from reader_study.store.readings import find_responses
from tests.app.deployment.running import (
    choose,
    choose_good,
    chosen,
    see,
    sign_in_by_mouse,
)
from tests.app.material import GOOD

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def stored(room):
    with room.store.reading() as connection:
        return find_responses(connection)


def open_at(context, url, place):
    page = context.new_page()
    page.goto(url)
    see(page, place)
    return page


def test_a_reading_begun_on_one_continues_on_the_other(ready, processes, context):
    room, codes = ready
    first, second = processes
    page = context.new_page()
    sign_in_by_mouse(page, first.url, "anna", codes["anna"])
    choose(page, [1, 3, 1])

    other = open_at(context, second.url, "1 of 3")
    assert chosen(other) == [1, 3, 1, 0, 0, 0, 0]
    choose(other, [0, 0, 0, 1, 1, 2, 4])
    first.kill()
    other.get_by_role("button", name="Save and next").click()
    see(other, "2 of 3")
    scale = room.study.questionnaire.questions[1].scale
    assert [r.answers for r in stored(room)] == [GOOD | {"Q2A": scale[2].code}]


def test_the_same_answers_to_both_at_once_are_stored_once(
    ready, processes, context, anna_secret
):
    room, _ = ready
    for process in processes:
        context.add_cookies(
            [{"name": READER.cookie, "value": anna_secret, "url": process.url}]
        )
    page = open_at(context, processes[0].url, "1 of 3")
    choose_good(page)
    pages = [page, open_at(context, processes[1].url, "1 of 3")]
    assert chosen(pages[1]) == chosen(pages[0])
    for page in pages:
        page.get_by_role("button", name="Save and next").evaluate("(b) => b.click()")
    for page in pages:
        see(page, "2 of 3")

    assert [r.answers for r in stored(room)] == [GOOD]
    assert chosen(pages[0]) == chosen(pages[1]) == [0] * 7


def test_who_signs_out_on_one_is_signed_out_on_the_other(
    ready, processes, context, anna_secret
):
    first, second = processes
    context.add_cookies(
        [{"name": READER.cookie, "value": anna_secret, "url": first.url}]
    )
    page = open_at(context, first.url, "1 of 3")
    other = open_at(context, second.url, "1 of 3")
    page.get_by_role("button", name="Sign out").click()
    see(page, "Name")
    choose(other, [1])
    see(other, "Your session has ended")

    assert other.locator("canvas").count() == 0
