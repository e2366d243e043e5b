import gzip

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from magic_model.data import nifti
from magic_model.data.nifti import read_nifti, write_nifti
from magic_model.data.volume import Kind, Volume
from magic_model.errors import DataError

AFFINE = np.array(
    [[-0.5, 0, 0, 90], [0, 0.5, 0.1, -70], [0, -0.1, 5, 12.5], [0, 0, 0, 1]]
)


@pytest.fixture
def volume():
    return Volume(np.random.default_rng(0).normal(size=(5, 6, 7)), AFFINE, Kind.CBF)


@given(
    arrays(
        np.float32,
        array_shapes(min_dims=3, max_dims=3, max_side=4),
        elements=st.floats(width=32),
    )
)
def test_values_come_back_exactly(tmp_path_factory, array):
    path = tmp_path_factory.getbasetemp() / "values.nii.gz"
    write_nifti(Volume(array, AFFINE, Kind.MTT), path)
    back = read_nifti(path, Kind.MTT)
    assert np.array_equal(back.array, array, equal_nan=True)
    assert np.allclose(back.affine, AFFINE, atol=1e-6)


def test_nibabel_reads_what_was_written(volume, tmp_path):
    write_nifti(volume, tmp_path / "deep" / "cbf.nii.gz")
    image = nib.load(tmp_path / "deep" / "cbf.nii.gz")
    assert np.array_equal(image.get_fdata(dtype=np.float32), volume.array)
    assert np.allclose(image.affine, AFFINE)
    assert image.get_data_dtype() == np.float32
    assert image.header.get_xyzt_units() == ("mm", "sec")
    assert image.header["descrip"].item() == b"cbf [mL/100g/min]"


@pytest.mark.parametrize(
    ("values", "kind", "dtype"),
    [
        ([-1024.0, 3071.0], Kind.NCCT, np.int16),
        ([-1024.0, 30.5], Kind.NCCT, np.float32),
        ([0.0, 40000.0], Kind.NCCT, np.float32),
        ([0.0, np.nan], Kind.NCCT, np.float32),
        ([1.0, 2.0], Kind.CBF, np.float32),
    ],
)
def test_whole_ct_numbers_are_stored_as_such(tmp_path, values, kind, dtype):
    array = np.resize(values, (3, 4, 5)).astype(np.float32)
    write_nifti(Volume(array, AFFINE, kind), tmp_path / "x.nii.gz")
    assert nib.load(tmp_path / "x.nii.gz").get_data_dtype() == dtype
    back = read_nifti(tmp_path / "x.nii.gz", kind).array
    assert back.dtype == np.float32
    assert np.array_equal(back, array, equal_nan=True)


def test_the_bytes_depend_on_the_volume_only(volume, tmp_path, monkeypatch):
    write_nifti(volume, tmp_path / "a.nii.gz")
    monkeypatch.setattr("time.time", lambda: 1e9)
    monkeypatch.setattr(nifti.os, "getpid", lambda: 12345)
    write_nifti(volume, tmp_path / "b.nii.gz")
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


@pytest.mark.parametrize("name", ["x.nii", "x.nii.gz"])
def test_a_scale_factor_is_applied(tmp_path, name):
    stored = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    image = nib.Nifti1Image(stored, AFFINE)
    image.header.set_slope_inter(0.1, -1000)
    nib.save(image, tmp_path / name)
    got = read_nifti(tmp_path / name, Kind.NCCT).array
    assert got == pytest.approx(stored * 0.1 - 1000, rel=1e-6)


def test_a_last_axis_of_length_1_is_dropped(tmp_path):
    nib.save(nib.Nifti1Image(np.ones((2, 3, 4, 1)), AFFINE), tmp_path / "x.nii")
    assert read_nifti(tmp_path / "x.nii", "cbf").shape == (2, 3, 4)


def test_a_series_is_refused(tmp_path):
    nib.save(nib.Nifti1Image(np.ones((2, 3, 4, 5)), AFFINE), tmp_path / "x.nii")
    with pytest.raises(
        DataError,
        match=r"x.nii: is a 4D series of 5 volumes, such as a raw perfusion scan.*give",
    ):
        read_nifti(tmp_path / "x.nii", Kind.CBF)


