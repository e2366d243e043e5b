"""Data sets that hold a CT perfusion series: maps that are missing are computed."""

import json

import nibabel as nib
import numpy as np
import pytest

from magic_model.cli import main
from magic_model.data.layouts import find_patients
from magic_model.data.layouts.raw_series import Maps
from magic_model.data.volume import Kind
from magic_model.errors import DataError
from tests.magic_model.importing.perfused_head import SPACING, TIMES, make_head_series
from tests.magic_model.perfusion.dynamic_dicom import DynamicCt

MAPS = {Kind.CBF, Kind.CBV, Kind.MTT, Kind.TTP, Kind.TMAX}
GIVEN = ("cbf", "cbv", "mtt", "tmax")


@pytest.fixture(scope="module")
def head():
    return make_head_series()


def save(path, array, affine, step=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nib.Nifti1Image(np.asarray(array, np.int16), affine)
    if step is not None:
        image.header.set_xyzt_units("mm", "sec")
        image.header["pixdim"][4:6] = step
    nib.save(image, path)


def subject(root, name, head, *, on_grid, maps=(), series=True):
    """Write a subject of ISLES'24 with an NCCT, a 4D CTP, and maps where wanted."""
    array, affine = head
    stem = f"{name}_ses-01"
    raw, derived = (
        root / part / name / "ses-01" for part in ("raw_data", "derivatives")
    )
    save(raw / f"{stem}_ncct.nii.gz", array[..., 0], affine)
    if series:
        save(raw / f"{stem}_ctp.nii.gz", array, affine, 1.5)
    if series and on_grid:
        save(derived / f"{stem}_space-ncct_ctp.nii.gz", array, affine, 1.5)
    brain = (array[..., 0] > 0) & (array[..., 0] < 90)
    for level, kind in enumerate(maps, 5):
        path = derived / "perfusion-maps" / f"{stem}_space-ncct_{kind}.nii.gz"
        save(path, level * brain, affine)


@pytest.fixture(scope="module")
def imported(head, tmp_path_factory):
    """Folders of four patients by number, what was noted of each, what was printed."""
    place = tmp_path_factory.mktemp("isles24")
    root, out, link = place / "isles", place / "cohort", place / "link.csv"
    still = np.repeat(head[0][..., :1], len(TIMES), axis=3), head[1]
    subject(root, "sub-stroke0001", head, on_grid=True, maps=GIVEN)
    subject(root, "sub-stroke0002", head, on_grid=False)
    subject(root, "sub-stroke0003", still, on_grid=True, maps=GIVEN)
    subject(root, "sub-stroke0004", head, on_grid=False, maps=GIVEN)
    arguments = ["import", "--layout", "isles24", str(root), "--out", str(out)]
    assert main([*arguments, "--link", str(link)]) == 0
    names = dict(line.split(",")[::-1] for line in link.read_text().split()[1:])
    folders = {n: out / names[f"sub-stroke000{n}"] for n in range(1, 5)}
    records = {
        n: json.loads((f / "import.json").read_text()) for n, f in folders.items()
    }
    return folders, records


@pytest.mark.slow
def test_isles24_is_imported_with_all_maps(imported):
    folders, records = imported
    for number, record in records.items():
        computed = number < 3
        assert (set(record["images"]) >= MAPS) is computed
        assert (folders[number] / "perfusion.html").is_file() is computed
        if computed:
            ttp = nib.load(folders[number] / "ttp.nii.gz").get_fdata()
            assert 12 < np.median(ttp[ttp > 0]) < 25
    given, found = (nib.load(folders[n] / "cbf.nii.gz").get_fdata() for n in (1, 2))
    assert given.max() == 5
    assert 25 < np.median(found[found > 0]) < 55


@pytest.mark.slow
def test_isles24_says_which_maps_were_computed(imported):
    told = {number: " ".join(r["notes"]) for number, r in imported[1].items()}

    assert "computed from the raw series: ttp (36 frames over 52.5 s)" in told[1]
    assert "maps of the data set itself: cbf, cbv, mtt, tmax" in told[1]
    assert "computed from the raw series: cbf, cbv, mtt, ttp, tmax" in told[2]
    assert "header may place it beside the NCCT" in told[2]
    assert "not computed from the raw series: ttp" in told[3]
    assert "no bolus" in told[3]
    assert "maps that are missing were not computed" in told[4]


def test_which_maps_are_computed_is_a_choice(head, tmp_path):
    subject(tmp_path, "sub-stroke0001", head, on_grid=True, maps=GIVEN)
    given, missing, all_ = (
        find_patients("isles24", tmp_path, maps=which)[0]
        for which in (Maps.GIVEN, Maps.MISSING, Maps.ALL)
    )
    assert given.raw is None
    assert len(given.files) == 5
    assert missing.raw.kinds == (Kind.TTP,)
    assert len(missing.files) == 6
    assert set(all_.images) == {Kind.NCCT}
    assert set(all_.raw.kinds) == MAPS
    assert all_.settings == ("maps=all",)
    assert main(["import", "--layout", "isles24", str(tmp_path), "--maps", "no",
                 "--out", str(tmp_path / "out")]) == 2  # fmt: skip


def test_a_raw_series_stands_in_where_there_are_no_maps(head, tmp_path):
    subject(tmp_path, "sub-stroke0001", head, on_grid=False)
    subject(tmp_path, "sub-stroke0002", head, on_grid=False, maps=GIVEN)
    alone, beside = find_patients("isles24", tmp_path)
    assert set(alone.raw.kinds) == MAPS
    assert any("header may place it beside" in note for note in alone.notes)
    assert beside.raw is None
    assert any("missing were not computed" in note for note in beside.notes)


def test_what_is_not_stated_is_assumed_and_said(head, tmp_path):
    array, affine = head
    case = tmp_path / "case_1"
    for name, image in (("CT", array[..., 0]), ("CT_4DPWI", array[:, :, :, None])):
        stem = f"SMIR.Brain.XX.O.{name}.1"
        save(case / stem / f"{stem}.nii", image, affine, 0)
    loaded = find_patients("isles18", tmp_path)[0].load()

    assert set(loaded.images) >= MAPS
    assert any(
        "states no distance of frames; 1 s was assumed" in n for n in loaded.notes
    )


def test_two_series_and_nothing_else_are_refused_by_name(head, tmp_path):
    subject(tmp_path, "sub-stroke0001", head, on_grid=True, maps=GIVEN)
    session = tmp_path / "derivatives/sub-stroke0001/ses-01"
    save(session / "copy_space-ncct_ctp.nii", head[0], head[1], 1.5)
    (patient,) = find_patients("isles24", tmp_path)
    assert any("the series must be one file" in note for note in patient.load().notes)
    folder = DynamicCt(head[0][:3, :4, :1, :12], TIMES[:12], SPACING)
    for number in "12":
        for dataset in folder.slices.values():
            dataset.SeriesInstanceUID, dataset.SeriesNumber = f"1.{number}", number
        folder.write(tmp_path / "dicom" / "doe" / number)
    (patient,) = find_patients("dicom", tmp_path / "dicom")
    with pytest.raises(DataError, match="must be one CT perfusion series, got"):
        patient.load()
    (tmp_path / "t").mkdir()
    save(tmp_path / "t/ctp.nii.gz", head[0][..., 0], head[1])
    (tmp_path / "t/patients.csv").write_text("patient_id,ctp\na,ctp.nii.gz\n")
    (patient,) = find_patients("nifti", tmp_path / "t")
    with pytest.raises(
        DataError, match=r"no image can be used: not computed .* be a 4D"
    ):
        patient.load()


@pytest.mark.slow
def test_dicom_series_of_a_hospital_and_of_unitobrain(head, tmp_path):
    array, _ = head
    turned = array[::-1, ::-1]  # DICOM counts to the left and back
    series = DynamicCt(turned, TIMES, SPACING)
    folder = series.write(tmp_path / "unito" / "MOL-001_Registered_Filtered_3mm_20HU")
    (patient,) = find_patients("unitobrain", tmp_path / "unito")
    found = patient.load()
    assert MAPS | {Kind.NCCT} == set(found.images)
    (tmp_path / "hospital").mkdir()
    folder.rename(tmp_path / "hospital" / "doe")
    (patient,) = find_patients("dicom", tmp_path / "hospital")
    again = patient.load()
    assert set(again.images) == MAPS
    table = tmp_path / "table"
    save(table / "ctp.nii.gz", turned, series.affine, 1.5)
    (table / "patients.csv").write_text("patient_id,ctp\na,ctp.nii.gz\n")
    (patient,) = find_patients("nifti", table)
    for kind, image in patient.load().images.items():
        assert (image.array == found.images[kind].array).all()
        assert (image.array == again.images[kind].array).all()
