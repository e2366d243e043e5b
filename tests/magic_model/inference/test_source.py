from pathlib import Path

import numpy as np
import pytest

from magic_model.data.cohort import Cohort, Patient, read_cohort, write_cohort
from magic_model.data.nifti import write_nifti
from magic_model.data.split import Split
from magic_model.data.volume import Kind, Volume
from magic_model.errors import DataError
from magic_model.inference import prepare as source_module
from magic_model.inference.prepare import Source, find_sources, prepare_ncct
from magic_model.maps import PerfusionMap
from tests.magic_model.data.dicom.conftest import CtSeries
from tests.magic_model.inference.tiny import SIZE, write_head_cohort, write_head_dicom


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """P1 to P3, one of each split, with maps on slices 4 to 13 and brain masks."""
    return write_head_cohort(tmp_path_factory.mktemp("cohort"))


@pytest.fixture
def series(tmp_path):
    """Write CT series into one folder."""

    def written(*names, folder=tmp_path / "dicom"):
        for number, name in enumerate(names):
            made = CtSeries(np.random.default_rng(number))
            for dataset in made.slices:
                dataset.SeriesDescription = name
                dataset.SeriesNumber = number
            made.write(folder / str(number))
        folder.mkdir(exist_ok=True)
        return folder

    return written


def test_a_nifti_file_is_one_patient(head, stack, tmp_path):
    path = tmp_path / "scan.nii.gz"
    write_nifti(head.ncct, path)
    (source,) = find_sources(path, "case-7")
    assert source.patient_id == "case-7"
    assert source.files == (path,)
    assert source.headers is None
    ncct = source.load()
    assert ncct.kind is Kind.NCCT
    found = source.slices(ncct, SIZE, None, every=False)
    assert found.patient_id == "case-7"
    assert found.maps == {}
    assert np.array_equal(found.ncct, prepare_ncct("", ncct, size=SIZE).ncct)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/a"])
def test_a_name_that_leads_elsewhere_is_refused(name, tmp_path):
    with pytest.raises(DataError, match="must be one that a folder can have, got"):
        find_sources(tmp_path / "scan.nii.gz", name)


def test_what_is_no_file_is_said_when_it_is_read(tmp_path):
    (source,) = find_sources(tmp_path / "nothing.nii.gz", "case-1")
    with pytest.raises(DataError, match=r"nothing\.nii\.gz: no such file"):
        source.load()


def test_a_dicom_folder_is_one_patient(tmp_path):
    written = write_head_dicom(tmp_path, np.random.default_rng(0))
    (source,) = find_sources(tmp_path, "case-1")
    assert len(source.files) == 20
    ncct = source.load()
    found = source.slices(ncct, SIZE, None, every=False)
    same = prepare_ncct("", written, size=SIZE)
    # As stored: whole HU.
    np.testing.assert_allclose(found.ncct, same.ncct, atol=0.5)
    assert np.array_equal(found.mask, same.mask)
    np.testing.assert_allclose(found.affine, same.affine, atol=1e-6)
    assert [header.Modality for header in source.headers()] == ["CT"] * 20


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((), "must hold one CT series, got 0: none$"),
        (("Thin", "Head"), "equally plausible are series 'Thin' of 5 images .*'Head'"),
        (("CTA",), "series 0 tells contrast agent; name a series with --series"),
    ],
)
def test_a_folder_without_one_ncct_is_refused_with_the_reason(series, names, message):
    folder = series(*names)
    (folder / "notes.txt").write_text("no DICOM")
    with pytest.raises(DataError, match=message):
        find_sources(folder, "case-1")


def test_the_ncct_is_chosen_among_the_series_of_a_folder(series):
    (source,) = find_sources(series("Bone", "Thin", "CTA"), "case-1")
    assert {path.parent.name for path in source.files} == {"1"}
    assert "ncct is the series 'Thin' of 5 images, number 1" in source.notes
    assert [row.role for row in source.series] == ["", "ncct", ""]


def test_a_series_is_named_by_hand(series):
    folder = series("Bone", "Thin")
    (source,) = find_sources(folder, "case-1", series="0")
    assert {path.parent.name for path in source.files} == {"0"}
    with pytest.raises(DataError, match="no CT slices in a series 7; there are 0, 1"):
        find_sources(folder, "case-1", series="7")


