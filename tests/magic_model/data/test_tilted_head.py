"""A real head: 28 slices of a gantry tilted by 18.5 degrees, 4 and 7 mm apart.

It is the public series of neurolabusc/dcm_qa_ct (BSD 2-Clause), which is not copied
into this project: the tests look for `shared/data/ct_tilted_head` beside the checkout.
"""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from scipy import ndimage

from magic_model.cli import main
from magic_model.data.cohort import GENERATED_FILE, read_cohort
from magic_model.data.dicom.ct import read_ct_series
from magic_model.data.volume import Kind
from magic_model.importing.record import read_record
from tests.magic_model.inference.tiny import small_recipe, write_checkpoint

_PLACES = [p / "shared/data/ct_tilted_head" for p in Path(__file__).resolve().parents]
FOLDER = next((place for place in _PLACES if place.is_dir()), None)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(FOLDER is None, reason="shared/data/ct_tilted_head is not here"),
]

DONE = "slices were tilted by 18.5 degrees (gantry tilt) and lay 1.1 to 7.0 mm apart"


@pytest.fixture(scope="module")
def volume():
    return read_ct_series(sorted(FOLDER.glob("*.dcm")))


@pytest.fixture(scope="module")
def slices():
    """The files as pydicom reads them, from low to high."""
    found = [pydicom.dcmread(path) for path in FOLDER.glob("*.dcm")]
    return sorted(found, key=lambda s: float(s.ImagePositionPatient[2]))


def directions(dataset):
    row, column = np.array(dataset.ImageOrientationPatient, float).reshape(2, 3)
    return row, column, np.cross(row, column)


def in_ras(dataset, mask):
    """Places `(n, 3)` of the pixels of a mask, mm RAS, by the file's own tags."""
    row, column, _ = directions(dataset)
    down, across = map(float, dataset.PixelSpacing)
    i, j = np.nonzero(mask)
    lps = np.array(dataset.ImagePositionPatient, float)
    lps = lps + np.outer(j * across, row) + np.outer(i * down, column)
    return lps * [-1, -1, 1]


def hounsfield(dataset):
    slope, intercept = float(dataset.RescaleSlope), float(dataset.RescaleIntercept)
    return dataset.pixel_array * slope + intercept


def sampled(volume, places):
    index = np.linalg.inv(volume.affine) @ np.c_[places, np.ones(len(places))].T
    return ndimage.map_coordinates(volume.array, index[:3], order=1, cval=-1024)


def test_heights_are_those_of_the_files_to_a_tenth_of_a_mm(volume, slices):
    _, _, normal = directions(slices[0])
    told = np.array([s.ImagePositionPatient for s in slices], float) @ normal
    up = normal * [-1, -1, 1]
    first = volume.affine[:3, 3] @ up
    heights = first + np.arange(volume.shape[2]) * volume.spacing[2]
    assert volume.affine[:3, 2] @ up == pytest.approx(volume.spacing[2])
    assert heights[0] == pytest.approx(told[0], abs=0.01)
    assert heights[-1] == pytest.approx(told[-1], abs=0.01)
    # The 4 mm part lies on slices of the volume, one by one.
    assert np.abs(heights[:14] - told[:14]).max() < 0.1


def test_planes_of_the_files_are_found_at_their_heights(volume, slices):
    """Bone of each plane, where the file says that it lies, and nowhere else."""
    _, _, normal = directions(slices[0])
    up = normal * [-1, -1, 1]
    for dataset in slices[2:14:3]:
        shown = hounsfield(dataset)
        places = in_ras(dataset, shown > -500)
        values = shown[shown > -500]
        fits = {
            mm: np.corrcoef(sampled(volume, places + mm * up), values)[0, 1]
            for mm in (-1.0, -0.5, 0.0, 0.5, 1.0)
        }
        assert max(fits, key=fits.get) == 0
        assert fits[0.0] > 0.99


def density(hu):
    """Of bone; interpolation keeps its centre, unlike that of a threshold."""
    return np.clip(hu, 100, 1200) - 100


def test_landmarks_of_bone_lie_where_the_files_say(volume, slices):
    for k in (0, 1, 6, 12):
        shown = density(hounsfield(slices[k]))
        weights = shown[shown > 0]
        expected = np.average(in_ras(slices[k], shown > 0), axis=0, weights=weights)
        plane = density(volume.array[:, :, k])
        i, j = np.nonzero(plane)
        index = np.stack([i, j, np.full(len(i), k), np.ones(len(i))])
        found = np.average((volume.affine @ index)[:3], axis=1, weights=plane[i, j])
        assert np.linalg.norm(found - expected) < 0.1


def test_planes_7_mm_apart_are_blended_at_the_right_height(volume, slices):
    _, _, normal = directions(slices[0])
    up = normal * [-1, -1, 1]
    for dataset in slices[16:26:4]:
        shown = hounsfield(dataset)
        brain = (shown > -500) & (shown < 300)
        places, values = in_ras(dataset, brain), shown[brain]
        fits = [
            np.corrcoef(sampled(volume, places + mm * up), values)[0, 1]
            for mm in (-3.0, 0.0, 3.0)
        ]
        assert fits[1] == max(fits)


def test_the_grid_grows_as_that_of_dcm2niix(volume):
    assert volume.shape == (512, 611, 37)


def test_the_commands_use_it_and_say_so(tmp_path, capsys):
    out = tmp_path / "cohort"
    assert main(["import", str(FOLDER), "--layout", "dicom", "--out", str(out)]) == 0
    cohort = read_cohort(out)
    (patient,) = cohort.patients
    notes = read_record(out / patient.patient_id).notes
    assert any(note.startswith(f"ncct: {DONE}") for note in notes)
    ncct = cohort.load(patient, Kind.NCCT)
    assert ncct.is_orthogonal
    assert ncct.shape == (512, 611, 37)

    run = write_checkpoint(tmp_path / "run", small_recipe()).parent
    made = tmp_path / "made"
    capsys.readouterr()
    arguments = ["--checkpoint", str(run), "--input", str(FOLDER), "--out", str(made)]
    assert main(["generate", *arguments]) == 0
    assert DONE in capsys.readouterr().out
    generated = read_cohort(made, GENERATED_FILE)
    mask = generated.load(generated.patients[0], Kind.BRAIN_MASK)
    assert mask.spacing[2] == pytest.approx(4.002, abs=0.01)
    assert mask.is_orthogonal
    assert 700 < mask.array.sum() * mask.voxel_ml < 1500
