from app.oidc.accounts import LOGIN
from tests.app.answers import words


def test_the_sign_in_page_offers_the_account_beside_the_code(
    accounts, open_room, cookies, page
):
    shown = page()
    assert f"href='{LOGIN}'" in words(shown)
    assert [field.label for field in shown.text_input][:2] == ["Name", "Code"]


def test_a_refusal_is_told_and_nothing_else_of_an_address(
    accounts, open_room, cookies, page
):
    shown = page()
    shown.query_params["account"] = "unknown"
    assert "does not belong to an active reader" in words(shown.run())
    shown.query_params["account"] = "<b>you have won</b>"
    assert "won" not in words(shown.run())


def test_without_accounts_there_is_no_such_way(open_room, cookies, page):
    shown = page()
    shown.query_params["account"] = "unknown"
    said = words(shown.run())
    assert LOGIN not in said
    assert "active reader" not in said
