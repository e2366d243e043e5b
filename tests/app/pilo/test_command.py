import os
import socket
import subprocess
import sys

import pytest

from app import cli
from app.commands import pilo
from app.pilo import explorer as explorers
from app.pilo import serving


@pytest.fixture
def served(monkeypatch):
    """Catch what would be served."""
    calls = []
    monkeypatch.setattr(serving, "serve", lambda *args: calls.append(args))
    yield calls
    serving.loaded_explorer.cache_clear()


@pytest.fixture
def port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def command(checkpoint, source, port):
    return [
        "pilo", "--checkpoint", str(checkpoint), "--input", str(source),
        "--port", str(port),
    ]  # fmt: skip


def test_it_says_what_is_explored_and_serves_it(
    explored, explorer, served, port, capsys
):
    run, head = explored / "run", explored / "head.nii.gz"
    assert cli.main(command(run, head, port)) == 0
    assert served == [(run, head, port)]
    printed = capsys.readouterr().out.splitlines()
    assert printed == [
        f"{explorer.origin}; {explorer.n_slices} slices",
        "Exploratory, outside the blinded study, research use only: "
        f"http://127.0.0.1:{port}",
    ]


def test_the_network_is_loaded_once(explored, served, port, monkeypatch):
    loaded = []
    opening = explorers.open_explorer
    monkeypatch.setattr(
        serving, "open_explorer", lambda *args: loaded.append(args) or opening(*args)
    )
    run, head = explored / "run", explored / "head.nii.gz"
    pilo.prepare(run, head, port)
    monkeypatch.setenv(serving.CHECKPOINT, str(run))
    monkeypatch.setenv(serving.INPUT, str(head))
    assert serving.served_explorer() is serving.served_explorer()
    assert len(loaded) == 1


def test_what_the_user_can_mend_is_one_sentence(
    explored, served, port, tmp_path, capsys
):
    run, head = explored / "run", explored / "head.nii.gz"
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"no weights")
    for checkpoint, source, message in (
        (run, tmp_path / "nowhere.nii", "no such file"),
        (run, broken, "not a readable NIfTI image"),
        (broken, head, "not a readable checkpoint"),
    ):
        assert cli.main(command(checkpoint, source, port)) == 2
        error = capsys.readouterr().err
        assert error.startswith("magic-app: ")
        assert message in error
        assert error.count("\n") == 1
    assert served == []


def test_a_taken_port_is_told(explored, served, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        argv = command(explored / "run", explored / "head.nii.gz", port)
        assert cli.main(argv) == 2
    assert f"Port {port} must be free" in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["torch", "safetensors"])
def test_what_is_not_installed_is_named(explored, port, monkeypatch, capsys, missing):
    for name in ("app.pilo.serving", "app.pilo.explorer", "magic_model.checkpoint"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.delattr("app.pilo.serving", raising=False)
    monkeypatch.setitem(sys.modules, missing, None)
    argv = command(explored / "run", explored / "head.nii.gz", port)
    assert cli.main(argv) == 2
    assert capsys.readouterr().err == (
        f"magic-app: {missing} is not installed; install magic-ctp[model]\n"
    )


def test_another_missing_module_is_a_fault(explored, port, monkeypatch):
    monkeypatch.delitem(sys.modules, "app.pilo.serving")
    monkeypatch.delattr("app.pilo.serving")
    monkeypatch.setitem(sys.modules, "app.configuration", None)
    with pytest.raises(ModuleNotFoundError, match=r"app\.configuration"):
        cli.main(command(explored / "run", explored / "head.nii.gz", port))


def test_the_server_is_told_what_to_explore(tmp_path, monkeypatch):
    calls = []
    bootstrap = "streamlit.web.bootstrap"
    monkeypatch.setattr(f"{bootstrap}.load_config_options", calls.append)
    monkeypatch.setattr(f"{bootstrap}.run_asgi_app", lambda *args: calls.append(args))
    for name in (serving.CHECKPOINT, serving.INPUT):
        monkeypatch.setenv(name, "of before")
    pilo.run(tmp_path / "run", tmp_path / "head.nii", 8600)

    assert os.environ[serving.CHECKPOINT] == str(tmp_path / "run")
    assert os.environ[serving.INPUT] == str(tmp_path / "head.nii")
    flags, served = calls
    assert flags["server_address"] == "127.0.0.1"
    assert flags["server_port"] == 8600
    assert served == (str(serving.PAGE), "app.pilo.serving:application", [], flags)


@pytest.mark.slow
def test_the_explorer_knows_no_study():
    """Nothing of a study is in the process that shows maps unblinded."""
    code = (
        "import sys, app.pilo.serving, app.pilo.page\n"
        "print([m for m in sys.modules if m.split('.')[0] == 'reader_study'])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert found.stdout.strip() == "[]"
