import re
from pathlib import Path

import pytest

from app.oidc.accounts import accounts_for, parse_accounts, read_accounts
from reader_study.errors import StudyError

TEXT = """\
[provider]
metadata_url = "https://login.example.org/.well-known/openid-configuration"
client_id = "reading-room"
client_secret = "hush-hush"
redirect_uri = "https://reading.example.org/oidc/callback"

[readers]
"Anna.Smith@example.org" = "anna"
"ben@example.org" = "ben"
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "accounts.toml"
    path.write_text(TEXT)
    path.chmod(0o600)
    return path


def test_the_file_is_read(file):
    accounts = read_accounts(file)
    assert accounts.readers == {
        "anna.smith@example.org": "anna",
        "ben@example.org": "ben",
    }
    assert accounts.claim == "email"
    assert accounts.client_secret == "hush-hush"  # noqa: S105


def test_another_claim_keeps_its_capitals():
    text = TEXT.replace("[readers]", 'claim = "sub"\n[readers]')
    assert "Anna.Smith@example.org" in parse_accounts(text, "f").readers


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[provider]", "provider", "f: Expected '='"),
        ("[readers]", "[people]", r"line 7: must be \[provider\] or \[readers\]"),
        ("[provider]", "readers = 1\n[provider]", "f: Cannot"),
        ("client_id", "client", "line 3: client must be one of metadata_url,"),
        ("client_id =", "claim =", r"line 1: \[provider\] must have client_id"),
        ('"reading-room"', "7", "line 3: client_id must be a text without spaces"),
        ('"hush-hush"', '"hush hush"', "line 4: client_secret must be a text"),
        ("https://login", "http://login", "line 2: metadata_url must be https://"),
        ("openid-configuration", "openid", "line 2: metadata_url must be"),
        ("/oidc/callback", "/oidc/callback?a", "line 5: redirect_uri must be https:/"),
        ("/oidc/callback", "/a/oidc/callback", "line 5: redirect_uri must be"),
        ("https://reading.example.org", "https://[", "line 5: redirect_uri must be"),
        ("https://reading.example.org", "https://", "line 5: redirect_uri must be"),
        ('"anna"', '"anna smith"', "line 8: .* reader's name, got 'anna smith'"),
        ('"ben"', "3", "line 9: an account must have a reader's name, got 3"),
        ('"ben"', '"anna"', "line 9: anna must have one account, got a second"),
        ("ben@", "ANNA.SMITH@", "line 9: an account must be there once"),
        ("ben@example.org", " ", "line 9: an account must be there once, and not"),
    ],
)
def test_a_fault_is_named_with_its_line(old, new, message):
    with pytest.raises(StudyError, match=message) as error:
        parse_accounts(TEXT.replace(old, new, 1), "f")
    assert "hush" not in str(error.value)


def test_somebody_must_be_let_in():
    with pytest.raises(StudyError, match=r"line 7: \[readers\] must name an account"):
        parse_accounts(TEXT[: TEXT.index('"Anna')], "f")
    with pytest.raises(StudyError, match=r"line 1: must be \[provider\] or"):
        parse_accounts("readers = 1\n", "f")


def test_a_provider_on_this_machine_needs_no_tls():
    text = TEXT.replace("https://login.example.org", "http://localhost:9000")
    assert parse_accounts(text, "f").issuer == "http://localhost:9000"


def test_the_file_is_closed_to_others(file):
    file.chmod(0o640)
    read_accounts(file)
    file.chmod(0o644)
    with pytest.raises(StudyError, match="must be closed to others, got mode 0o644"):
        read_accounts(file)


def test_what_cannot_be_read_is_told(file, tmp_path):
    with pytest.raises(StudyError, match="must be a readable file, got No such file"):
        read_accounts(tmp_path / "none.toml")
    file.write_bytes(b"\xff")
    with pytest.raises(StudyError, match="got not UTF-8"):
        read_accounts(file)


def test_the_file_fits_study_and_server(file, tmp_path):
    with pytest.raises(StudyError, match="must lie outside the study"):
        accounts_for(tmp_path, file, ["reading.example.org"])
    study = tmp_path / "STUDY"
    with pytest.raises(StudyError, match="must name a or b, got reading"):
        accounts_for(study, file, ["a", "b"])
    assert accounts_for(study, file, ["reading.example.org"]).client_id


def test_the_example_of_the_guide_is_read():
    guide = Path(__file__).parents[3] / "docs/how-to/host-a-study.md"
    (example,) = re.findall(r"```toml\n(.*?)```", guide.read_text(), re.DOTALL)
    accounts = parse_accounts(example, "f")
    assert accounts.readers["ben.jones@example.org"] == "ben"
    assert accounts.host == "reading.example.org"
