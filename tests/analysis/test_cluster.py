"""Simulations and bootstraps on two workers of a Dask cluster, one of them killed."""

import builtins
import os
import signal
import threading
from contextlib import suppress
from zipfile import ZipFile

import pytest

from analysis.cli import main
from analysis.commands import cluster as commands_cluster
from analysis.published import reconstructed_responses_path

DESIGN = "power --readers 7 --cases 20,40 --repetitions 40000 --json"


@pytest.fixture
def cluster():
    """Two processes of one thread each."""
    from distributed import LocalCluster

    started = LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0", memory_limit=0
    )
    yield started
    with suppress(AssertionError):  # one that was killed may not be there again yet
        started.close()


@pytest.fixture
def printed(capsys):
    def run(*words):
        status = main(list(words))
        said = capsys.readouterr()
        assert status == 0, said.err
        return said.out

    return run


def contents(folder):
    """Bytes of all files; of the Word document, whose ZIP holds the time, its parts."""
    found = {}
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        if path.suffix == ".docx":
            with ZipFile(path) as parts:
                found |= {
                    f"{name}/{part}": parts.read(part) for part in parts.namelist()
                }
        elif path.is_file():
            found[name] = path.read_bytes()
    return found


def process_ids(cluster):
    from distributed import Client

    with Client(cluster, set_as_default=False) as client:
        return list(client.run(os.getpid).values())


@pytest.mark.slow
def test_a_simulation_whose_worker_is_killed_is_that_of_one_process(cluster, printed):
    alone = printed(*DESIGN.split())
    first, _ = process_ids(cluster)
    killer = threading.Timer(0.7, os.kill, (first, signal.SIGKILL))
    killer.start()
    shared = printed(*DESIGN.split(), "--scheduler", cluster.scheduler_address)
    assert killer.finished.is_set()
    assert first not in process_ids(cluster)
    assert shared == alone


@pytest.mark.slow
def test_a_report_whose_worker_is_killed_is_that_of_one_process(
    cluster, printed, tmp_path
):
    told = ["report", str(reconstructed_responses_path()), "--out"]
    printed(*told, str(tmp_path / "one"))
    first, _ = process_ids(cluster)
    killer = threading.Timer(0.7, os.kill, (first, signal.SIGKILL))
    killer.start()
    scheduler = cluster.scheduler_address
    printed(*told, str(tmp_path / "two"), "--scheduler", scheduler)
    assert killer.finished.is_set()
    assert first not in process_ids(cluster)
    one, two = contents(tmp_path / "one"), contents(tmp_path / "two")
    assert {name for name in one | two if one.get(name) != two.get(name)} == set()


@pytest.mark.slow
def test_no_scheduler_is_one_sentence(monkeypatch, capsys):
    monkeypatch.setattr(commands_cluster, "TIMEOUT_S", 1.0)
    assert main([*DESIGN.split(), "--scheduler", "tcp://127.0.0.1:1"]) == 2
    said = capsys.readouterr().err.strip()
    assert "must be the address of a Dask scheduler that answers within 1 s" in said
    assert said.count("\n") == 0


def test_without_dask_the_extra_is_named(monkeypatch, capsys):
    there = builtins.__import__

    def without(name, *rest):
        if name == "distributed":
            raise ModuleNotFoundError(name=name)
        return there(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    assert main([*DESIGN.split(), "--scheduler", "tcp://127.0.0.1:1"]) == 2
    said = capsys.readouterr().err.strip()
    assert said.endswith("dask is not installed; install magic-ctp[dask]")
