import json
from dataclasses import replace

import numpy as np
import pytest

from magic_model.data.nifti import read_nifti
from magic_model.data.volume import Kind
from magic_model.derivatives.bids import subject_labels, write_bids
from magic_model.errors import DataError
from magic_model.inference.prepare import Source
from magic_model.inference.write import GenerationRecord, write_patient
from tests.magic_model.data.conftest import make_maps


@pytest.fixture(scope="module")
def generated(head, tmp_path_factory):
    """Two patients, one without a lesion that can be told."""
    folder = tmp_path_factory.mktemp("generated")
    maps = make_maps(head).maps
    known = write_patient(
        Source("P-1", (), lambda: None), folder, maps, head.brain, GenerationRecord("")
    )
    cbf = dict(list(maps.items())[:1])
    unknown = write_patient(
        Source("P-2", (), lambda: None), folder, cbf, head.brain, GenerationRecord("")
    )
    return folder, [known.patient, unknown.patient]


@pytest.fixture(scope="module")
def written(generated):
    return write_bids(*generated, {"Checkpoint": "sha256:abc"})


def test_images_have_their_values_unit_and_side_car(generated, written):
    folder, (patient, _) = generated
    for kind, image in patient.images.items():
        entity = "desc-brain_mask" if kind == "brain_mask" else f"desc-synthetic_{kind}"
        path = written / "sub-P1" / "ct" / f"sub-P1_{entity}.nii.gz"
        assert path.read_bytes() == (folder / image).read_bytes()
        sidecar = json.loads(path.with_name(path.name[:-7] + ".json").read_text())
        if kind == "brain_mask":
            assert sidecar["Type"] == "Brain"
        else:
            assert sidecar["Units"] == read_nifti(path, kind).unit
            assert "Synthetic" in sidecar["Description"]
    assert not np.isnan(read_nifti(path, Kind.CBF).array).any()


def test_the_data_set_says_what_made_it(written):
    about = json.loads((written / "dataset_description.json").read_text())
    assert about["DatasetType"] == "derivative"
    (program,) = about["GeneratedBy"]
    assert program["Name"] == "magic-ctp"
    assert program["Version"]
    assert program["Checkpoint"] == "sha256:abc"
    assert "Research use only" in (written / "README").read_text()


def test_participants_hold_volumes_or_say_that_there_are_none(generated, written):
    _, (known, _) = generated
    header, first, second = (written / "participants.tsv").read_text().splitlines()
    described = json.loads((written / "participants.json").read_text())
    assert header.split("\t") == ["participant_id", *described]
    assert first.split("\t")[:3] == ["sub-P1", known.severity, f"{known.core_ml:.6g}"]
    assert second.split("\t") == ["sub-P2", "n/a", "n/a", "n/a", "n/a"]


def test_patients_of_an_earlier_run_are_gone(generated, tmp_path):
    folder, patients = generated
    first = write_bids(folder, patients, {})
    again = write_bids(folder, patients[:1], {})
    assert first == again
    assert [path.name for path in again.glob("sub-*")] == ["sub-P1"]
    write_bids(folder, patients, {"Checkpoint": "sha256:abc"})
    assert not (folder / ".bids").exists()


def test_labels_that_fall_together_are_refused(generated):
    folder, patients = generated
    twin = replace(patients[1], patient_id="P1")
    with pytest.raises(DataError, match=r"must differ .* got 'P1' twice"):
        write_bids(folder, [patients[0], twin], {})
    with pytest.raises(DataError, match="without any"):
        subject_labels(["--"])


def test_a_file_in_the_way_is_named(generated, tmp_path):
    (tmp_path / ".bids").write_text("in the way")
    with pytest.raises(DataError, match="bids: cannot be written"):
        write_bids(tmp_path, generated[1], {})
