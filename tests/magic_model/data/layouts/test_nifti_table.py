import pytest

from magic_model.data.layouts import find_patients
from magic_model.data.volume import Kind
from magic_model.errors import DataError


@pytest.fixture
def table(tmp_path, disk):
    disk.nifti(tmp_path / "a" / "ct.nii.gz", [[[25.0, 30.0]]])
    disk.nifti(tmp_path / "a" / "flow.nii", [[[50.0, 60.0]]])
    return tmp_path / "patients.csv"


@pytest.mark.parametrize("by_folder", [True, False])
def test_paths_are_relative_to_the_table(table, by_folder):
    table.write_text(
        "patient_id,ncct,cbf\nx,a/ct.nii.gz,a/flow.nii\ny,a/ct.nii.gz,\n\n",
        encoding="utf-8-sig",
    )
    x, y = find_patients("nifti", table.parent if by_folder else table)
    assert (x.source_id, y.source_id) == ("x", "y")
    assert x.images[Kind.CBF]().array.tolist() == [[[50.0, 60.0]]]
    assert x.images[Kind.CBF]().unit == "mL/100g/min"
    assert set(y.images) == {Kind.NCCT}
    assert y.notes == ("not found: cbf",)


def test_an_absolute_path_is_taken_as_it_is(table, tmp_path):
    table.write_text(f"patient_id,ncct\nx,{tmp_path / 'a' / 'ct.nii.gz'}\n")
    (x,) = find_patients("nifti", table)
    assert x.images[Kind.NCCT]().shape == (1, 1, 2)


@pytest.mark.parametrize(
    ("rows", "faults"),
    [
        ("patient_id,ncct,colour\n", ["line 1: unknown column 'colour'; known are"]),
        ("ncct\n", ["line 1: column patient_id is missing"]),
        ("patient_id\nx\n", ["line 1: there must be a column of images"]),
        ("patient_id,ncct,ncct\n", ["line 1: column ncct must be there once"]),
        ("", ["line 1: column patient_id is missing"]),
        (
            "patient_id,ncct\n,a/ct.nii.gz\nx,a/none.nii\nx,\ny,a/ct.nii.gz,more\n",
            [
                "line 2: patient_id is empty",
                "line 3: ncct must be a file, got",
                "line 4: patient_id x was in line 3 already",
                "line 4: there must be an image, got none",
                "line 5: more cells than columns",
            ],
        ),
    ],
)
def test_every_fault_is_told_with_its_line(table, rows, faults):
    table.write_text(rows)
    with pytest.raises(DataError) as caught:
        find_patients("nifti", table)
    told = str(caught.value).splitlines()
    for fault in faults:
        assert any(f"{table} {fault}" in line for line in told)


def test_a_table_without_rows_has_no_patient(table):
    table.write_text("patient_id,ncct\n")
    with pytest.raises(DataError, match="no patient found; nifti looks for"):
        find_patients("nifti", table)


def test_a_missing_or_binary_table_is_named(table):
    with pytest.raises(DataError, match=r"patients\.csv: No such file"):
        find_patients("nifti", table.parent)
    table.write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(DataError, match="must be a CSV in UTF-8"):
        find_patients("nifti", table)


@pytest.fixture
def labels(tmp_path, disk):
    disk.nifti(tmp_path / "a" / "labels.nii", [[[0.0, 1.0, 2.0]]])
    return tmp_path / "patients.csv"


def test_labels_stand_for_both_masks(labels):
    labels.write_text("patient_id,core_mask,labels\nx,,a/labels.nii\n")
    (patient,) = find_patients("nifti", labels)
    assert patient.images[Kind.CORE_MASK]().array.tolist() == [[[0, 1, 0]]]
    assert patient.images[Kind.PENUMBRA_MASK]().array.tolist() == [[[0, 1, 1]]]
    assert not patient.notes


def test_labels_in_place_of_a_mask_are_refused(labels):
    labels.write_text("patient_id,core_mask\nx,a/labels.nii\n")
    (patient,) = find_patients("nifti", labels)
    with pytest.raises(DataError, match=r"labels.nii: core_mask must hold 0 and 1"):
        patient.images[Kind.CORE_MASK]()


def test_labels_beside_a_mask_are_a_fault(labels):
    labels.write_text("patient_id,core_mask,labels\nx,a/labels.nii,a/labels.nii\n")
    with pytest.raises(DataError, match="line 2: labels holds core_mask already"):
        find_patients("nifti", labels)
