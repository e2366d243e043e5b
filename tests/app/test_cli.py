import os
import shutil
import socket
import subprocess
import sys
import time

import pytest

from app import cli
from app.commands import read
from app.commands.read import Serving
from app.configuration import settings
from app.room import DATABASE, STUDY


@pytest.fixture
def served(monkeypatch):
    """Catch what would be served."""
    calls = []
    monkeypatch.setattr(
        read, "run", lambda study, url, serving: calls.append((study, url, serving))
    )
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
    assert served == [(own, url, Serving(port))]
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


def test_behind_a_proxy_its_name_and_a_shared_secret_count(
    own, tmp_path, served, capsys
):
    port, secret = free_port(), tmp_path / "secret"
    argv = ["read", str(own), "--port", str(port), "--allowed-host", "a.example.org"]

    assert cli.main([*argv, "--secret-file", str(secret)]) == 0
    assert "find it at https://a.example.org, through a proxy to http://127.0.0.1" in (
        capsys.readouterr().out
    )
    ((_, _, serving),) = served
    flags = serving.flags()
    assert flags["server_allowedHosts"] == ["a.example.org"]
    assert flags["server_cookieSecret"] == secret.read_text().strip()
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

    monkeypatch.setattr(read, "prepare", missing)
    assert cli.main(["read", "/nowhere"]) == 2
    assert "torch is not installed; install magic-ctp[model]" in capsys.readouterr().err


def test_another_missing_module_is_a_fault(monkeypatch):
    def missing(*_):
        raise ModuleNotFoundError(name="numpy")

    monkeypatch.setattr(read, "prepare", missing)
    with pytest.raises(ModuleNotFoundError):
        cli.main(["read", "/nowhere"])


def test_the_study_reaches_the_server_through_the_environment(tmp_path, monkeypatch):
    flags = []
    monkeypatch.setattr("app.server.serve", flags.append)
    for name in (STUDY, DATABASE):
        monkeypatch.setenv(name, "of before")
    read.run(tmp_path, "postgresql://a@b/c", Serving(8600))

    assert flags == [settings(8600)]
    assert (os.environ[STUDY], os.environ[DATABASE]) == (
        str(tmp_path),
        "postgresql://a@b/c",
    )


def test_the_shipped_configuration_is_quiet_and_local():
    shipped = settings(8501)

    assert shipped["server_address"] == "127.0.0.1"
    assert shipped["browser_gatherUsageStats"] is False
    assert shipped["client_toolbarMode"] == "minimal"
    assert shipped["client_showErrorDetails"] == "none"
    assert shipped["server_enableXsrfProtection"] is True
    assert shipped["server_fileWatcherType"] == "none"
    assert shipped["server_disconnectedSessionTTL"] == 3600


def test_every_shipped_setting_is_one_of_streamlit():
    from streamlit import config

    known = {name.replace(".", "_") for name in config.get_config_options()}
    assert set(settings(8501)) <= known


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
    assert served == [(tmp_path / "demo" / "STUDY", None, Serving(int(port)))] * 2


@pytest.mark.slow
def test_a_folder_that_cannot_be_written_is_told(tmp_path, served, capsys):
    (tmp_path / "file").write_text("")
    assert cli.main(["read", str(tmp_path / "file"), "--demo"]) == 2
    assert "cannot be written" in capsys.readouterr().err
