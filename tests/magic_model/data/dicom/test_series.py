import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import MediaStorageDirectoryStorage, generate_uid

from magic_model.data.dicom.ct import read_ct_series
from magic_model.data.dicom.series import find_series
from magic_model.errors import DataError


def test_series_are_told_apart_by_content_in_one_folder(tmp_path, ct, make_ct):
    other = make_ct(shape=(2, 4, 4))
    for dataset in other.slices:
        dataset.SeriesDescription, dataset.SeriesNumber = "Neck", 1
    ct.write(tmp_path / "a")
    for path in other.write(tmp_path / "b"):
        path.rename(tmp_path / "a" / f"x{path.name}.txt")
    (tmp_path / "a" / "fake.dcm").write_text("no DICOM")
    (tmp_path / "empty").touch()

    found = find_series(tmp_path)

    assert [(s.description, s.modality, s.n_images) for s in found.series] == [
        ("Neck", "CT", 2),
        ("Head 2.5", "CT", 5),
    ]
    assert found.series[1].uid == ct.slices[0].SeriesInstanceUID
    assert [path.name for path in found.skipped] == ["fake.dcm", "empty"]


def test_a_dicomdir_is_skipped(tmp_path, ct, write_file):
    ct.write(tmp_path)
    directory = Dataset()
    directory.SOPClassUID = MediaStorageDirectoryStorage
    directory.SOPInstanceUID = generate_uid()
    directory.FileSetID = "DISC"
    directory.DirectoryRecordSequence = []
    write_file(directory, tmp_path / "DICOMDIR")

    found = find_series(tmp_path)

    assert [path.name for path in found.skipped] == ["DICOMDIR"]
    assert [series.n_images for series in found.series] == [5]


def test_frames_of_an_enhanced_object_are_counted(tmp_path, ct):
    ct.enhanced(tmp_path / "enhanced")

    assert find_series(tmp_path).series[0].n_images == 5


def test_files_without_preamble_are_found(tmp_path, ct):
    for path in ct.write(tmp_path):
        dataset = pydicom.dcmread(path)
        del dataset.file_meta, dataset.preamble
        dataset.save_as(path, implicit_vr=True, little_endian=True)
        assert path.read_bytes()[:2] == b"\x08\x00"

    found = find_series(tmp_path)
    assert sum(series.n_images for series in found.series) == 5
    assert found.skipped == ()
    volume = read_ct_series(found.series[0].paths)
    assert np.array_equal(volume.array, ct.hounsfield)


def test_broken_files_are_skipped_and_the_others_found(tmp_path, ct):
    ct.write(tmp_path)
    junk = b"\0" * 128 + b"DICM" + b"\x02\x00\x10\x00UI\xff\xff1.2"
    (tmp_path / "x-marked").write_bytes(junk)
    (tmp_path / "x-unmarked").write_bytes(b"\x08\x00\x05\x00\xff\xff")

    found = find_series(tmp_path)

    assert [path.name for path in found.skipped] == ["x-marked", "x-unmarked"]
    assert [series.n_images for series in found.series] == [5]


def test_a_file_that_is_no_archive_is_named(tmp_path):
    (tmp_path / "x.zip").write_bytes(b"PK\3\4 cut off")
    with pytest.raises(DataError, match=r"x.zip: must be a folder or a whole ZIP arch"):
        find_series(tmp_path / "x.zip")


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nowhere: no such folder"):
        find_series(tmp_path / "nowhere")
