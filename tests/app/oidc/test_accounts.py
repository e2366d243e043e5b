import pytest

from app.oidc.accounts import DISCOVERY, SENTENCES, Accounts, Refusal

URL = "https://login.example.org/hospital"
ANNA = {"email": "anna@example.org", "email_verified": True}


def accounts(**settings):
    values = {
        "metadata_url": URL + DISCOVERY,
        "client_id": "room",
        "client_secret": "hush",
        "redirect_uri": "https://reading.example.org/oidc/callback",
        "readers": {"anna@example.org": "anna"},
    }
    return Accounts(**values | settings)


@pytest.mark.parametrize(
    ("claims", "found"),
    [
        (ANNA, "anna"),
        ({**ANNA, "email": " Anna@Example.ORG"}, "anna"),
        ({**ANNA, "email": "eve@example.org"}, Refusal.UNKNOWN),
        ({**ANNA, "email": ["anna@example.org"]}, Refusal.UNKNOWN),
        ({"email_verified": True}, Refusal.UNKNOWN),
        ({"email": "anna@example.org"}, Refusal.UNVERIFIED),
        ({**ANNA, "email_verified": "true"}, Refusal.UNVERIFIED),
        ({**ANNA, "email_verified": 1}, Refusal.UNVERIFIED),
        ({**ANNA, "auth_time": 1000}, "anna"),
        ({**ANNA, "auth_time": 890}, "anna"),  # clocks differ
        ({**ANNA, "auth_time": 800}, Refusal.EARLIER),
    ],
)
def test_only_a_verified_account_that_is_listed_is_a_reader(claims, found):
    assert accounts().reader_of(claims, begun=1000) == found


def test_another_claim_counts_letter_by_letter_and_needs_no_e_mail():
    a = accounts(claim="sub", readers={"A-1": "anna"})
    assert a.reader_of({"sub": "A-1"}, begun=0) == "anna"
    assert a.reader_of({"sub": "a-1"}, begun=0) is Refusal.UNKNOWN
    assert (a.scope, accounts().scope) == ("openid profile", "openid email")


def test_the_log_has_a_pseudonym_that_only_the_secret_gives():
    a = accounts()
    assert a.pseudonym_of(ANNA) == a.pseudonym_of({"email": "ANNA@example.org"})
    assert len(a.pseudonym_of(ANNA)) == 16
    other = accounts(client_secret="another")  # noqa: S106
    assert a.pseudonym_of(ANNA) != other.pseudonym_of(ANNA)
    assert a.pseudonym_of(ANNA) != a.pseudonym_of({"email": "eve@example.org"})


def test_issuer_and_host_follow_from_the_addresses():
    assert accounts().issuer == URL
    assert accounts().host == "reading.example.org"
    assert "hush" not in repr(accounts())


def test_each_refusal_is_told_in_a_sentence():
    assert set(SENTENCES) == set(Refusal)
