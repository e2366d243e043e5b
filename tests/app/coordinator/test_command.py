import os
import socket
import subprocess
import sys

import pytest

from app import cli
from app.configuration import DATABASE, STUDY
from reader_study.running.access import revoke_coordinator


@pytest.fixture
def served(monkeypatch):
    """Catch what would be served."""
    calls = []

    def serve(*given):
        calls.append((*given, os.environ[STUDY], os.environ[DATABASE]))

    for name in (STUDY, DATABASE):
        monkeypatch.setenv(name, "of before")
    monkeypatch.setattr("app.server.serve", serve)
    return calls


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.slow
def test_a_study_is_checked_and_served(room, passphrase, served, capsys):
    folder, port = room.study.folder, free_port()

    assert cli.main(["monitor", str(folder), "--port", str(port)]) == 0
    assert served == [("app.monitor", port, str(folder), "")]
    told = f"The study is built. eve may sign in at http://127.0.0.1:{port}"
    assert told in capsys.readouterr().out


def test_what_the_user_can_mend_is_one_sentence(room, served, clock, capsys):
    folder = str(room.study.folder)
    for argv, message in (
        (["/nowhere"], "/nowhere must be a built study"),
        ([folder], "A coordinator must be there to sign in, got none; add one"),
        ([folder, "--database", "mysql://h/n"], "must be sqlite or postgresql"),
        ([folder, "--port", "0"], "--port"),
    ):
        assert cli.main(["monitor", *argv]) == 2
        error = capsys.readouterr().err
        assert error.startswith("magic-app: ")
        assert message in error
        assert error.count("\n") == 1
    assert served == []


def test_who_is_revoked_does_not_count(room, passphrase, served, clock, capsys):
    revoke_coordinator(room.store, "eve", by="operator", clock=clock)
    assert cli.main(["monitor", str(room.study.folder)]) == 2
    assert "got none" in capsys.readouterr().err


def test_a_taken_port_is_told(room, passphrase, served, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert cli.main(["monitor", str(room.study.folder), "--port", port]) == 2
    assert f"Port {port} must be free" in capsys.readouterr().err


def test_help_loads_neither_pages_nor_database():
    shown = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "app.cli", "monitor", "--help"],
        check=True,
        capture_output=True,
        text=True,
    )

    assert "--database" in shown.stdout
    assert "streamlit" not in shown.stderr
    assert "sqlalchemy" not in shown.stderr
