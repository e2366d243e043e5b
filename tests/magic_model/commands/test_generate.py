"""`magic-model generate`, as people run it."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from magic_model.cli.networks import _noted
from magic_model.data.cohort import GENERATED_FILE, read_cohort
from magic_model.data.dicom.parametric_map import read_parametric_map
from magic_model.data.nifti import read_nifti, write_nifti
from magic_model.data.split import Split
from magic_model.data.volume import Kind
from magic_model.maps import MAP_SPECS, PAPER_MAPS
from tests.magic_model.data.conftest import ellipsoid, make_head
from tests.magic_model.inference.test_onnx_backend import ABOUT, write_model
from tests.magic_model.inference.tiny import (
    SIZE,
    write_head_dicom,
)

MAPS = [Kind(name) for name in PAPER_MAPS]


def test_contrast_agent_in_an_ncct_is_a_note_on_the_console_and_in_json(
    generated, tmp_path
):
    head = make_head()
    vessels = np.zeros(head.ncct.shape, bool)
    for x, y in [(-40, 0), (40, 0), (0, 30), (-20, -40), (20, -40), (0, -20)]:
        vessels |= np.hypot(head.mm[0] - x, head.mm[1] - y) < 7
    vessels &= ellipsoid(head.mm, (50, 70, 50))
    cta = np.where(vessels, 350, head.ncct.array)
    write_nifti(head.ncct.with_array(cta), tmp_path / "cta.nii.gz")
    text, out = generated(tmp_path / "cta.nii.gz")
    note = "contrast agent (a CTA)? take the series before contrast"
    assert f"{note}\n" in text
    record = json.loads((out / "case-1" / "generated.json").read_text())
    assert any(note in found for found in record["notes"])


def test_maps_of_a_volume_are_written_in_their_units(generated, scan):
    text, out = generated(scan, "--name", "case-9")
    lines = text.splitlines()
    assert lines[0] == f"1 patient in {out}: cbf, cbv, mtt, ttp"
    assert lines[1] == (
        "  case-9: slices are 8 mm apart: the neighbours at 4 mm were interpolated "
        "between them"
    )
    # The checkpoint of this test is as those of version 0.1.
    assert lines[2] == (
        "  case-9: the network does not say what pixels it was trained with, as it is "
        "of version 0.1: the longer side was fitted into 32 pixels of 7 mm"
    )
    assert lines[3] == "Research use only."
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
    for kind in (*MAPS, Kind.BRAIN_MASK):
        image = Path("case-1") / f"{kind}.nii.gz"
        assert (out / image).read_bytes() == (axial / image).read_bytes()


def test_a_cohort_has_maps_where_they_were_measured(generated, cohort):
    text, out = generated(cohort, "--split", "all")
    assert text.startswith(f"3 patients in {out}: cbf, cbv, mtt, ttp")
    # What is so of all is said once, and stands in each patient's file.
    assert text.count("of version 0.1: the longer side") == 1
    assert "  all 3 patients: the network does not say" in text
    for file in out.rglob("generated.json"):
        assert any(
            "version 0.1" in note for note in json.loads(file.read_text())["notes"]
        )
    measured, made = read_cohort(cohort), read_cohort(out, GENERATED_FILE)
    for row, new in zip(measured.patients, made.patients, strict=True):
        assert (new.patient_id, new.split) == (row.patient_id, row.split)
        volume = made.load(new, Kind.CBF)
        assert volume.shape == (SIZE, SIZE, 10)
        lowest, highest = (volume.affine @ [0, 0, k, 1] for k in (0, 9))
        bottom = measured.load(row, Kind.CBF).affine[2, 3]
        assert (lowest[2], highest[2]) == pytest.approx((bottom + 32, bottom + 104))


def test_a_note_names_those_whom_it_is_about():
    told = _noted([("a", ("tilted", "tilted", "thick")), ("b", ("thick",)), ("c", ())])
    assert told == ["  a: tilted", "  a, b: thick"]
    assert _noted([("a", ("x", "x")), ("b", ())]) == ["  a: x"]
    assert _noted([("a", ("x",)), ("b", ("x",))]) == ["  all 2 patients: x"]
    assert _noted([("a", ("x",))]) == ["  a: x"]


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


@pytest.mark.slow
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
