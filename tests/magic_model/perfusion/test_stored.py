"""A series on disk: the same maps, slab by slab, in bounded memory."""

import json
import tracemalloc

import nibabel as nib
import numpy as np
import pytest

from magic_model.cli import main
from magic_model.errors import DataError
from magic_model.perfusion import opening, stored, whole
from magic_model.perfusion.compute import Choices
from magic_model.perfusion.opening import compute_maps, open_series
from magic_model.perfusion.series import Series
from magic_model.perfusion.stored import StoredSeries
from tests.magic_model.importing.perfused_head import SPACING, TIMES, make_head_series
from tests.magic_model.perfusion.dynamic_dicom import DynamicCt

MAPS = ("cbf", "cbv", "mtt", "ttp", "tmax")


@pytest.fixture(scope="module")
def head():
    return make_head_series()


@pytest.fixture
def small_memory(monkeypatch):
    """Hold nothing in memory but two slices with their halo."""
    monkeypatch.setattr(opening, "IN_MEMORY", 0)
    monkeypatch.setattr(whole, "_SLAB", 6 * 4 * 44 * 52 * len(TIMES))


def save(path, array, affine, dtype=np.int16):
    image = nib.Nifti1Image(np.asarray(array, dtype), affine)
    image.header.set_xyzt_units("mm", "sec")
    image.header["pixdim"][4:6] = 1.5
    nib.save(image, path)
    return path


@pytest.mark.slow
def test_maps_by_slabs_are_those_of_the_whole(head, tmp_path, monkeypatch):
    path = save(tmp_path / "ctp.nii.gz", *head)
    assert main(["perfusion", str(path), "--out", str(tmp_path / "whole")]) == 0
    monkeypatch.setattr(opening, "IN_MEMORY", 0)
    monkeypatch.setattr(whole, "_SLAB", 6 * 4 * 44 * 52 * len(TIMES))
    assert main(["perfusion", str(path), "--out", str(tmp_path / "slabs")]) == 0
    one, other = (
        json.loads((tmp_path / name / "report.json").read_text())
        for name in ("whole", "slabs")
    )
    assert one["aif"]["voxel"] == other["aif"]["voxel"]
    assert one["tissue_hu"] == pytest.approx(other["tissue_hu"], abs=0.05)
    assert one["brain_ml"] == other["brain_ml"]
    assert len(other["shift_mm"]) == len(TIMES)
    for name in MAPS:
        of_whole, of_slabs = (
            nib.load(tmp_path / way / f"{name}.nii.gz") for way in ("whole", "slabs")
        )
        assert of_whole.affine == pytest.approx(of_slabs.affine)
        a, b = of_whole.get_fdata(), of_slabs.get_fdata()
        inside = a > 0
        # Noise makes some voxels differ: each slab has its own idea of usual curves.
        middle = np.median(a[inside])
        assert np.median(b[inside]) == pytest.approx(middle, rel=0.03)
        assert np.median(np.abs(a - b)[inside]) < 0.04 * middle
        if name in {"cbf", "cbv"}:
            assert np.corrcoef(a[inside], b[inside])[0, 1] > 0.99


def test_dicom_on_disk_is_what_is_read_into_memory(head, tmp_path, small_memory):
    array = head[0][14:30, 14:38, :3, :14]
    late = np.array([0, 0, 0.75])
    dicom = DynamicCt(array, TIMES[:14], SPACING, late=late)
    del dicom.slices[2, 10]
    folder = dicom.write(tmp_path / "ctp")
    on_disk = open_series(folder)
    opening.IN_MEMORY = 1 << 30
    inside = open_series(folder)

    assert isinstance(on_disk, StoredSeries)
    assert isinstance(inside, Series)
    assert on_disk.notes == inside.notes[: len(on_disk.notes)]
    for k in range(3):
        slab = on_disk.slab(k, k + 1)
        held = inside.array[:, :, k : k + 1]
        assert slab.array == pytest.approx(held, abs=1e-3)
        place = inside.affine @ [0, 0, k, 1]
        assert slab.affine[:, 3] == pytest.approx(place, abs=1e-4)
    assert on_disk.mean(2).array == pytest.approx(inside.mean(2).array)


@pytest.mark.slow
def test_a_large_series_needs_the_memory_of_a_slab(tmp_path, monkeypatch):
    times, shape = np.arange(40.0), (48, 48, 100)
    monkeypatch.setattr(opening, "IN_MEMORY", 0)
    monkeypatch.setattr(whole, "_SLAB", 10 * 4 * 48 * 48 * 40)
    monkeypatch.setattr(whole, "_COARSE", 3 << 20)
    monkeypatch.setattr(stored, "_READ", 1 << 20)
    array = np.full((*shape, 40), 33, np.int16)
    array[:, :, :, 10:30] += (np.hanning(20) * 8).astype(np.int16)
    array[18:21, 18:21, :, 8:20] += (np.hanning(12) * 250).astype(np.int16)
    array += np.random.default_rng(0).integers(-2, 3, array.shape, np.int16)
    path = save(tmp_path / "ctp.nii", array, np.diag([2.0, 2.0, 3.0, 1.0]))
    brain = np.zeros(shape, bool)
    brain[15:25, 15:25, 20:50] = True
    del array
    tracemalloc.start()
    result, look = compute_maps(open_series(path), Choices(brain))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    size = 4 * np.prod(shape) * len(times)
    assert peak < size  # in memory it takes several times its size
    assert look.baseline.shape == shape
    for volume in result.maps.values():
        assert np.isfinite(volume.array).all()
        assert not volume.array[~brain].any()


def test_faults_of_a_series_on_disk_are_named(head, tmp_path, small_memory, capsys):
    array, affine = head
    array = array.copy()
    array[20, 20, 3, 7] = np.nan
    path = save(tmp_path / "nan.nii.gz", array, affine, np.float32)
    with pytest.raises(DataError, match=r"first frame 7 \(from 0\) \(slices"):
        compute_maps(open_series(path))
    whole_file = path.read_bytes()
    path.write_bytes(whole_file[: len(whole_file) // 2])
    out = tmp_path / "out"
    assert main(["perfusion", str(path), "--out", str(out)]) == 2
    assert "cannot be unpacked" in capsys.readouterr().err
    save(tmp_path / "cut.nii", head[0], affine)
    cut = (tmp_path / "cut.nii").read_bytes()
    (tmp_path / "cut.nii").write_bytes(cut[: len(cut) // 2])
    assert main(["perfusion", str(tmp_path / "cut.nii"), "--out", str(out)]) == 2
    assert "cannot be read" in capsys.readouterr().err
    shifted = save(tmp_path / "offset.nii", head[0] + 1024, affine)
    assert main(["perfusion", str(shifted), "--out", str(out)]) == 2
    assert "HU + 1024" in capsys.readouterr().err
    assert not out.exists()


def test_why_there_are_no_maps_is_said_with_what_was_seen(head, tmp_path):
    array, affine = head
    high = np.minimum(array, 1400)
    for vessel in (np.s_[21:23, 30:32], np.s_[21:23, 8:10]):
        high[vessel] = np.minimum(40 + 8 * (array[vessel] - 40), 1400)
    path = save(tmp_path / "saturated.nii", high, affine)
    with pytest.raises(DataError, match=r"no bolus .*cut off at 1400 HU"):
        compute_maps(open_series(path))
    moved = np.concatenate([array[..., :2], np.roll(array[..., 2:], 3, 1)], axis=3)
    path = save(tmp_path / "moved.nii", moved, affine)
    notes = compute_maps(open_series(path))[0].notes
    assert any("head moves by up to 12.0 mm" in note for note in notes)
