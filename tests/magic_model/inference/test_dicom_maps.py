import numpy as np
import pydicom
import pytest

from magic_model.data.dicom.parametric_map import read_parametric_map
from magic_model.data.volume import Kind
from magic_model.errors import DataError
from magic_model.inference.prepare import Source, find_sources
from magic_model.inference.write import write_dicom
from magic_model.maps import PerfusionMap
from tests.magic_model.data.conftest import make_maps
from tests.magic_model.inference.tiny import write_head_dicom

NAMES = (PerfusionMap.CBF, PerfusionMap.TTP)


@pytest.fixture(scope="module")
def maps(head):
    return {name: make_maps(head).maps[name] for name in NAMES}


def test_maps_come_back_as_they_were_written(maps, tmp_path):
    source = Source("case-1", (), lambda: None)
    files = write_dicom(source, maps, tmp_path / "case-1")
    assert [file.name for file in files] == ["cbf.dcm", "ttp.dcm"]
    for name, file in zip(NAMES, files, strict=True):
        found = read_parametric_map(file)
        assert found.kind is Kind(name.value)
        assert np.array_equal(found.array, maps[name].array)
        np.testing.assert_allclose(found.affine, maps[name].affine, atol=1e-4)
        assert pydicom.dcmread(file).PatientID == "case-1"
    one, other = (pydicom.dcmread(file) for file in files)
    assert one.StudyInstanceUID == other.StudyInstanceUID
    assert one.SOPInstanceUID != other.SOPInstanceUID


def test_images_are_referred_to_without_their_identity(maps, tmp_path):
    write_head_dicom(tmp_path / "in", np.random.default_rng(0))
    (source,) = find_sources(tmp_path / "in", "case-1")
    (file, *_) = write_dicom(source, maps, tmp_path / "out")
    text = file.read_bytes()
    header = source.headers()[0]
    for secret in (header.PatientID, str(header.PatientName), header.SOPInstanceUID):
        assert secret.encode() not in text
    (study,) = pydicom.dcmread(file).ReferencedSeriesSequence
    assert len(study.ReferencedInstanceSequence) == 20


def test_a_hospitals_own_name_is_refused(maps, tmp_path):
    write_head_dicom(tmp_path / "in", np.random.default_rng(0))
    (source,) = find_sources(tmp_path / "in", "HOSPITAL-4711")
    with pytest.raises(DataError, match="must not be the source's patient id"):
        write_dicom(source, maps, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())
