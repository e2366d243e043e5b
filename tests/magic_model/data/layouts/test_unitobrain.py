import pickle

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st

from magic_model.data.layouts import find_patients
from magic_model.data.layouts.unitobrain import pre_contrast_frames, time_frames
from magic_model.data.volume import Kind
from magic_model.errors import DataError

STEM = "MOL-001_Registered_Filtered_3mm_20HU"
CURVE = (0, 0.5, -0.5, 0, 9, 20, 12)  # HU above the tissue; contrast from frame 4 on


def make_series(disk, folder, curve=CURVE, *, private_time=False):
    """Write 3 heights x frames; file names and, if asked, numbers tell no order."""
    tissue = 20 + np.arange(24.0).reshape(4, 6)
    tissue[0] = -1000  # air
    for height in range(3):
        for moment, rise in enumerate(curve):
            path = folder / f"{(moment * 5 + height) % 7}-{moment}-{height}.dcm"
            number = len(curve) - moment if private_time else moment + 1
            tags = {"InstanceNumber": number, "AcquisitionTime": "101500"}
            disk.slice(
                path,
                np.where(tissue > 0, tissue + height + rise, tissue),
                z=5.0 * height,
                slope=0.1,
                intercept=-1000.0,
                KVP="80",
                **tags,
            )
            if private_time:
                _add_ge_time(path, 1000 * moment)


def _add_ge_time(path, milliseconds):
    dataset = pydicom.dcmread(path)
    block = dataset.private_block(0x0019, "GEMS_ACQU_01", create=True)
    block.add_new(0x24, "DS", str(milliseconds))
    dataset.save_as(path)


def make_maps(disk, folder, names=("CBF", "CBV", "MTT", "TTP", "Delay")):
    for number, name in enumerate(names, start=1):
        for height in range(3):
            disk.slice(
                folder / f"NLR_{name}" / f"{height}.dcm",
                np.full((4, 6), number + height / 4),
                z=5.0 * height,
                slope=0.01,
                series=name,
            )


@pytest.mark.parametrize("part", ["", "DeepHealth_IEEE"])
@pytest.mark.parametrize("private_time", [False, True])
def test_maps_and_the_mean_before_contrast(tmp_path, disk, part, private_time):
    make_series(disk, tmp_path / part / STEM, private_time=private_time)
    make_maps(disk, tmp_path / part / f"{STEM}_Maps")
    disk.slice(tmp_path / part / "MOL-001" / "0.dcm", np.zeros((4, 6)))
    (patient,) = find_patients("unitobrain", tmp_path)
    assert patient.source_id == "MOL-001"
    assert len(patient.files) == 3 * len(CURVE) + 4 * 3
    assert all(path.is_file() for path in patient.files)
    images = {kind: load() for kind, load in patient.images.items()}
    assert set(images) == {Kind.NCCT, Kind.CBF, Kind.CBV, Kind.MTT, Kind.TTP}
    tissue = 20 + np.arange(24.0).reshape(4, 6).T[..., None] + np.arange(3.0)
    tissue[:, 0] = -1000
    # The mean of 0, 0.5, -0.5 and 0 HU is the tissue itself.
    np.testing.assert_allclose(images[Kind.NCCT].array, tissue, atol=1e-3)
    levels = 1 + np.arange(3) / 4
    for number, kind in enumerate((Kind.CBF, Kind.CBV, Kind.MTT, Kind.TTP)):
        np.testing.assert_allclose(images[kind].array[2, 2], number + levels, atol=1e-6)
        np.testing.assert_allclose(images[kind].affine, images[Kind.NCCT].affine)
    assert any("surrogate" in n and "80 kVp" in n for n in patient.notes)
    assert pickle.loads(pickle.dumps(patient)).notes == patient.notes  # noqa: S301


def test_a_patient_without_all_is_returned(tmp_path, disk):
    make_series(disk, tmp_path / STEM)
    make_maps(disk, tmp_path / "MOL-002_Registered_Filtered_3mm_20HU_Maps", ("CBF",))
    first, second = find_patients("unitobrain", tmp_path)
    assert set(first.images) == {Kind.NCCT}
    assert "not found: cbf, cbv, mtt, ttp" in first.notes
    assert set(second.images) == {Kind.CBF}
    assert second.notes == ("not found: ncct, cbv, mtt, ttp",)


