"""`magic-model generate` into a folder that holds maps, and by several processes."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from magic_model import distributed
from magic_model.batch import FAILURES
from magic_model.cli import main
from magic_model.data.cohort import GENERATED_FILE
from magic_model.data.nifti import write_nifti
from magic_model.data.volume import Kind
from magic_model.distributed import World
from magic_model.inference.generate import Generation
from magic_model.maps import PAPER_MAPS
from tests.magic_model.data.conftest import make_head
from tests.magic_model.inference.tiny import (
    small_recipe,
    write_checkpoint,
    write_head_cohort,
)

MAPS = [Kind(name) for name in PAPER_MAPS]


def times_of(folder):
    return {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()}


def bytes_of(folder):
    """What was written of patients; the record holds the time of the input."""
    return {
        p.relative_to(folder): p.read_bytes()
        for p in folder.rglob("*")
        if p.is_file() and p.suffix != ".json"
    }


def test_what_is_there_is_kept_and_what_changed_is_made_again(generated, cohort):
    options = ("--split", "test")
    _, out = generated(cohort, *options)
    first, images = times_of(out), bytes_of(out)
    first.pop(out / GENERATED_FILE)
    _, out = generated(cohort, *options, "--batch", "1")
    assert first.items() <= times_of(out).items()
    assert bytes_of(out) == images
    _, out = generated(cohort, *options, "--ratio", "4")
    again = times_of(out)
    assert all(again[path] > time for path, time in first.items())
    assert bytes_of(out)[Path("P3/cbf.nii.gz")] != images[Path("P3/cbf.nii.gz")]


@pytest.mark.parametrize("half", ["generated.json", "mtt.nii.gz"])
def test_a_patient_half_written_is_made_again(generated, cohort, half):
    _, out = generated(cohort)
    whole = bytes_of(out)
    kept = (out / "P1" / "cbf.nii.gz").stat().st_mtime_ns
    (out / "P2" / half).unlink()
    (out / "P2" / "cbf.nii.gz").write_bytes(b"half")
    generated(cohort)
    assert bytes_of(out) == whole
    assert (out / "P1" / "cbf.nii.gz").stat().st_mtime_ns == kept


@pytest.mark.slow
def test_another_model_or_scan_makes_maps_anew(generated, scan, tmp_path):
    _, out = generated(scan)
    maps = bytes_of(out)
    other = write_checkpoint(tmp_path / "other", small_recipe(), seed=3)
    generated(scan, checkpoint=other)
    assert bytes_of(out) != maps
    generated(scan)
    assert bytes_of(out) == maps
    write_nifti(make_head(noise=5.0).ncct, scan)
    generated(scan)
    assert bytes_of(out) != maps


def test_a_cohort_is_not_written_over(cohort, run_folder, refusal):
    before = times_of(cohort)
    said = refusal(
        "generate", "--checkpoint", run_folder, "--input", cohort, "--out", cohort
    )
    assert f"{cohort / 'P1' / 'cbf.nii.gz'}: is an image of the input" in said
    assert times_of(cohort) == before


def test_only_the_first_process_speaks(
    scan, run_folder, tmp_path, monkeypatch, command
):
    """The second of two, with one patient: nothing to do, and nothing to say."""

    class Joined:
        def __init__(self, device):
            self.device = device

        def __enter__(self):
            return World(1, 2, 1), torch.device("cpu")

        def __exit__(self, *error):
            return None

    monkeypatch.setattr(distributed, "process_group", Joined)
    waited = []
    monkeypatch.setattr(distributed, "wait_for_all", waited.append)
    told = ["--checkpoint", run_folder, "--input", scan, "--out", tmp_path / "out"]
    assert command("generate", *told) == ""
    assert waited == [World(1, 2, 1)]
    assert not (tmp_path / "out").exists()


def test_maps_that_another_process_did_not_make_are_missed(
    scan, run_folder, tmp_path, monkeypatch, refusal
):
    monkeypatch.setattr(Generation, "write", lambda *_: None)
    told = ["--checkpoint", run_folder, "--input", scan, "--out", tmp_path / "out"]
    assert "out: maps of 1 patient are missing" in refusal("generate", *told)


@pytest.fixture
def one_thread():
    """As many as each of two processes has: sums of another number may differ."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_two_processes_write_the_same_files_as_one(
    generated, cohort, run_folder, tmp_path
):
    text, one = generated(cohort, out="one")
    many = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    told = ["--checkpoint", run_folder, "--input", cohort, "--out", tmp_path / "two"]
    run = subprocess.run(
        [sys.executable, *many, "-m", "magic_model.cli", "generate", *map(str, told)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=110,
    )
    assert run.stdout == text.replace(str(one), str(tmp_path / "two"))
    assert bytes_of(tmp_path / "two") == bytes_of(one)


@pytest.fixture
def ending(run_folder, tmp_path, capsys):
    """Generate into a folder; give exit status and what was printed."""

    def run(cohort, out, *options):
        told = ["--checkpoint", run_folder, "--input", cohort, "--out", tmp_path / out]
        status = main([str(word) for word in ("generate", *told, *options)])
        return status, capsys.readouterr().out

    return run


def test_parts_write_the_bytes_of_one_process(generated, cohort, ending, tmp_path):
    _, one = generated(cohort, out="one")
    status, said = ending(cohort, "parts", "--part", "2/2")
    assert status == 0
    assert "2 patients of other parts to come" in said
    assert not (tmp_path / "parts" / GENERATED_FILE).exists()
    status, said = ending(cohort, "parts", "--part", "1/2")
    assert "to come" not in said
    assert bytes_of(tmp_path / "parts") == bytes_of(one)


def test_a_patient_that_fails_is_left_out_and_told(
    generated, ending, tmp_path, command
):
    heads = write_head_cohort(tmp_path / "heads")
    _, whole = generated(heads, out="whole")
    scan = heads / "P2" / "ncct.nii.gz"
    right = scan.read_bytes()
    scan.write_bytes(b"no image")
    status, said = ending(heads, "some", "--keep-going")
    assert status == 1
    assert "1 patient failed:\n  P2: " in said
    out = tmp_path / "some"
    rows = (out / FAILURES).read_text().splitlines()
    assert rows[0] == "patient_id,error"
    assert [row[:3] for row in rows[1:]] == ["P2,"]
    assert [row[:2] for row in (out / GENERATED_FILE).read_text().splitlines()[1:]] == [
        "P1",
        "P3",
    ]
    scan.write_bytes(right)
    status, said = ending(heads, "some", "--keep-going")
    assert status == 0
    assert bytes_of(out) == bytes_of(whole)


def test_bids_is_of_all_patients(ending, cohort, tmp_path, refusal, run_folder):
    told = ["--checkpoint", run_folder, "--input", cohort, "--out", tmp_path / "out"]
    said = refusal("generate", *told, "--bids", "--part", "1/2")
    assert "--bids must be given without --part" in said
    assert ending(cohort, "out", "--bids")[0] == 0
    subjects = sorted(path.name for path in (tmp_path / "out/bids").glob("sub-*"))
    assert subjects == ["sub-P1", "sub-P2", "sub-P3"]


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_killed_workers_lose_nothing(generated, cohort, run_folder, tmp_path):
    """One is killed between its patients; it and another part then end the work."""
    _, one = generated(cohort, out="one")
    out = tmp_path / "parts"
    told = ["--checkpoint", run_folder, "--input", cohort, "--out", out]
    command = [sys.executable, "-m", "magic_model.cli", "generate", *map(str, told)]

    def start(number):
        return subprocess.Popen(
            [*command, "--part", f"{number}/2"],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.DEVNULL,
        )

    first = start(1)  # P1 and P3
    while first.poll() is None and not (out / "P1" / "generated.json").exists():
        time.sleep(0.01)
    first.kill()
    first.wait()
    workers = [start(1), start(2)]
    assert [worker.wait(timeout=110) for worker in workers] == [0, 0]
    assert bytes_of(out) == bytes_of(one)
