import os
import socket
import subprocess
import sys

import pytest

from app import cli
from app.commands import monitor
from app.coordinator import server
from app.room import DATABASE, STUDY
from reader_study.running.access import revoke_coordinator


@pytest.fixture
def served(monkeypatch):
    """Catch what would be served."""
    calls = []
    monkeypatch.setattr(monitor, "run", lambda *given: calls.append(given))
    return calls


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_study_is_checked_and_served(room, passphrase, served, capsys):
    folder, port = room.study.folder, free_port()

    assert cli.main(["monitor", str(folder), "--port", str(port)]) == 0
    assert served == [(folder, port, None)]
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


def test_the_study_reaches_the_server_through_the_environment(tmp_path, monkeypatch):
    ports = []
    monkeypatch.setattr(server, "serve", ports.append)
    for name in (STUDY, DATABASE):
        monkeypatch.setenv(name, "of before")
    monitor.run(tmp_path, 8600, "postgresql://a@b/c")

    assert ports == [8600]
    assert (os.environ[STUDY], os.environ[DATABASE]) == (
        str(tmp_path),
        "postgresql://a@b/c",
    )


def test_the_server_is_quiet_and_local(monkeypatch):
    from streamlit.web import bootstrap

    asked = []
    monkeypatch.setattr(bootstrap, "load_config_options", asked.append)
    monkeypatch.setattr(bootstrap, "run_asgi_app", lambda *given: asked.append(given))
    server.serve(8600)

    flags, (pages, application, _, again) = asked
    assert flags is again
    assert (flags["server_address"], flags["server_port"]) == ("127.0.0.1", 8600)
    assert flags["client_disableDataExport"] is True
    assert pages.endswith("monitor.py")
    assert application == "app.coordinator.server:application"


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
