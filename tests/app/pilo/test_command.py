import os
import socket
import subprocess
import sys

import pytest

from app import cli
from app.configuration import CHECKPOINT, INPUT
from app.pilo import explorer as explorers


@pytest.fixture
def served(monkeypatch):
    """Catch what would be served."""
    calls = []

    def serve(*given):
        calls.append((*given, os.environ[CHECKPOINT], os.environ[INPUT]))

    for name in (CHECKPOINT, INPUT):
        monkeypatch.setenv(name, "of before")
    monkeypatch.setattr("app.server.serve", serve)
    yield calls
    explorers.loaded_explorer.cache_clear()


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
    assert served == [("app.pilo.main", port, str(run), str(head))]
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
        explorers, "open_explorer", lambda *args: loaded.append(args) or opening(*args)
    )
    run, head = explored / "run", explored / "head.nii.gz"
    assert cli.main(command(run, head, port)) == 0
    assert explorers.served_explorer() is explorers.served_explorer()
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
    for name in ("app.pilo.explorer", "magic_model.checkpoint"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, missing, None)
    argv = command(explored / "run", explored / "head.nii.gz", port)
    assert cli.main(argv) == 2
    assert capsys.readouterr().err == (
        f"magic-app: {missing} is not installed; install magic-ctp[model]\n"
    )


def test_another_missing_module_is_a_fault(explored, port, monkeypatch):
    monkeypatch.delitem(sys.modules, "app.pilo.explorer")
    monkeypatch.setitem(sys.modules, "magic_model.checkpoint", None)
    with pytest.raises(ModuleNotFoundError, match=r"magic_model\.checkpoint"):
        cli.main(command(explored / "run", explored / "head.nii.gz", port))


@pytest.mark.slow
def test_the_explorer_knows_no_study():
    """Nothing of a study is in the process that shows maps unblinded."""
    code = (
        "import sys, app.pilo.main, app.pilo.page\n"
        "print([m for m in sys.modules if m.split('.')[0] == 'reader_study'])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert found.stdout.strip() == "[]"
