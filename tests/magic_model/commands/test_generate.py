"""`magic-model generate`, as people run it."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from PIL import Image

from magic_model.commands import generate as command_module
from magic_model.commands.generate import GenerateRequest
from magic_model.data.cohort import GENERATED_FILE, read_cohort
from magic_model.data.dicom.parametric_map import read_parametric_map
from magic_model.data.nifti import read_nifti, write_nifti
from magic_model.data.split import Split
from magic_model.data.volume import Kind
from magic_model.distributed import World
from magic_model.errors import DataError
from magic_model.maps import MAP_SPECS, PAPER_MAPS
from tests.magic_model.data.conftest import make_head
from tests.magic_model.inference.test_onnx_backend import ABOUT, write_model
from tests.magic_model.inference.tiny import (
    SIZE,
    small_recipe,
    write_checkpoint,
    write_head_dicom,
)

MAPS = [Kind(name) for name in PAPER_MAPS]


@pytest.fixture
def scan(tmp_path):
    """A head of 8 mm slices, as a file."""
    path = tmp_path / "scan.nii.gz"
    write_nifti(make_head().ncct, path)
    return path


@pytest.fixture
def generated(command, run_folder, tmp_path):
    """Generate into one folder; give what was printed and the folder."""

    def run(source, *options, out="out", checkpoint=run_folder):
        told = ["--checkpoint", checkpoint, "--input", source, "--out", tmp_path / out]
        return command("generate", *told, *options), tmp_path / out

    return run


def times_of(folder):
    return {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()}


def bytes_of(folder):
    """What was written of patients; the record holds the time of the input."""
    return {
        p.relative_to(folder): p.read_bytes()
        for p in folder.rglob("*")
        if p.is_file() and p.suffix != ".json"
    }


def test_maps_of_a_volume_are_written_in_their_units(generated, scan):
    text, out = generated(scan, "--name", "case-9")
    lines = text.splitlines()
    assert lines[0] == f"1 patients in {out}: cbf, cbv, mtt, ttp"
    assert lines[1] == (
        "  case-9: slices are 8 mm apart: the neighbours at 4 mm were interpolated "
        "between them"
    )
    assert lines[2] == "Research use only."
    cohort = read_cohort(out, GENERATED_FILE)
    (patient,) = cohort.patients
    assert (patient.patient_id, patient.split) == ("case-9", Split.TEST)
    assert set(patient.images) == {*MAPS, Kind.BRAIN_MASK}
    brain = cohort.load(patient, Kind.BRAIN_MASK)
    assert brain.spacing[2] == pytest.approx(8)
    for kind in MAPS:
        volume = cohort.load(patient, kind)
        low, high = MAP_SPECS[kind.value].value_range
        inside = volume.array[brain.array > 0]
        assert low <= inside.min() < inside.max() <= high
        assert not volume.array[brain.array == 0].any()
        np.testing.assert_allclose(volume.affine, brain.affine)
    assert math.isfinite(patient.core_ml)
    assert not [path for path in out.rglob(".*") if path.is_file()]


def test_how_the_head_was_stored_changes_no_map(generated, scan, tmp_path):
    _, axial = generated(scan)
    ncct = read_nifti(scan, Kind.NCCT)
    turned = np.flip(ncct.array.transpose(1, 2, 0), 0)
    affine = ncct.affine[:, [1, 2, 0, 3]]
    affine[:, 3] += affine[:, 0] * (turned.shape[0] - 1)
    affine[:, 0] *= -1
    sagittal = tmp_path / "sagittal.nii.gz"
    write_nifti(type(ncct)(turned, affine, Kind.NCCT), sagittal)
    _, out = generated(sagittal, out="sagittal")
    assert bytes_of(out) == bytes_of(axial)


def test_a_cohort_has_maps_where_they_were_measured(generated, cohort):
    text, out = generated(cohort, "--split", "all")
    assert text.startswith(f"3 patients in {out}: cbf, cbv, mtt, ttp")
    measured, made = read_cohort(cohort), read_cohort(out, GENERATED_FILE)
    for row, new in zip(measured.patients, made.patients, strict=True):
        assert (new.patient_id, new.split) == (row.patient_id, row.split)
        volume = made.load(new, Kind.CBF)
        assert volume.shape == (SIZE, SIZE, 10)
        lowest, highest = (volume.affine @ [0, 0, k, 1] for k in (0, 9))
        bottom = measured.load(row, Kind.CBF).affine[2, 3]
        assert (lowest[2], highest[2]) == pytest.approx((bottom + 32, bottom + 104))


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


def test_slices_at_another_distance(generated, cohort):
    _, out = generated(cohort, "--split", "val", "--spacing", "2.5")
    made = read_cohort(out, GENERATED_FILE)
    mask = made.load(made.patients[0], Kind.BRAIN_MASK)
    assert mask.spacing[2] == pytest.approx(2.5)
    assert mask.array.any((0, 1)).all()
    _, out = generated(cohort, "--split", "val", "--every", out="every")
    made = read_cohort(out, GENERATED_FILE)
    mask = made.load(made.patients[0], Kind.BRAIN_MASK)
    assert mask.spacing[2] == pytest.approx(8)
    assert mask.shape[2] > 10


def test_parametric_maps_hold_the_same_values(generated, tmp_path):
    write_head_dicom(tmp_path / "dicom", np.random.default_rng(0))
    _, out = generated(tmp_path / "dicom", "--dicom")
    for kind in MAPS:
        nifti = read_nifti(out / "case-1" / f"{kind}.nii.gz", kind)
        dicom = read_parametric_map(out / "case-1" / f"{kind}.dcm")
        assert dicom.kind is kind
        assert np.array_equal(dicom.array, nifti.array)
        np.testing.assert_allclose(dicom.affine, nifti.affine, atol=1e-4)
    # Without being asked for they would be of an older run.
    _, out = generated(tmp_path / "dicom", "--ratio", "2")
    assert not list(out.rglob("*.dcm"))


def test_pictures_are_drawn(generated, scan):
    _, out = generated(scan, "--pictures", "--spacing", "2")
    names = [path.name for path in sorted((out / "case-1").glob("*.png"))]
    assert names == ["ratios.png", "resolution.png"]
    for name in names:
        assert np.asarray(Image.open(out / "case-1" / name)).std() > 10


def test_an_onnx_model_needs_no_checkpoint(generated, scan, tmp_path):
    """One by hand whose CBF is twice the middle slice, MTT the one below, as scaled."""
    about = ABOUT | {"size": SIZE}
    model = write_model(tmp_path / "model.onnx", about, size=SIZE)
    text, out = generated(scan, "--ratio", "0.5", checkpoint=model)
    assert "mtt, cbf, cbv" in text
    made = read_cohort(out, GENERATED_FILE)
    patient = made.patients[0]
    cbf, brain = (made.load(patient, k).array for k in (Kind.CBF, Kind.BRAIN_MASK))
    # Brain of 32 HU is -0.2 in the window, half of it -0.1, which is 27 of 60.
    assert np.median(cbf[brain > 0]) == pytest.approx(27, abs=0.1)
    record = json.loads((out / "case-1" / "generated.json").read_text())
    assert record["lesion"] is None


@pytest.fixture
def refused(refusal, run_folder, scan, tmp_path):
    def run(*options, checkpoint=run_folder, source=scan, out=tmp_path / "out"):
        told = ["--checkpoint", checkpoint, "--input", source, "--out", out]
        said = refusal("generate", *told, *options)
        assert not out.is_dir() or not list(out.rglob("*.nii.gz"))
        return said

    return run


@pytest.mark.parametrize("ratio", ["0", "-1", "nan", "inf"])
def test_a_ratio_that_is_not_positive_is_refused(refused, ratio):
    assert "ratio must be positive, got" in refused("--ratio", ratio)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused(refused):
    assert "finds no GPU here" in refused("--device", "cuda")


def test_options_that_make_no_sense_are_refused(refused, cohort, tmp_path):
    assert "must be auto, cpu or cuda, got tpu" in refused("--device", "tpu")
    assert "Invalid value for '--batch'" in refused("--batch", "0")
    assert "folder can have, got '../x'" in refused("--name", "../x")
    assert "case-1: spacing must be" in refused("--spacing", "0")
    assert "got tests" in refused("--split", "tests", source=cohort)
    (tmp_path / "file").touch()
    assert "file: must be a folder" in refused(out=tmp_path / "file")


def test_a_cohort_is_not_written_over(cohort, run_folder, refusal):
    before = times_of(cohort)
    said = refusal(
        "generate", "--checkpoint", run_folder, "--input", cohort, "--out", cohort
    )
    assert f"{cohort / 'P1' / 'cbf.nii.gz'}: is an image of the input" in said
    assert times_of(cohort) == before


def test_what_is_no_image_is_refused(refused, tmp_path):
    assert "nothing.nii: no such file" in refused(source=tmp_path / "nothing.nii")
    (tmp_path / "text.nii.gz").write_text("no image")
    assert "not a readable NIfTI" in refused(source=tmp_path / "text.nii.gz")
    (tmp_path / "empty").mkdir()
    assert "one CT series, got 0: none" in refused(source=tmp_path / "empty")


def test_an_ncct_without_a_brain_is_refused(refused, tmp_path):
    head = make_head()
    air = tmp_path / "air.nii.gz"
    write_nifti(head.ncct.with_array(np.full(head.ncct.shape, -1000.0)), air)
    assert "case-1: A head CT must show bone" in refused(source=air)
    thin = tmp_path / "thin.nii.gz"
    write_nifti(make_head((64, 64, 5), (3.5, 3.5, 1.0)).ncct, thin)
    said = refused("--name", "P4", source=thin)
    assert "P4: an NCCT must reach 8 mm from bottom to top" in said
    assert "got 5 slices of 1 mm" in said


def test_what_is_no_model_is_refused(refused, run_folder, tmp_path):
    def told(name, content):
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        return refused(checkpoint=path)

    whole = (run_folder / "best.safetensors").read_bytes()
    assert "a.safetensors: no such checkpoint" in told("a.safetensors", None)
    assert "not a readable checkpoint" in told("b.safetensors", b"damaged")
    assert "not a readable checkpoint" in told("c.safetensors", whole[:-100])
    assert "not a readable checkpoint" in told("d.pt", b"\x80\x04N.")  # a pickle
    ranges = whole.replace(rb"[0.0, 60.0]", rb"[0.0, 99.0]")
    assert "range of cbf must be (0.0, 60.0), got (0.0, 99.0)" in told("e", ranges)
    assert "f.onnx: no such model" in told("f.onnx", None)
    assert "not a readable ONNX model" in told("g.onnx", b"damaged")
    write_model(tmp_path / "h.onnx", None)
    assert "none that magic-model export wrote" in told("h.onnx", None)
    assert onnx.load(tmp_path / "h.onnx").graph.name == "by hand"
    (tmp_path / "run").mkdir()
    assert "must hold best.safetensors or" in refused(checkpoint=tmp_path / "run")


def test_a_model_that_cannot_be_read_is_said(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        command_module._digest(tmp_path / "gone")


def test_only_the_first_process_speaks(scan, run_folder, tmp_path, monkeypatch):
    """The second of two, with one patient: nothing to do, and nothing to say."""

    class Joined:
        def __init__(self, device):
            self.device = device

        def __enter__(self):
            return World(1, 2, 1), torch.device("cpu")

        def __exit__(self, *error):
            return None

    monkeypatch.setattr(command_module, "joined", Joined)
    waited = []
    monkeypatch.setattr(command_module, "wait_for_all", waited.append)
    request = GenerateRequest(checkpoint=run_folder, source=scan, out=tmp_path / "out")
    assert command_module.generate(request) == ""
    assert waited == [World(1, 2, 1)]
    assert not (tmp_path / "out").exists()


def test_maps_that_another_process_did_not_make_are_missed(
    scan, run_folder, tmp_path, monkeypatch
):
    monkeypatch.setattr(command_module._Maker, "make", lambda *_: None)
    request = GenerateRequest(checkpoint=run_folder, source=scan, out=tmp_path / "out")
    with pytest.raises(DataError, match="out: maps of 1 patients are missing"):
        command_module.generate(request)


@pytest.mark.slow
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
