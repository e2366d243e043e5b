"""Patients on two workers of a Dask cluster, one of which is killed; and in parts."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

import pytest

from magic_model.batch import FAILURES, Archive, Task, survey
from magic_model.cli import main
from magic_model.errors import DataError
from tests.magic_model.inference.tiny import (
    small_recipe,
    write_checkpoint,
    write_head_cohort,
)

pytestmark = pytest.mark.slow

PATIENTS = 6


@pytest.fixture
def cluster():
    """Two processes of one thread each, and who they are."""
    from distributed import LocalCluster

    started = LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0", memory_limit=0
    )
    yield started
    with suppress(AssertionError):  # one that was killed may not be there again yet
        started.close()


@pytest.fixture(scope="module")
def heads(tmp_path_factory):
    folder = tmp_path_factory.mktemp("heads")
    return write_head_cohort(folder, ["test"] * PATIENTS)


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("run"), small_recipe()).parent


@pytest.fixture(scope="module")
def told(heads, network):
    return ["generate", "--checkpoint", network, "--input", heads]


@pytest.fixture(scope="module")
def alone(told, tmp_path_factory):
    """What one process writes."""
    out = tmp_path_factory.mktemp("alone")
    assert run([*told, "--out", out]) == 0
    return contents(out)


def run(words):
    return main([str(word) for word in words])


def contents(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def process_ids(cluster):
    from distributed import Client

    with Client(cluster, set_as_default=False) as client:
        return list(client.run(os.getpid).values())


def once_there(path, act):
    """Do something in a thread as soon as there is a file."""

    def wait():
        while not path.exists():
            time.sleep(0.02)
        act()

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread


def test_two_workers_write_what_one_process_does(cluster, told, alone, tmp_path):
    out = tmp_path / "out"
    assert run([*told, "--out", out, "--scheduler", cluster.scheduler_address]) == 0
    assert contents(out) == alone


def test_a_killed_worker_loses_nothing(cluster, told, alone, tmp_path):
    out = tmp_path / "out"
    first, _ = process_ids(cluster)
    killed = once_there(out / "P1", lambda: os.kill(first, signal.SIGKILL))
    assert run([*told, "--out", out, "--scheduler", cluster.scheduler_address]) == 0
    killed.join(5)
    assert first not in process_ids(cluster)
    assert contents(out) == alone


def test_parts_whose_processes_are_killed_go_on(told, alone, tmp_path):
    """Each part is killed at its second patient, and started again."""
    out = tmp_path / "out"
    for number in (1, 2):
        words = [*told, "--out", out, "--part", f"{number}/2"]
        command = [sys.executable, "-m", "magic_model.cli", *map(str, words)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            once_there(out / f"P{number + 2}", process.kill).join(60)
        assert process.returncode == -signal.SIGKILL
        assert not (out / "generated.csv").exists()
        place = out / f"P{number + 2}"
        (place / "generated.json").unlink(missing_ok=True)  # as if killed at writing
        (place / ".7-cbf.nii.gz").touch()
        assert run(words) == 0
    assert contents(out) == alone


def test_a_patient_that_kills_its_workers_is_one_that_failed(cluster, tmp_path):
    def task(name):
        done = tmp_path / name / "done"

        def work():
            if name == "b":
                os._exit(9)
            done.parent.mkdir()
            done.touch()

        return Task(name, lambda: "1", done.is_file, work)

    tasks = [task(name) for name in "abcd"]
    scheduler = cluster.scheduler_address
    with pytest.raises(DataError, match="b: 4 workers died at it"):
        Archive(scheduler=scheduler).run(tasks, tmp_path)
    Archive(keep_going=True, scheduler=scheduler).run(tasks, tmp_path)
    outcome = survey(tasks, tmp_path)
    assert [failure.name for failure in outcome.failures] == ["b"]
    assert outcome.pending == ()


def test_failures_on_workers_are_those_of_one_process(
    cluster, told, heads, tmp_path, capsys
):
    right = (heads / "P2" / "ncct.nii.gz").read_bytes()
    (heads / "P2" / "ncct.nii.gz").write_bytes(b"no image")
    tables = []
    try:
        for out, more in (
            (tmp_path / "one", []),
            (tmp_path / "two", ["--scheduler", cluster.scheduler_address]),
        ):
            assert run([*told, "--out", out, *more]) == 2
            assert "P2" in capsys.readouterr().err
            assert run([*told, "--out", out, *more, "--keep-going"]) == 1
            tables.append((out / FAILURES).read_text())
    finally:
        (heads / "P2" / "ncct.nii.gz").write_bytes(right)
    assert tables[0] == tables[1]
    assert "P2" in tables[0]


def test_workers_of_many_threads_are_refused(told, tmp_path, capsys):
    from distributed import LocalCluster

    with LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address=":0") as two:
        words = [*told, "--out", tmp_path / "out", "--scheduler", two.scheduler_address]
        assert run(words) == 2
    said = capsys.readouterr().err
    assert "workers must have one thread each" in said
    assert said.strip().count("\n") == 0


def test_no_scheduler_is_one_sentence(told, tmp_path, capsys, monkeypatch):
    from magic_model import cluster

    monkeypatch.setattr(cluster, "TIMEOUT_S", 1.0)
    for address in ("tcp://127.0.0.1:1", "nonsense://x"):
        assert run([*told, "--out", tmp_path, "--scheduler", address]) == 2
        said = capsys.readouterr().err.strip()
        assert "must be the address of a Dask scheduler that answers within 1 s" in said
        assert said.count("\n") == 0
