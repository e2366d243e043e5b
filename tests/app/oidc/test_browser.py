"""A real browser, a real server, and a provider of accounts on another site."""

import pytest

from app.accounts import READER
from reader_study.running.access import AccessError, resume
from reader_study.running.registry import exclude_reader
from reader_study.store.readings import find_responses
from tests.app.deployment.running import choose_good, see, settle
from tests.app.oidc.fake_provider import verified

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

LINK = "Sign in with your hospital account"


def by_account(context, url):
    page = context.new_page()
    page.goto(url)
    see(page, LINK)
    page.get_by_text(LINK).click()
    return page


def cookies_of(context):
    return {cookie["name"]: cookie for cookie in context.cookies()}


def as_far_as_the_first_picture(page):
    see(page, "Instructions")
    page.get_by_text("I have read").first.click()
    settle(page)
    page.get_by_role("button", name="Continue").click()
    see(page, "Your display")
    page.get_by_role("button", name="I see all").click()
    see(page, "1 of 3")


def test_a_reader_signs_in_reads_a_case_and_signs_out(
    process, ready, provider, context
):
    room, _ = ready
    provider.claims = verified("Anna.Smith@example.org")
    page = by_account(context, process.url)
    as_far_as_the_first_picture(page)

    kept = cookies_of(context)
    assert [name for name in kept if name.startswith("_streamlit_user")] == []
    assert kept[READER.cookie]["httpOnly"]
    assert kept[READER.cookie]["sameSite"] == "Strict"
    assert kept[READER.cookie]["expires"] == -1
    secret = kept[READER.cookie]["value"]
    assert resume(room.store, secret, clock=room.clock) == "anna"
    assert len(context.pages) == 1  # no second window was opened

    choose_good(page)
    page.get_by_role("button", name="Save and next").click()
    see(page, "2 of 3")
    with room.store.reading() as connection:
        assert len(find_responses(connection)) == 1

    page.get_by_role("button", name="Sign out").click()
    see(page, LINK)
    kept = cookies_of(context)
    assert READER.cookie not in kept
    assert [name for name in kept if name.startswith("_streamlit_user")] == []
    with pytest.raises(AccessError):
        resume(room.store, secret, clock=room.clock)


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        (verified("eve@example.org"), "does not belong to an active reader"),
        ({"email": "anna.smith@example.org"}, "has not confirmed the e-mail"),
        ({**verified("anna.smith@example.org"), "aud": "another"}, "not completed"),
    ],
)
def test_others_stay_outside_and_are_told_why(
    process, provider, context, claims, words
):
    provider.claims = claims
    page = by_account(context, process.url)
    see(page, words)
    assert READER.cookie not in cookies_of(context)
    assert page.get_by_label("Code").is_visible()


def test_who_was_excluded_stays_outside(process, ready, provider, context):
    room, _ = ready
    exclude_reader(room.store, "anna", reason="ill", by="Eve", clock=room.clock)
    provider.claims = verified("anna.smith@example.org")
    see(by_account(context, process.url), "does not belong to an active reader")