def test_a_series_is_named_in_dicom_alone(cohort):
    with pytest.raises(DataError, match="can be named in a DICOM folder alone, got 3"):
        find_sources(cohort, "case-1", series="3")


@pytest.mark.parametrize(
    ("split", "names"),
    [("all", ["P1", "P2", "P3"]), ("val", ["P2"]), ("test", ["P3"])],
)
def test_patients_of_a_split_are_chosen(cohort, split, names):
    sources = find_sources(cohort, "ignored", split)
    assert [source.patient_id for source in sources] == names
    assert all(source.patient and source.cohort for source in sources)
    assert cohort / names[0] / "ncct.nii.gz" in sources[0].files


def test_an_unknown_split_is_refused(cohort):
    message = "Split must be one of train, val, test, all, got tests"
    with pytest.raises(DataError, match=message):
        find_sources(cohort, "case-1", "tests")


def test_a_split_without_patients_is_refused(cohort, tmp_path):
    patients = read_cohort(cohort).patients
    write_cohort(tmp_path, [p for p in patients if p.split is Split.TRAIN])
    with pytest.raises(DataError, match="at least one patient must be in split test"):
        find_sources(tmp_path, "case-1", "test")


def test_slices_are_where_maps_were_measured_or_every_one(cohort):
    """Maps on ten of twenty slices of 8 mm; brain on 14 to 16 of them."""
    source = find_sources(cohort, "case-1", "val")[0]
    ncct = source.load()
    measured = source.slices(ncct, SIZE, None, every=False)
    assert set(measured.maps) == {
        PerfusionMap(m)
        for m in source.patient.images
        if (m not in (Kind.NCCT, Kind.BRAIN_MASK))
    }
    at_maps = ncct.affine[2, 3] + 8 * np.arange(4, 14)
    np.testing.assert_allclose(measured.heights, at_maps, atol=1e-4)
    every = source.slices(ncct, SIZE, None, every=True)
    assert every.maps == {}
    assert len(every.heights) > 12
    assert set(np.round(at_maps)) < set(np.round(every.heights))
    fine = source.slices(ncct, SIZE, 2.0, every=False)
    assert np.diff(fine.heights) == pytest.approx(2.0)


def test_a_brain_mask_of_the_cohort_is_used(cohort):
    source = find_sources(cohort, "case-1", "val")[0]
    brain = source.cohort.load(source.patient, Kind.BRAIN_MASK)
    ncct = source.load()
    found = source.slices(ncct, 64, None, every=True)
    assert found.mask.sum() == brain.array.sum()


def test_a_patient_without_ncct_is_named(cohort, tmp_path):
    row = read_cohort(cohort).patients[0]
    images = {Kind.CBF: row.images[Kind.CBF]}
    write_cohort(tmp_path, [type(row)(**{**vars(row), "images": images})])
    (source,) = find_sources(tmp_path, "case-1")
    with pytest.raises(DataError, match="P1 has no ncct"):
        source.load()


@pytest.mark.parametrize(("thickness", "used"), [(1.0, True), (10.0, False)])
def test_a_thick_mask_is_not_used_between_its_slices(
    monkeypatch, tmp_path, thickness, used
):
    """Steps of the mask would show in every slice of the NCCT."""
    given = []
    monkeypatch.setattr(
        source_module, "prepare_ncct", lambda *_, brain, **__: given.append(brain)
    )
    affine = np.diag([1.0, 1.0, thickness, 1.0])
    mask = Volume(np.ones((4, 4, 4)), affine, Kind.BRAIN_MASK)
    ncct = Volume(np.ones((4, 4, 40)), np.eye(4), Kind.NCCT)
    write_nifti(mask, tmp_path / "mask.nii.gz")
    patient = Patient(
        "p1", Split.TEST, None, 0.0, 0.0, 0.0, {Kind.BRAIN_MASK: Path("mask.nii.gz")}
    )
    source = Source("p1", (), lambda: ncct, patient, Cohort(tmp_path, [patient]))
    source.slices(ncct, 16, None, every=True)
    assert (given[0] is not None) == used
