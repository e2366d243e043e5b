"""Runs in processes of their own: killed, and many at once."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from magic_model.checkpoint import BEST, LAST, read_header

WORKER = Path(__file__).with_name("train_worker.py")
MANY = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
SECONDS = 800  # of a busy machine; processes that wait for one another take long there


@pytest.fixture
def start(cache, tmp_path):
    """Start the worker on a recipe; more processes by torchrun."""

    def started(recipe, name, *, save_every=0, torchrun=()):
        file = tmp_path / "recipe.json"
        file.write_text(json.dumps(recipe.to_dict()), encoding="utf-8")
        told = [file, cache.folder, tmp_path / name, save_every]
        return subprocess.Popen(
            [sys.executable, *torchrun, str(WORKER), *map(str, told)],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            text=True,
        )

    return started


def finished(process):
    out, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 0
    return [int(line) for line in out.split()]


@pytest.mark.parametrize("kind", ["branches", "residual", "late"])
def test_a_killed_run_ends_with_the_same_bits(
    start, recipe, tmp_path, same_tensors, lines_of, kind
):
    """Killed by SIGKILL in the middle of the third of four epochs of three steps."""
    wanted = recipe(kind, epochs=4)
    assert finished(start(wanted, "whole")) == list(range(1, 13))
    with start(wanted, "killed", save_every=2) as process:
        for line in process.stdout:
            if int(line) == 8:
                process.send_signal(signal.SIGKILL)
                break
    assert process.returncode == -signal.SIGKILL
    header = read_header(tmp_path / "killed" / LAST)
    assert header.epoch == 2
    resumed = finished(start(wanted, "killed", save_every=2))
    assert resumed[-1] == 12
    assert resumed[0] <= 9
    for name in (LAST, BEST):
        assert same_tensors(tmp_path / "whole" / name, tmp_path / "killed" / name)
    steps = [lines_of(tmp_path / name)[0] for name in ("whole", "killed")]
    assert steps[0] == steps[1]


@pytest.mark.parametrize("kind", ["branches", "residual", "late"])
def test_two_processes_train_as_one(
    start, recipe, tmp_path, same_tensors, lines_of, kind
):
    """The same losses and errors within 1e-4, and both processes stay equal.

    Without dropout, of which each process draws its own.
    """
    wanted = recipe(kind, epochs=2, dropout=0.0)
    assert finished(start(wanted, "one")) == list(range(1, 7))
    assert finished(start(wanted, "two", torchrun=MANY)) == list(range(1, 7))
    two = tmp_path / "two"
    assert same_tensors(two / "0.safetensors", two / "1.safetensors")
    assert same_tensors(two / "0.safetensors", two / LAST)
    for one, other in zip(lines_of(tmp_path / "one"), lines_of(two), strict=True):
        for line, same in zip(one, other, strict=True):
            assert line.keys() == same.keys()
            names = sorted(line.keys() - {"seconds"})
            np.testing.assert_allclose(
                [same[n] for n in names], [line[n] for n in names], rtol=1e-4
            )


def test_two_processes_go_on_from_a_checkpoint_of_one(
    start, recipe, tmp_path, same_tensors
):
    wanted = recipe("residual", epochs=2)
    with start(wanted, "run") as process:
        for line in process.stdout:
            if int(line) == 4:
                process.kill()
                break
    assert read_header(tmp_path / "run" / LAST).epoch == 1
    assert finished(start(wanted, "run", torchrun=MANY)) == [4, 5, 6]
    ranks = [tmp_path / "run" / f"{rank}.safetensors" for rank in range(2)]
    assert same_tensors(*ranks)