def test_two_registered_series_are_refused(tmp_path, disk):
    make_series(disk, tmp_path / STEM)
    make_series(disk, tmp_path / "MOL-001_Registered_Filtered_5mm")
    (patient,) = find_patients("unitobrain", tmp_path)
    with pytest.raises(DataError, match=r"ncct must be one series, got .*3mm.*5mm"):
        patient.images[Kind.NCCT]()


@pytest.mark.parametrize(
    ("curve", "message"),
    [
        ((0, 0, 0, 0.2, 0, 0), r"must rise by 1\.0 HU, got 0\.20"),
        ((9, 0, 0, 0, 20, 0), "first of 6 frames must be free of contrast"),
    ],
)
def test_a_series_without_a_bolus_is_refused(tmp_path, disk, curve, message):
    make_series(disk, tmp_path / STEM, curve)
    (patient,) = find_patients("unitobrain", tmp_path)
    with pytest.raises(DataError, match=f"{STEM}: .*{message}"):
        patient.images[Kind.NCCT]()


def test_a_frame_that_lacks_a_slice_is_refused(tmp_path, disk):
    make_series(disk, tmp_path / STEM)
    next((tmp_path / STEM).glob("*-3-2.dcm")).unlink()
    (patient,) = find_patients("unitobrain", tmp_path)
    with pytest.raises(DataError, match=r"as many frames, got {0\.0: 7, .*10\.0: 6}"):
        patient.images[Kind.NCCT]()


def test_an_empty_series_and_a_stray_file_are_refused(tmp_path, disk):
    (tmp_path / STEM).mkdir()
    (patient,) = find_patients("unitobrain", tmp_path)
    with pytest.raises(DataError, match="must hold a DICOM series, got no file"):
        patient.images[Kind.NCCT]()
    (tmp_path / STEM / "readme.txt").write_text("no image")
    with pytest.raises(DataError, match=r"readme\.txt: not a readable DICOM"):
        patient.images[Kind.NCCT]()


def test_a_file_without_a_position_is_refused(tmp_path, disk):
    path = disk.slice(tmp_path / "0.dcm", [[1, 2]], ImagePositionPatient=None)
    with pytest.raises(DataError, match=r"0\.dcm: must tell its position and time"):
        time_frames([path])


def test_frames_without_soft_tissue_are_refused(tmp_path, disk):
    for moment in range(3):
        disk.slice(
            tmp_path / STEM / f"{moment}.dcm",
            np.full((4, 6), -500.0),
            intercept=-1000.0,
            InstanceNumber=moment,
        )
    (patient,) = find_patients("unitobrain", tmp_path)
    with pytest.raises(DataError, match="must show soft tissue, 0 to 100 HU"):
        patient.images[Kind.NCCT]()


def test_frames_on_different_grids_are_refused(tmp_path, disk):
    for moment in range(3):
        spacing = [0.5, 0.5] if moment < 2 else [0.6, 0.6]
        disk.slice(
            tmp_path / STEM / f"{moment}.dcm",
            np.full((4, 6), 30.0),
            InstanceNumber=moment,
            PixelSpacing=spacing,
        )
    (patient,) = find_patients("unitobrain", tmp_path)
    with pytest.raises(DataError, match=r"2\.dcm: all frames must lie on one grid"):
        patient.images[Kind.NCCT]()


@given(
    n_before=st.integers(3, 30),
    peak=st.floats(2, 50),
    base=st.floats(-10, 60),
    noise=st.floats(0, 0.05),
    seed=st.integers(0, 2**16),
)
def test_arrival_is_where_the_curve_leaves_its_start(n_before, peak, base, noise, seed):
    """A gamma-variate bolus (shape 3, scale 1.5 frames) after a flat start."""
    t = np.arange(25.0)
    bolus = peak * (t / 4.5) ** 3 * np.exp(3 - t / 1.5)
    jitter = noise * np.random.default_rng(seed).uniform(-1, 1, n_before)
    curve = np.concatenate([base + jitter, base + bolus])
    first_above = n_before + int(np.argmax(bolus > 0.1 * peak + noise))
    assert n_before <= pre_contrast_frames(curve) <= first_above
