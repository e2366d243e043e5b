import pickle

import pytest

from magic_model.data.layouts import LAYOUTS, PatientSource, find_patients
from magic_model.data.layouts.source import refuse
from magic_model.data.volume import Kind
from magic_model.errors import DataError


def test_layouts_are_those_of_the_command():
    assert list(LAYOUTS) == [
        "isles24", "isles18", "unitobrain", "cpaisd", "magic-sample", "nifti", "dicom",
    ]  # fmt: skip


def test_an_unknown_layout_is_refused_with_the_known(tmp_path):
    with pytest.raises(DataError, match=r"one of isles24, .*, dicom, got 'isles25'"):
        find_patients("isles25", tmp_path)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_missing_root_is_named(layout, tmp_path):
    with pytest.raises(DataError, match=r"nowhere: no such file or folder"):
        find_patients(layout, tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("layout", "looks_for"),
    [
        ("isles24", r"raw_data/sub-stroke\*"),
        ("isles18", r"case_\*"),
        ("unitobrain", r"MOL-001_Registered"),
        ("cpaisd", r"raw\.dcm"),
        ("magic-sample", r"1280 x 256"),
        ("dicom", r"a folder per patient"),
    ],
)
def test_an_empty_root_tells_what_was_looked_for(layout, looks_for, tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "readme.txt").write_text("nothing here")
    with pytest.raises(DataError, match=f"no patient found; {layout}.*{looks_for}"):
        find_patients(layout, tmp_path)


def test_two_patients_of_one_name_are_refused_with_their_places(tmp_path, disk):
    for part in ("train", "test"):
        disk.slice(tmp_path / part / "study" / "0" / "raw.dcm", [[0, 1], [2, 3]])
    with pytest.raises(DataError, match=r"study must be there once, got .*test"):
        find_patients("cpaisd", tmp_path)


def test_a_source_can_be_sent_to_another_process(tmp_path, disk):
    disk.nifti(tmp_path / "ncct.nii.gz", [[[1.0, 2.0]]])
    (tmp_path / "patients.csv").write_text("patient_id,ncct\na,ncct.nii.gz\n")
    (source,) = find_patients("nifti", tmp_path)
    again = pickle.loads(pickle.dumps(source))  # noqa: S301 - our own bytes
    assert isinstance(again, PatientSource)
    assert again.images[Kind.NCCT]().array.tolist() == [[[1.0, 2.0]]]


def test_refuse_raises_its_message():
    with pytest.raises(DataError, match="no way"):
        refuse("no way")
