import pytest
from pydicom.dataset import Dataset
from pydicom.uid import SecondaryCaptureImageStorage

from magic_model.data.dicom.study import (
    StudyContext,
    burnt_in_warning,
    identifying_attributes,
    require_anonymous,
)
from magic_model.errors import DataError


def test_what_identifies_is_listed(ct):
    dataset = ct.slices[0]
    dataset.StudyDate = ""
    dataset.add_new(0x00091001, "LO", "private")
    performed = Dataset()
    performed.PatientName = "Doe^Jane"
    dataset.SourceImageSequence = [performed]

    assert identifying_attributes(dataset) == [
        "(0009,1001)",
        "PatientBirthDate",
        "PatientID",
        "PatientName",
        "SourceImageSequence[0].PatientName",
    ]


def test_a_study_local_id_passes_only_where_name_and_id_agree():
    dataset = Dataset()
    StudyContext("p123").mark(dataset)
    assert identifying_attributes(dataset) == []

    dataset.PatientName = "Doe^Jane"
    assert identifying_attributes(dataset) == ["PatientID", "PatientName"]


def test_what_would_identify_a_patient_is_not_written(tmp_path):
    dataset = Dataset()
    StudyContext("p123").mark(dataset)
    require_anonymous(dataset, tmp_path / "m.dcm")
    dataset.StationName = "CT-3"
    with pytest.raises(DataError, match=r"m\.dcm: must not identify.*StationName"):
        require_anonymous(dataset, tmp_path / "m.dcm")


@pytest.mark.parametrize(
    ("keyword", "value", "warns"),
    [
        ("BurnedInAnnotation", "YES", True),
        ("BurnedInAnnotation", "NO", False),
        ("SOPClassUID", SecondaryCaptureImageStorage, True),
        ("SOPClassUID", SecondaryCaptureImageStorage + ".4", True),
        ("ImageType", ["DERIVED", "SECONDARY", "SCREEN SAVE"], True),
        ("ImageType", ["ORIGINAL", "PRIMARY", "AXIAL"], False),
    ],
)
def test_burnt_in_text_is_warned_of(keyword, value, warns):
    dataset = Dataset()
    setattr(dataset, keyword, value)

    assert (burnt_in_warning(dataset) is not None) is warns


@pytest.mark.parametrize("name", ["", "  ", "x" * 65, "Doe^Jane", "a\\b", "ä", "a\n"])
def test_ids_that_dicom_cannot_hold_are_refused(name):
    with pytest.raises(DataError, match="patient id must be"):
        StudyContext(name)


def test_a_uid_is_replaced_by_the_same_random_one():
    study = StudyContext()

    assert study.replace_uid("1.2.3") == study.replace_uid("1.2.3")
    assert study.replace_uid("1.2.3") != study.replace_uid("1.2.4")
    assert study.replace_uid("1.2.3") != StudyContext().replace_uid("1.2.3")
