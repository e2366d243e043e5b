import json
import math
import os
from dataclasses import replace

import numpy as np
import pytest

from magic_model.data.cohort import Patient
from magic_model.data.lesion import find_lesion
from magic_model.data.nifti import read_nifti
from magic_model.data.split import Split
from magic_model.data.volume import Kind
from magic_model.errors import DataError
from magic_model.inference.prepare import Source
from magic_model.inference.write import (
    FILE,
    GenerationRecord,
    fingerprint_of,
    load_if_current,
    remove_outdated,
    require_apart,
    write_patient,
)
from magic_model.maps import PerfusionMap
from magic_model.severity import Severity
from tests.magic_model.data.conftest import make_maps

SETTINGS = {"model": "abc", "ratio": 1.0}


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "in" / "scan.nii.gz"
    path.parent.mkdir()
    path.write_bytes(b"an image")
    return Source("P1", (path,), lambda: None)


@pytest.fixture(scope="module")
def made(head):
    """Maps with a core inside tissue at risk, and the brain."""
    return make_maps(head).maps, head.brain


def written(source, out, made, **record):
    return write_patient(source, out, *made, GenerationRecord("mark", **record))


def test_what_is_written_is_found_again(source, made, tmp_path):
    patient = written(source, tmp_path, made, notes=["thick slices"])
    assert load_if_current(source, tmp_path, "mark") == patient
    assert patient.notes == ("thick slices",)
    row = patient.patient
    maps, brain = made
    assert set(row.images) == {Kind(name) for name in maps} | {Kind.BRAIN_MASK}
    for kind, path in row.images.items():
        volume = maps[PerfusionMap(kind)] if kind in set(PerfusionMap) else brain
        found = read_nifti(tmp_path / path, kind)
        assert np.array_equal(found.array, volume.array)
        np.testing.assert_allclose(found.affine, volume.affine)
    lesion = find_lesion(maps, brain)
    assert (row.core_ml, row.penumbra_ml) == (lesion.core_ml, lesion.penumbra_ml)
    assert row.mismatch_ratio == pytest.approx(lesion.core_ml / lesion.penumbra_ml)
    assert row.severity in set(Severity)
    assert row.split is Split.TEST
    assert not [path for path in tmp_path.rglob(".*") if path.is_file()]


def test_the_split_of_a_cohort_is_kept(source, made, tmp_path):
    row = Patient("P1", Split.VAL, None, math.nan, math.nan, math.nan)
    patient = written(replace(source, patient=row), tmp_path, made)
    assert patient.patient.split is Split.VAL


def test_maps_that_show_no_lesion_leave_it_unknown(source, made, tmp_path):
    """Without TTP and Tmax nobody can tell."""
    maps, brain = made
    cbf = {PerfusionMap.CBF: maps[PerfusionMap.CBF]}
    row = written(source, tmp_path, (cbf, brain)).patient
    assert row.severity is None
    assert all(map(math.isnan, (row.core_ml, row.penumbra_ml, row.mismatch_ratio)))
    again = load_if_current(source, tmp_path, "mark").patient
    assert again.severity is None
    assert math.isnan(again.core_ml)


@pytest.mark.parametrize("name", ["cbf.nii.gz", "brain_mask.nii.gz", "cbf.dcm", FILE])
def test_a_folder_with_a_file_missing_is_not_kept(source, made, tmp_path, name):
    extra = tmp_path / "P1" / "cbf.dcm"
    extra.parent.mkdir()
    extra.touch()
    written(source, tmp_path, made, extras=[extra])
    assert load_if_current(source, tmp_path, "mark")
    (tmp_path / "P1" / name).unlink()
    assert load_if_current(source, tmp_path, "mark") is None


def test_maps_made_in_another_way_are_not_kept(source, made, tmp_path):
    written(source, tmp_path, made)
    assert load_if_current(source, tmp_path, "another") is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", "{}", '{"fingerprint": "mark", "images": []}']
)
def test_a_damaged_record_is_no_record(source, made, tmp_path, text):
    written(source, tmp_path, made)
    (tmp_path / "P1" / FILE).write_text(text)
    assert load_if_current(source, tmp_path, "mark") is None
    remove_outdated(source, tmp_path)
    assert not (tmp_path / "P1" / FILE).exists()


def test_nothing_of_an_earlier_run_is_left(source, made, tmp_path):
    """Or an old DICOM file would lie beside new NIfTI images."""
    own = tmp_path / "P1" / "notes.txt"
    old = tmp_path / "P1" / "cbf.dcm"
    own.parent.mkdir()
    own.touch()
    old.touch()
    written(source, tmp_path, made, extras=[old])
    remove_outdated(source, tmp_path)
    assert list((tmp_path / "P1").iterdir()) == [own]
    remove_outdated(source, tmp_path)  # nothing there is nothing to do


def test_names_in_a_record_lead_nowhere_else(source, tmp_path):
    (tmp_path / "P1").mkdir()
    precious = tmp_path / "precious"
    precious.touch()
    (tmp_path / "P1" / FILE).write_text(json.dumps({"files": ["../precious"]}))
    remove_outdated(source, tmp_path)
    assert precious.exists()


def test_the_fingerprint_follows_from_all_that_maps_follow_from(source):
    prints = [fingerprint_of(source, SETTINGS)]
    prints.append(fingerprint_of(source, SETTINGS | {"ratio": 2.0}))
    prints.append(fingerprint_of(replace(source, patient_id="P2"), SETTINGS))
    (path,) = source.files
    os.utime(path, ns=(1, 1))
    prints.append(fingerprint_of(source, SETTINGS))
    path.write_bytes(b"another image")
    os.utime(path, ns=(1, 1))
    prints.append(fingerprint_of(source, SETTINGS))
    path.unlink()
    prints.append(fingerprint_of(source, SETTINGS))
    assert len(set(prints)) == len(prints)
    assert fingerprint_of(source, SETTINGS) == prints[-1]


def test_images_of_the_input_are_not_written_over(source, tmp_path):
    read = replace(source, files=(tmp_path / "in" / ".." / "P1" / "cbf.nii.gz",))
    with pytest.raises(DataError, match="is an image of the input; write to another"):
        require_apart([source, read], tmp_path)
    require_apart([source, read], tmp_path / "out")
    beside = replace(source, files=(tmp_path / "P1" / "ncct.nii.gz",))
    require_apart([beside], tmp_path)  # no NCCT is written


def test_a_file_is_no_folder(source):
    (path,) = source.files
    with pytest.raises(DataError, match="must be a folder"):
        require_apart([source], path)


def test_what_cannot_be_written_is_said(source, made, tmp_path):
    (tmp_path / "P1").touch()
    with pytest.raises(DataError, match="P1: cannot be written"):
        remove_outdated(source, tmp_path)
    with pytest.raises(DataError, match="cannot be written"):
        written(source, tmp_path, made)
    (tmp_path / "P1").unlink()
    (tmp_path / "P1" / FILE).mkdir(parents=True)
    with pytest.raises(DataError, match=f"{FILE}: cannot be written"):
        written(source, tmp_path, made)
