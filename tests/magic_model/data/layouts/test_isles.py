import pickle

import numpy as np
import pytest

from magic_model.data.layouts import find_patients
from magic_model.data.volume import Kind
from magic_model.errors import DataError

MAPS = ("cbf", "cbv", "mtt", "tmax")


def make_isles24(disk, root, name, *, raw="raw_data", session="ses-01", maps=MAPS):
    """Write a subject; every image holds another constant."""
    stem = f"{name}_{session}"
    at = f"{name}/{session}"
    disk.nifti(root / raw / at / f"{stem}_ncct.nii.gz", np.full((4, 4, 6), 30))
    for other in ("cta", "ctp"):
        disk.nifti(root / raw / at / f"{stem}_{other}.nii.gz", np.full((4, 4, 6), 99))
    for number, kind in enumerate(maps, start=1):
        folder = f"{at}/perfusion-maps"
        disk.nifti(
            root / raw / folder / f"{stem}_{kind}.nii.gz", np.full((2, 2, 2), 99)
        )
        disk.nifti(
            root / "derivatives" / folder / f"{stem}_space-ncct_{kind}.nii.gz",
            np.full((4, 4, 6), number),
        )


@pytest.mark.parametrize("part", ["", "train"])
@pytest.mark.parametrize(
    ("raw", "name", "session"),
    [
        ("raw_data", "sub-stroke0001", "ses-01"),
        ("rawdata", "sub-strokecase0001", "ses-0001"),
    ],
)
def test_isles24_takes_ncct_from_raw_and_maps_on_its_grid(
    tmp_path, disk, part, raw, name, session
):
    make_isles24(disk, tmp_path / part, name, raw=raw, session=session)
    (patient,) = find_patients("isles24", tmp_path)
    assert patient.source_id == name
    assert {kind: load().array.max() for kind, load in patient.images.items()} == {
        Kind.NCCT: 30, Kind.CBF: 1, Kind.CBV: 2, Kind.MTT: 3, Kind.TMAX: 4,
    }  # fmt: skip
    assert {load().shape for load in patient.images.values()} == {(4, 4, 6)}
    assert len(patient.files) == 5
    assert not any("not found" in note for note in patient.notes)
    assert pickle.loads(pickle.dumps(patient)).files == patient.files  # noqa: S301


@pytest.mark.parametrize("stem", ["ses-02_space-ncct_lesion-msk", "ses-02_lesion-msk"])
def test_isles24_lesion_is_no_core(tmp_path, disk, stem):
    make_isles24(disk, tmp_path, "sub-stroke0001")
    disk.nifti(
        tmp_path / f"derivatives/sub-stroke0001/ses-02/sub-stroke0001_{stem}.nii.gz",
        np.ones((4, 4, 6)),
    )
    (patient,) = find_patients("isles24", tmp_path)
    assert Kind.CORE_MASK not in patient.images
    assert any("final infarct" in note for note in patient.notes)


def test_isles24_returns_a_patient_without_all_images(tmp_path, disk):
    make_isles24(disk, tmp_path, "sub-stroke0001", maps=("cbf", "mtt"))
    make_isles24(disk, tmp_path, "sub-stroke0002", maps=())
    ncct = "raw_data/sub-stroke0001/ses-01/sub-stroke0001_ses-01_ncct.nii.gz"
    (tmp_path / ncct).unlink()
    first, second = find_patients("isles24", tmp_path)
    assert set(first.images) == {Kind.CBF, Kind.MTT}
    assert "not found: ncct, cbv, tmax" in first.notes
    assert set(second.images) == {Kind.NCCT}
    assert "not found: cbf, cbv, mtt, tmax" in second.notes


def test_two_files_for_one_image_are_refused_when_it_is_read(tmp_path, disk):
    make_isles24(disk, tmp_path, "sub-stroke0001")
    session = tmp_path / "raw_data/sub-stroke0001/ses-01"
    disk.nifti(session / "copy_ncct.nii", np.zeros((4, 4, 6)))
    disk.nifti(session / "._hidden_ncct.nii", np.zeros((4, 4, 6)))
    (patient,) = find_patients("isles24", tmp_path)
    with pytest.raises(DataError, match=r"ncct must be one file, got .*copy_ncct\.nii"):
        patient.images[Kind.NCCT]()
    assert patient.images[Kind.CBF]().array.max() == 1


def test_a_truncated_file_fails_alone(tmp_path, disk):
    make_isles24(disk, tmp_path, "sub-stroke0001")
    (path,) = tmp_path.glob("derivatives/*/*/*/*_cbf.nii.gz")
    path.write_bytes(path.read_bytes()[:40])
    (patient,) = find_patients("isles24", tmp_path)
    with pytest.raises(DataError, match=r"_space-ncct_cbf\.nii\.gz: not a readable"):
        patient.images[Kind.CBF]()
    assert patient.images[Kind.NCCT]().unit == "HU"


def make_isles18(disk, case, *, lesion=True):
    modalities = {
        "CT": (40, np.int32), "CT_4DPWI": (7, np.int16), "CT_CBF": (6338, np.uint16),
        "CT_CBV": (742, np.uint16), "CT_MTT": (40, np.float64),
        "CT_Tmax": (12, np.float64),
    }  # fmt: skip
    if lesion:
        modalities["OT"] = (1, np.uint16)
    for number, (name, (value, dtype)) in enumerate(modalities.items(), start=34500):
        stem = f"SMIR.Brain.XX.O.{name}.{number}"
        shape = (4, 4, 2, 3) if name == "CT_4DPWI" else (4, 4, 2)
        disk.nifti(case / stem / f"{stem}.nii", np.full(shape, value), dtype=dtype)


def test_isles18_knows_files_by_a_part_of_their_name(tmp_path, disk):
    for name in ("case_2", "case_10", "case_1"):
        make_isles18(disk, tmp_path / "TRAINING" / name)
    make_isles18(disk, tmp_path / "TESTING" / "case_1", lesion=False)
    patients = find_patients("isles18", tmp_path)
    assert [p.source_id for p in patients] == [
        "TESTING/case_1", "TRAINING/case_1", "TRAINING/case_2", "TRAINING/case_10",
    ]  # fmt: skip
    for patient in patients:
        values = {kind: load().array.max() for kind, load in patient.images.items()}
        assert values == {
            Kind.NCCT: 40, Kind.CBF: 6338, Kind.CBV: 742, Kind.MTT: 40, Kind.TMAX: 12,
        }  # fmt: skip
        assert any("undocumented factor" in note for note in patient.notes)
        assert any("patients" in note for note in patient.notes)
    lesion = [any("lesion" in note for note in p.notes) for p in patients]
    assert lesion == [False, True, True, True]


def test_isles18_takes_one_part_as_root(tmp_path, disk):
    make_isles18(disk, tmp_path / "case_7")
    (tmp_path / "case_8").mkdir()
    first, second = find_patients("isles18", tmp_path)
    assert first.source_id == "case_7"
    assert second.notes[0] == "not found: ncct, cbf, cbv, mtt, tmax"
