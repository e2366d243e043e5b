"""What readers are told when the store cannot be used."""

import pytest

from app import accounts
from reader_study.errors import StudyError
from tests.app.answers import words


@pytest.fixture
def broken():
    def use(*_, **__):
        msg = "The database cannot be used: /srv/secret is full"
        raise StudyError(msg)

    return use


def test_a_store_that_cannot_be_read(open_room, cookies, page, broken, monkeypatch):
    monkeypatch.setattr("app.screens.page.reader_at_browser", broken)
    shown = words(page())

    assert "Nothing that you saved is lost" in shown
    assert "Research use only" in shown
    assert "/srv/secret" not in shown


def test_a_sign_in_that_cannot_be_stored(open_room, cookies, page, broken, monkeypatch):
    monkeypatch.setattr(accounts.Role, "room_named", broken)
    shown = page()
    shown.button[0].click().run()

    assert accounts.READER.failed in words(shown)
    assert "/srv/secret" not in words(shown)


def test_signing_out_without_a_store_still_leaves_the_browser(
    anna, page, broken, monkeypatch, capsys
):
    monkeypatch.setattr(accounts.Role, "sign_out", broken)
    shown = page()
    shown.button(key="sign-out").click().run()

    assert not shown.radio
    assert "/srv/secret" in capsys.readouterr().err
