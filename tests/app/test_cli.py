import os
import shutil
import socket
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit import App
from streamlit.web.server.app_discovery import discover_asgi_app

from app import cli, server
from app.configuration import ACCOUNTS, DATABASE, LOOPBACK, STUDY, settings


@pytest.fixture
def served(monkeypatch):
    """Catch what would be served."""
    calls = []

    def serve(entry, port, *, hosts, cookie_secret):
        study, url = os.environ[STUDY], os.environ[DATABASE]
        calls.append((entry, port, hosts, cookie_secret, study, url))

    for name in (STUDY, DATABASE, ACCOUNTS):
        monkeypatch.setenv(name, "of before")
    monkeypatch.setattr("app.server.serve", serve)
    return calls


@pytest.fixture
def own(built, tmp_path):
    """A study of the test's own, which may note where its database is."""
    return shutil.copytree(built, tmp_path / "STUDY")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_study_is_checked_and_served(own, tmp_path, served, capsys):
    port, url = free_port(), f"sqlite:///{tmp_path}/other.sqlite"

    assert cli.main(["read", str(own), "--port", str(port), "--database", url]) == 0
    assert served == [("app.main", port, LOOPBACK, "", str(own), url)]
    assert f"is built. Readers find it at http://127.0.0.1:{port}" in (
        capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["read", "/nowhere"], "/nowhere must be a built study"),
        (["read"], "A study's folder must be given"),
        (["read", "/nowhere", "--port", "0"], "--port"),
    ],
)
def test_what_the_user_can_mend_is_one_sentence(argv, message, served, capsys):
    assert cli.main(argv) == 2
    error = capsys.readouterr().err
    assert error.startswith("magic-app: ")
    assert message in error
    assert error.count("\n") == 1
    assert served == []


@pytest.mark.parametrize("command", ["read", "monitor"])
@pytest.mark.parametrize("word", [b'"pseudo_id": "', b'"sha256": "', b'"study_id": "'])
def test_a_manifest_damaged_before_there_is_a_database_is_not_served(
    own, served, capsys, command, word
):
    path = own / "manifest.json"
    content = bytearray(path.read_bytes())
    content[content.index(word) + len(word)] ^= 1
    path.write_bytes(content)

    assert cli.main([command, str(own)]) == 2
    error = capsys.readouterr().err
    assert f"magic-study restore {own} --key KEY puts back what was built" in error
    assert error.count("\n") == 1
    assert served == []


def test_behind_a_proxy_its_name_and_a_shared_secret_count(
    own, tmp_path, served, capsys
):
    port, secret = free_port(), tmp_path / "secret"
    argv = ["read", str(own), "--port", str(port), "--allowed-host", "a.example.org"]

    assert cli.main([*argv, "--secret-file", str(secret)]) == 0
    assert "find it at https://a.example.org, through a proxy to http://127.0.0.1" in (
        capsys.readouterr().out
    )
    ((_, _, hosts, cookie_secret, _, _),) = served
    assert hosts == ("a.example.org",)
    assert cookie_secret == secret.read_text().strip()
    secret.chmod(0o644)
    assert cli.main([*argv, "--secret-file", str(secret)]) == 2


def test_a_taken_port_is_told(own, tmp_path, served, capsys):
    url = f"sqlite:///{tmp_path}/other.sqlite"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert cli.main(["read", str(own), "--port", port, "--database", url]) == 2
    assert f"Port {port} must be free" in capsys.readouterr().err


def test_a_missing_extra_is_named(monkeypatch, capsys):
    def missing(*_):
        raise ModuleNotFoundError(name="torch.nn")

    monkeypatch.setattr("app.room.open_room", missing)
    assert cli.main(["read", "/nowhere"]) == 2
    assert "torch is not installed; install magic-ctp[model]" in capsys.readouterr().err


def test_another_missing_module_is_a_fault(monkeypatch):
    def missing(*_):
        raise ModuleNotFoundError(name="numpy")

    monkeypatch.setattr("app.room.open_room", missing)
    with pytest.raises(ModuleNotFoundError):
        cli.main(["read", "/nowhere"])


def test_a_server_is_run_with_the_shipped_settings(monkeypatch):
    """Streamlit takes the secret from the environment, and no flag for it."""
    secret = "STREAMLIT_SERVER_COOKIE_SECRET"  # noqa: S105
    monkeypatch.setenv(secret, "of before")
    asked = []
    application = SimpleNamespace(run=lambda *, config: asked.append(config))
    monkeypatch.setitem(
        sys.modules, "app.main", SimpleNamespace(application=application)
    )

    server.serve("app.main", 8600)
    assert os.environ[secret] == "of before"
    server.serve("app.main", 8600, hosts=["a.example.org"], cookie_secret="k")  # noqa: S106
    assert os.environ[secret] == "k"
    assert asked == [settings(8600), settings(8600, hosts=["a.example.org"])]


@pytest.mark.parametrize("entry", ["app.main", "app.monitor", "app.pilo.main"])
def test_each_entry_has_a_server_that_takes_the_settings(entry):
    assert isinstance(import_module(entry).application, App)
    found = discover_asgi_app(Path(import_module(entry).__file__))
    assert found.app_name == "application"  # so `streamlit run` is the same server


def test_the_shipped_configuration_is_quiet_and_local():
    shipped = settings(8501)

    assert shipped["server.address"] == "127.0.0.1"
    assert shipped["browser.gatherUsageStats"] is False
    assert shipped["client.toolbarMode"] == "minimal"
    assert shipped["client.showErrorDetails"] == "none"
    assert shipped["server.enableXsrfProtection"] is True
    assert shipped["server.fileWatcherType"] == "none"
    assert shipped["server.disconnectedSessionTTL"] == 3600


def test_every_shipped_setting_is_one_of_streamlit():
    from streamlit import config

    assert set(settings(8501)) <= set(config.get_config_options())


def test_help_answers_in_under_a_second():
    start = time.monotonic()
    shown = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "app.cli", "read", "--help"],
        check=True,
        capture_output=True,
        text=True,
    )

    assert "--demo" in shown.stdout
    assert "streamlit" not in shown.stderr
    assert "sqlalchemy" not in shown.stderr
    assert time.monotonic() - start < 5  # generous on a busy machine


@pytest.mark.slow
def test_the_demonstration_is_made_once_and_gives_a_new_code(tmp_path, served, capsys):
    port = str(free_port())
    told = []
    for _ in range(2):
        argv = ["read", str(tmp_path / "demo"), "--demo", "--port", port]
        assert cli.main(argv) == 0
        told.append(capsys.readouterr().out.strip().splitlines()[-1])

    assert told[0].startswith("Drawn pictures, no patients. Name guest, code ")
    assert told[0] != told[1]
    study = str(tmp_path / "demo" / "STUDY")
    assert [(given[4], given[5]) for given in served] == [(study, "")] * 2


@pytest.mark.slow
def test_a_folder_that_cannot_be_written_is_told(tmp_path, served, capsys):
    (tmp_path / "file").write_text("")
    assert cli.main(["read", str(tmp_path / "file"), "--demo"]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_without_a_command_the_help_is_shown(capsys):
    assert cli.main([]) == 0
    assert capsys.readouterr().out.startswith("Usage: ")


def test_the_package_runs_as_the_command():
    shown = subprocess.run(
        [sys.executable, "-m", "app"], check=True, capture_output=True, text=True
    )
    assert "Usage: " in shown.stdout
    assert "monitor" in shown.stdout
