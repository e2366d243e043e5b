"""Both routes before a provider on this machine, without a browser."""

import json
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import OctKey, RSAKey
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware

from app.accounts import READER
from app.oidc import routes
from app.oidc.accounts import CALLBACK, LOGIN
from reader_study.errors import StudyError
from reader_study.running.access import resume
from tests.app.oidc.asking import Client
from tests.app.oidc.fake_provider import SECRET, verified

ANNA = verified("anna.smith@example.org")


@pytest.fixture
def client(open_room, accounts):
    session = Middleware(SessionMiddleware, secret_key="of this test")  # noqa: S106
    app = Starlette(routes=routes.routes_of(accounts), middleware=[session])
    return Client(app)


def entries(room):
    with room.store.reading() as connection:
        found = connection.exec_driver_sql("SELECT entry FROM audit_log ORDER BY n")
        return [json.loads(entry) for entry in found.scalars()]


def sent_back(client):
    """Go to the provider; give the address that it sends the browser back to."""
    there = client.get(LOGIN)
    assert there.status_code == 302
    return httpx.get(there.headers["location"]).headers["location"]


def why(answer):
    """Why somebody was refused."""
    assert answer.status_code == 303
    assert READER.cookie not in answer.cookies
    return parse_qs(urlsplit(answer.headers["location"]).query)["account"]


def test_an_account_becomes_a_session_of_our_own(client, provider, open_room, clock):
    provider.claims = ANNA
    answer = client.get(sent_back(client))

    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert answer.headers["cache-control"] == "no-store"
    assert resume(open_room.store, answer.cookies[READER.cookie], clock=clock) == "anna"
    assert set(client.cookies) == {READER.cookie}  # nothing of the provider is left
    (cookie,) = [c for c in answer.headers.get_list("set-cookie") if READER.cookie in c]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    entry = entries(open_room)[-1]
    assert (entry["event"], entry["actor"]) == ("session.started", "anna")
    assert entry["details"]["how"] == "oidc"
    assert "example.org" not in json.dumps(entries(open_room))


def test_the_provider_is_asked_for_a_new_sign_in_and_little_else(client, provider):
    sent_back(client)
    (asked,) = provider.asked
    assert asked["prompt"] == "login"
    assert asked["scope"] == "openid email"
    assert asked["code_challenge_method"] == "S256"
    assert {"state", "nonce", "code_challenge"} <= set(asked)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        (verified("eve@example.org"), "unknown"),
        (verified("ben@example.org"), "unknown"),
        ({"email": "anna.smith@example.org"}, "unverified"),
        ({**ANNA, "auth_time": 1}, "earlier"),
        ({**ANNA, "aud": "another"}, "failed"),
        ({**ANNA, "iss": "https://elsewhere.example.org"}, "failed"),
        ({**ANNA, "exp": 1}, "failed"),
        ({**ANNA, "nonce": "of before"}, "failed"),
    ],
)
def test_a_wrong_token_lets_nobody_in(client, provider, open_room, claims, reason):
    provider.claims = claims
    answer = client.get(sent_back(client))
    assert why(answer) == [reason]
    last = entries(open_room)[-1]
    if reason == "failed":
        assert last["event"] != "session.started"
    else:
        assert (last["event"], last["actor"]) == ("session.refused", "")
        assert len(last["details"]["account"]) == 16
    assert "example.org" not in json.dumps(entries(open_room))


@pytest.mark.parametrize(
    ("token", "userinfo", "reason"),
    [
        ({}, ANNA, None),
        ({}, {**ANNA, "sub": "2"}, "failed"),
        ({}, {**ANNA, "sub": None}, "failed"),
        ({}, {"email": "anna.smith@example.org"}, "unverified"),
        ({}, verified("eve@example.org"), "unknown"),
        # Verified is another address than that of the identity token.
        (
            {"email": "anna.smith@example.org"},
            verified("eve@example.org"),
            "unknown",
        ),
        (
            {"email": "anna.smith@example.org", "email_verified": False},
            ANNA,
            "unverified",
        ),
    ],
)
def test_what_the_token_lacks_is_asked_of_user_info(
    client, provider, token, userinfo, reason
):
    provider.claims, provider.userinfo = token, userinfo
    answer = client.get(sent_back(client))
    if reason is None:
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert READER.cookie in answer.cookies
    else:
        assert why(answer) == [reason]


def test_two_tabs_may_sign_in_side_by_side(client, provider):
    provider.claims = ANNA
    first, second = sent_back(client), sent_back(client)
    for back in (first, second):
        assert client.get(back).headers["location"] == "/"
        client.cookies.delete(READER.cookie)
    assert why(client.get(first)) == ["failed"]


@pytest.mark.parametrize("number", [5])
def test_ways_that_never_come_back_do_not_fill_the_cookie(client, provider, number):
    provider.claims = ANNA
    ways = [sent_back(client) for _ in range(number)]
    assert sum(len(value) for value in client.cookies.values()) < 3500
    assert client.get(ways[-1]).headers["location"] == "/"


@pytest.mark.parametrize(
    ("supported", "named", "good"),
    [
        (True, "own", True),
        (True, None, False),
        (False, None, True),
        (False, "own", True),
        (False, "https://elsewhere.example.org", False),
    ],
)
def test_the_answer_names_the_provider_that_was_asked(
    client, provider, supported, named, good
):
    provider.claims = ANNA
    provider.metadata["authorization_response_iss_parameter_supported"] = supported
    if named:
        provider.answers = {"iss": provider.url if named == "own" else named}
    answer = client.get(sent_back(client))
    assert (answer.headers["location"] == "/") is good


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        ("RS256", RSAKey.generate_key(2048, {"kid": "1"})),
        ("HS256", OctKey.import_key(SECRET)),
        ("none", None),
    ],
)
def test_a_token_must_be_signed_by_the_provider(client, provider, algorithm, key):
    provider.claims = ANNA
    provider.header, provider.signs = {"alg": algorithm, "kid": "1"}, key
    assert why(client.get(sent_back(client))) == ["failed"]


def test_a_way_back_counts_once_and_for_its_browser_alone(client, provider, accounts):
    provider.claims = ANNA
    back = sent_back(client)
    assert why(Client(client.app).get(back)) == ["failed"]
    assert client.get(back).headers["location"] == "/"
    client.cookies.clear()
    assert why(client.get(back)) == ["failed"]
    assert why(client.get(f"{CALLBACK}?error=access_denied")) == ["failed"]


def test_a_provider_that_is_another_is_refused(client, provider):
    provider.claims = {**ANNA, "iss": "https://elsewhere.example.org"}
    provider.metadata["issuer"] = "https://elsewhere.example.org"
    assert why(client.get(sent_back(client))) == ["failed"]


def test_a_provider_that_does_not_answer_is_told_without_secrets(
    client, provider, capsys
):
    provider.claims = ANNA
    back = sent_back(client)
    provider.metadata.clear()
    assert why(client.get(LOGIN)) == ["failed"]
    provider.stop()
    assert why(client.get(LOGIN)) == ["failed"]
    assert why(client.get(back)) == ["failed"]
    told = capsys.readouterr().err
    assert told.count("magic-app: Hospital account: ") == 3
    assert SECRET not in told
    assert "code-" not in told


def test_a_store_that_cannot_be_used_lets_nobody_in(client, provider, monkeypatch):
    def broken(*_, **__):
        raise StudyError("The store is busy")  # noqa: EM101

    monkeypatch.setattr(routes, "sign_in_verified", broken)
    provider.claims = ANNA
    assert why(client.get(sent_back(client))) == ["failed"]
