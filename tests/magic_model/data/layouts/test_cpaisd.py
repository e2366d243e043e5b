import pickle

import numpy as np
import pytest

from magic_model.data.layouts import find_patients
from magic_model.data.volume import Kind
from magic_model.errors import DataError


@pytest.fixture
def study(tmp_path, disk, rng):
    """Three slices whose names run against their heights; drawn values 0 to 2."""
    drawn = rng.integers(0, 3, (3, 4, 6))
    for k, name in enumerate(("00002", "00001", "00000")):
        folder = tmp_path / "val" / "1.2.3" / name
        values = 10.0 * k + np.arange(24).reshape(4, 6) / 4
        disk.slice(folder / "raw.dcm", values, z=5.0 * k, slope=0.25, intercept=-1024.0)
        np.savez(folder / "mask.npz", mask=drawn[k])
        np.savez(folder / "image.npz", image=values)
    (tmp_path / "val" / "1.2.3" / "metadata.json").write_text('{"nihss": 5}')
    return tmp_path, drawn


def test_masks_lie_on_the_slices_they_were_drawn_on(study):
    root, drawn = study
    (patient,) = find_patients("cpaisd", root)
    images = {kind: load() for kind, load in patient.images.items()}
    assert patient.source_id == "1.2.3"
    assert set(images) == {Kind.NCCT, Kind.CORE_MASK, Kind.PENUMBRA_MASK}
    expected = 10.0 * np.arange(3) + np.arange(24).reshape(4, 6).T[..., None] / 4
    np.testing.assert_allclose(images[Kind.NCCT].array, expected)
    by_column = drawn.transpose(2, 1, 0)
    np.testing.assert_array_equal(images[Kind.CORE_MASK].array, by_column == 1)
    np.testing.assert_array_equal(images[Kind.PENUMBRA_MASK].array, by_column > 0)
    for image in images.values():
        np.testing.assert_array_equal(image.affine, images[Kind.NCCT].affine)
        assert image.spacing == (0.25, 0.5, 5.0)


def test_masks_follow_an_ncct_that_is_resampled(tmp_path, disk):
    """2.5 mm below, 5 mm above: the grid has slices that nobody drew on."""
    heights = [0, 2.5, 5, 7.5, 12.5, 17.5, 22.5]
    for k, z in enumerate(heights):
        folder = tmp_path / "val" / "1.2.3" / f"{9 - k}"
        bright = np.full((4, 6), 100.0 * (k % 2))
        disk.slice(folder / "raw.dcm", bright, z=z, slope=0.25, intercept=-1024.0)
        np.savez(folder / "mask.npz", mask=bright.astype(int) // 100)
    (patient,) = find_patients("cpaisd", tmp_path)
    ncct, core = (patient.images[k]() for k in (Kind.NCCT, Kind.CORE_MASK))
    assert ncct.shape == core.shape == (6, 4, 10)
    np.testing.assert_array_equal(core.affine, ncct.affine)
    drawn = [round(z / 2.5) for z in heights]
    np.testing.assert_array_equal(core.array[..., drawn], ncct.array[..., drawn] == 100)
    assert set(np.unique(core.array)) == {0, 1}


def test_the_penumbra_is_said_to_hold_the_core(study):
    (patient,) = find_patients("cpaisd", study[0] / "val")
    assert any("the core in it" in note for note in patient.notes)
    assert any("no perfusion maps" in note for note in patient.notes)
    assert pickle.loads(pickle.dumps(patient)).notes == patient.notes  # noqa: S301
    assert len(patient.files) == 6


def test_a_study_without_masks_is_returned(study):
    for path in study[0].rglob("mask.npz"):
        path.unlink()
    (patient,) = find_patients("cpaisd", study[0])
    assert set(patient.images) == {Kind.NCCT}
    assert "not found: core_mask, penumbra_mask" in patient.notes


def spoil(path, kind):
    if kind == "absent":
        path.unlink()
    elif kind == "garbage":
        path.write_bytes(b"no archive")
    elif kind == "truncated":
        path.write_bytes(path.read_bytes()[:100])
    elif kind == "name":
        np.savez(path, other=np.zeros((4, 6)))
    elif kind == "nameless":
        with path.open("wb") as file:
            np.save(file, np.zeros((4, 6)))
    elif kind == "pickled":
        np.savez(path, mask=np.array([{}], dtype=object))
    elif kind == "shape":
        np.savez(path, mask=np.zeros((6, 4)))
    else:
        np.savez(path, mask=np.full((4, 6), 255))


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("absent", "must hold the array 'mask'"),
        ("garbage", "must hold the array 'mask'"),
        ("truncated", "must hold the array 'mask'"),
        ("name", "must hold the array 'mask'"),
        ("nameless", "must hold the array 'mask'"),
        ("pickled", "must hold the array 'mask'"),
        ("shape", r"must be \(4, 6\) as its slice, got \(6, 4\)"),
        ("value", r"must hold 0, 1 and 2 only, got \[255\]"),
    ],
)
def test_a_faulty_mask_is_named(study, fault, message):
    root, _ = study
    spoil(root / "val" / "1.2.3" / "00001" / "mask.npz", fault)
    (patient,) = find_patients("cpaisd", root)
    with pytest.raises(DataError, match=rf"00001.mask\.npz {message}"):
        patient.images[Kind.CORE_MASK]()
    assert patient.images[Kind.NCCT]().shape == (6, 4, 3)