@pytest.mark.parametrize(("millimetres", "told"), [(4.9, False), (40.0, True)])
def test_sform_and_qform_that_differ_by_more_than_a_voxel_are_named(
    tmp_path, millimetres, told
):
    affine = np.diag([-0.5, 0.5, 5, 1])
    elsewhere = affine.copy()
    elsewhere[2, 3] = millimetres
    image = nib.Nifti1Image(np.ones((4, 5, 6), np.float32), affine)
    image.set_sform(affine, 1)
    image.set_qform(elsewhere, 1)
    nib.save(image, tmp_path / "x.nii")

    volume = read_nifti(tmp_path / "x.nii", Kind.NCCT)

    np.testing.assert_allclose(volume.affine, affine, atol=1e-6)
    expected = (
        "sform and qform place it up to 40.0 mm apart: the sform was used; make them "
        "agree if the qform is the right one"
    )
    assert volume.notes == ((expected,) if told else ())


def test_a_qform_that_cannot_hold_the_shear_is_no_disagreement(tmp_path):
    """As dcm2niix writes a tilted head: the first slice is in both at its place."""
    sheared = np.array([[-1, 0, 0, 9], [0, 1, 1.7, -9], [0, 0, 5, 3], [0, 0, 0, 1.0]])
    image = nib.Nifti1Image(np.ones((4, 5, 30), np.float32), sheared)
    image.set_sform(sheared, 1)
    qform = np.diag([-1, 1, 5, 1.0])
    qform[:3, 3] = sheared[:3, 3]
    image.set_qform(qform, 1)
    nib.save(image, tmp_path / "x.nii")

    assert read_nifti(tmp_path / "x.nii", Kind.NCCT).notes == ()


def test_an_image_without_a_place_in_space_is_refused(tmp_path):
    image = nib.Nifti1Image(np.ones((2, 3, 4)), None)
    nib.save(image, tmp_path / "x.nii")
    with pytest.raises(DataError, match=r"x.nii: must have a place in space"):
        read_nifti(tmp_path / "x.nii", Kind.CBF)


def test_an_image_with_colours_is_refused(tmp_path):
    colour = np.zeros((2, 3, 4), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    nib.save(nib.Nifti1Image(colour, AFFINE), tmp_path / "x.nii")
    with pytest.raises(DataError, match=r"x\.nii: not a readable NIfTI"):
        read_nifti(tmp_path / "x.nii", Kind.CBF)


DAMAGES = {
    "truncated": lambda whole: whole[: len(whole) // 2],
    "header only": lambda whole: gzip.compress(gzip.decompress(whole)[:352]),
    # After the header of gzip.
    "scrambled": lambda whole: whole[:10] + bytes(range(255, 0, -1)) + whole[265:],
    "empty": lambda _: b"",
    "text": lambda _: b"patient_id,split",
    "text inside": lambda _: gzip.compress(b"no image at all"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_named(volume, tmp_path, damage):
    path = tmp_path / "cbf.nii.gz"
    write_nifti(volume, path)
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    with pytest.raises(DataError, match=r"cbf\.nii\.gz: not a readable NIfTI"):
        read_nifti(path, Kind.CBF)


def test_what_is_no_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"cbf\.nii: no such file"):
        read_nifti(tmp_path / "cbf.nii", Kind.CBF)
    (tmp_path / "cbf.nii").mkdir()
    with pytest.raises(DataError, match=r"cbf\.nii: not a readable NIfTI"):
        read_nifti(tmp_path / "cbf.nii", Kind.CBF)


def test_a_folder_that_cannot_be_made_is_named(volume, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"x\.nii: cannot be written \(.+\)"):
        write_nifti(volume, tmp_path / "file" / "x.nii")


def test_nothing_is_left_where_writing_fails(volume, tmp_path, monkeypatch):
    def full(image, path):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(nifti.nib, "save", full)
    with pytest.raises(DataError, match=r"cannot be written \(No space left"):
        write_nifti(volume, tmp_path / "x.nii.gz")
    assert list(tmp_path.iterdir()) == []
