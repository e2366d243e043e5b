"""The paths are there if, and only if, accounts were given."""

import os
import re
import shutil

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from app import cli, server
from app.configuration import ACCOUNTS, DATABASE, STUDY
from app.deployment import Deployment, filled_in
from app.oidc.accounts import CALLBACK, LOGIN
from reader_study.errors import StudyError
from tests.app.oidc.asking import Client
from tests.app.oidc.fake_provider import write_accounts

OF_STREAMLIT = ("/auth/login", "/auth/logout", "/oauth2callback")


@pytest.fixture
def behind(monkeypatch):
    """What stands for Streamlit answers 200 under every path that comes through."""
    session = Middleware(SessionMiddleware, secret_key="of this test")  # noqa: S106
    page = Route("/{path:path}", lambda _: PlainTextResponse(""))

    def application(accounts):
        monkeypatch.setenv(ACCOUNTS, "a file" if accounts else "")
        monkeypatch.setattr("app.oidc.accounts.served_accounts", lambda: accounts)
        parts = server.reading_room()
        return Starlette(
            routes=[*parts["routes"], page],
            middleware=[*parts["middleware"], session],
        )

    return application


def statuses(application, paths):
    client = Client(application)
    return [client.get(path).status_code for path in paths]


def test_the_gate_opens_exactly_two_paths(behind, accounts):
    assert statuses(behind(None), [LOGIN, CALLBACK, *OF_STREAMLIT]) == [404] * 5
    assert statuses(behind(accounts), [LOGIN, CALLBACK]) == [302, 303]
    others = [f"{LOGIN}/", "/oidc", "/oidc/logout", *OF_STREAMLIT]
    assert statuses(behind(accounts), others) == [404] * 6


def test_the_command_checks_the_file_and_serves_it(
    built, tmp_path, monkeypatch, capsys
):
    served = []
    monkeypatch.setattr("app.server.serve", lambda *a, **_: served.append(a))
    for name in (STUDY, DATABASE, ACCOUNTS):
        monkeypatch.setenv(name, "of before")
    file = tmp_path / "accounts.toml"
    url = "http://127.0.0.1:8501/oidc/callback"
    write_accounts(file, "https://login.example.org", url)
    own = shutil.copytree(built, tmp_path / "STUDY")  # it will note its database
    argv = [
        "read", str(own), "--port", "8599", "--database",
        f"sqlite:///{tmp_path}/a.sqlite", "--oidc", str(file),
    ]  # fmt: skip

    assert cli.main(argv) == 0
    said = capsys.readouterr().out
    assert "1 hospital account(s) of https://login.example.org" in said
    assert os.environ[ACCOUNTS] == str(file)
    assert cli.main([*argv, "--allowed-host", "reading.example.org"]) == 2
    assert "redirect_uri must name reading.example.org" in capsys.readouterr().err
    assert cli.main(argv[:-2]) == 0
    assert os.environ[ACCOUNTS] == ""
    assert len(served) == 2


def test_a_deployment_opens_them_only_if_asked():
    plan = {"host": "reading.example.org", "study": "/srv/STUDY"}
    closed = filled_in(Deployment(**plan))
    opened = filled_in(Deployment(**plan, oidc="/etc/magic-app/accounts.toml"))

    assert "oidc" not in "".join(closed.values())
    (location,) = re.findall(r"location ~ (\S+oidc\S+)", opened["magic-app.conf"])
    for path in (LOGIN, CALLBACK):
        assert re.search(location, path)
    assert "--oidc /etc/magic-app/accounts.toml" in opened["magic-app.env"]
    with pytest.raises(StudyError, match="oidc must be a path"):
        Deployment(**plan, oidc="accounts.toml")
