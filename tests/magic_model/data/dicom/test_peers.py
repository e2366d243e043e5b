"""What independent programs say of the objects: dciodvfy and an Orthanc server."""

import io
import json
import subprocess

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.uid import (
    CTImageStorage,
    ParametricMapStorage,
    SecondaryCaptureImageStorage,
)
from pynetdicom import AE

from magic_model.data.dicom.parametric_map import read_parametric_map
from magic_model.data.dicom.study import StudyContext, identifying_attributes
from magic_model.data.volume import Volume
from magic_model.derivatives.dicom_objects import write_dicom
from magic_model.inference.prepare import Source
from magic_model.maps import PerfusionMap
from tests.orthanc import Orthanc
from tests.programs import find_program

pytestmark = pytest.mark.slow


@pytest.fixture
def objects(tmp_path, rng, ct):
    """Every map of a patient in every form, and the report of its lesion."""
    folder = tmp_path / "objects"
    study = StudyContext("p000007", is_synthetic=True)
    affine = np.diag([-0.9, -0.8, 2.5, 1])
    maps = {
        name: Volume(rng.gamma(2.0, 10.0, (32, 24, 3)), affine, name)
        for name in PerfusionMap
    }
    source = Source("p000007", (), lambda: None, headers=lambda: ct.slices)
    lesion = {"core_ml": 12.5, "penumbra_ml": 80.0}
    write_dicom(source, maps, folder, study, lesion)
    return sorted(folder.rglob("*.dcm"))


# The tag that says so is younger (PS3.3 2023) than the program (2022).
_SYNTHETIC = (
    "Error - Attribute with an even group number is not a recognized standard "
    "attribute - (0x0008,0x001c)  ? "
)


def test_dciodvfy_finds_no_error(objects):
    program = find_program("dciodvfy", "dicom3tools")
    kinds = set()
    for path in objects:
        found = subprocess.run(
            [program, path], capture_output=True, text=True, check=False
        )

        lines = (found.stdout + found.stderr).splitlines()
        # The program names the object definition that it checked against.
        kinds |= {"ParametricMap", "CTImage", "SCImage", "EnhancedSR"} & set(lines)
        errors = [line for line in lines if line.strip().startswith("Error")]
        assert [line for line in errors if line.strip() != _SYNTHETIC.strip()] == []
    assert len(objects) == len(PerfusionMap) * 7 + 1
    assert kinds == {"ParametricMap", "CTImage", "SCImage", "EnhancedSR"}


@pytest.fixture
def orthanc(tmp_path):
    program = find_program("Orthanc", "orthanc")
    folder = tmp_path / "orthanc"
    folder.mkdir()
    server = Orthanc(program, folder)
    yield server
    server.stop()


def _store(paths, port) -> list[int]:
    """Send files by C-STORE, give the status of each."""
    datasets = [pydicom.dcmread(path) for path in paths]
    sender = AE(ae_title="MAGIC")
    for sop_class in {dataset.SOPClassUID for dataset in datasets}:
        sender.add_requested_context(sop_class, "1.2.840.10008.1.2.1")
    association = sender.associate("127.0.0.1", port, ae_title="ORTHANC")
    assert association.is_established
    try:
        return [association.send_c_store(dataset).Status for dataset in datasets]
    finally:
        association.release()


def test_orthanc_takes_the_objects_and_gives_them_back(objects, orthanc, tmp_path):
    statuses = _store(objects, orthanc.dicom_port)

    assert statuses == [0] * len(objects)
    (patient,) = json.loads(orthanc.get("/patients?expand"))
    assert patient["MainDicomTags"]["PatientID"] == "p000007"
    assert len(patient["Studies"]) == 1
    fetched = {}
    for instance in json.loads(orthanc.get("/instances")):
        content = orthanc.get(f"/instances/{instance}/file")
        uid = pydicom.dcmread(io.BytesIO(content)).SOPInstanceUID
        fetched[uid] = tmp_path / f"{instance}.dcm"
        fetched[uid].write_bytes(content)
        _assert_shown(pydicom.dcmread(fetched[uid]), orthanc, instance)
    for path in objects:
        sent = pydicom.dcmread(path)
        back = fetched.pop(sent.SOPInstanceUID)
        assert identifying_attributes(pydicom.dcmread(back)) == []
        assert pydicom.dcmread(back) == sent
        if sent.SOPClassUID == ParametricMapStorage:
            _assert_same_map(path, back)
    assert fetched == {}


def _assert_same_map(sent, back) -> None:
    expected, volume = read_parametric_map(sent), read_parametric_map(back)
    np.testing.assert_array_equal(volume.array, expected.array)
    np.testing.assert_array_equal(volume.affine, expected.affine)
    assert volume.kind is expected.kind


def _assert_shown(dataset, orthanc, instance) -> None:
    """The server draws pictures as they are, and grey images by their window."""
    if dataset.SOPClassUID == SecondaryCaptureImageStorage:
        shown = Image.open(io.BytesIO(orthanc.get(f"/instances/{instance}/preview")))
        assert np.array_equal(np.asarray(shown), dataset.pixel_array)
    if dataset.SOPClassUID == CTImageStorage:
        shown = Image.open(io.BytesIO(orthanc.get(f"/instances/{instance}/rendered")))
        values = dataset.pixel_array * float(dataset.RescaleSlope)
        greys = np.clip(values / float(dataset.WindowWidth), 0, 1) * 255
        assert np.abs(np.asarray(shown) - greys).max() <= 2
