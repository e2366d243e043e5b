import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from magic_model.data.volume import UNITS, Kind, Volume
from magic_model.errors import DataError

SOMETHING = np.zeros((2, 3, 4))


def affine_of(angles, spacing):
    affine = np.eye(4)
    rotation = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    affine[:3, :3] = rotation * spacing
    return affine


@given(st.tuples(*[st.floats(-180, 180)] * 3), st.tuples(*[st.floats(0.1, 20)] * 3))
def test_spacing_and_voxel_volume_are_those_of_the_affine(angles, spacing):
    volume = Volume(SOMETHING, affine_of(angles, spacing), Kind.CBF)
    assert volume.spacing == pytest.approx(spacing)
    assert volume.spacing == pytest.approx(nib.affines.voxel_sizes(volume.affine))
    assert volume.voxel_ml == pytest.approx(np.prod(spacing) / 1000)
    assert volume.is_orthogonal


def test_a_tilted_gantry_is_not_orthogonal():
    tilted = np.eye(4)
    tilted[1, 2] = np.tan(np.radians(1))
    assert not Volume(SOMETHING, tilted, Kind.NCCT).is_orthogonal


def test_values_are_single_and_places_double_precision():
    volume = Volume(SOMETHING.tolist(), np.eye(4, dtype=np.float32), "ncct")
    assert volume.array.dtype == np.float32
    assert volume.affine.dtype == np.float64
    assert volume.shape == (2, 3, 4)
    assert volume.kind is Kind.NCCT
    assert volume.unit == "HU"
    assert set(UNITS) == set(Kind)


def test_the_affine_is_a_copy():
    affine = np.eye(4)
    volume = Volume(SOMETHING, affine, Kind.CBF)
    affine[0, 3] = 5
    assert volume.affine[0, 3] == 0


@pytest.mark.parametrize("shape", [(4, 4), (2, 2, 2, 2), (3, 0, 3), ()])
def test_three_axes_are_needed(shape):
    with pytest.raises(DataError, match="must have three axes, got shape"):
        Volume(np.zeros(shape), np.eye(4), Kind.CBF)


@pytest.mark.parametrize(
    ("affine", "message"),
    [
        (np.eye(3), "4 x 4 finite numbers, got"),
        (np.full((4, 4), np.nan), "4 x 4 finite numbers, got"),
        (np.diag([1, 0, 1, 1]), "must be invertible"),
    ],
)
def test_an_affine_that_cannot_be_is_refused(affine, message):
    with pytest.raises(DataError, match=message):
        Volume(SOMETHING, affine, Kind.CBF)


def test_values_that_are_not_finite_are_counted():
    array = SOMETHING.copy()
    array[0, 0, :2] = [np.nan, np.inf]
    volume = Volume(array, np.eye(4), Kind.CBF)
    with pytest.raises(DataError, match="cbf must be finite, 2 voxels"):
        volume.require_finite()
    finite = Volume(SOMETHING, np.eye(4), Kind.CBF)
    assert finite.require_finite() is finite


def test_another_array_stays_in_place():
    volume = Volume(SOMETHING, np.diag([2, 3, 4, 1]), Kind.CBF)
    mask = volume.with_array(SOMETHING > 0, Kind.CORE_MASK)
    assert mask.kind is Kind.CORE_MASK
    assert np.array_equal(mask.affine, volume.affine)
    assert volume.with_array(SOMETHING + 1).kind is Kind.CBF
    with pytest.raises(DataError, match=r"shape \(2, 3, 4\), got \(1, 3, 4\)"):
        volume.with_array(SOMETHING[:1])
