import itertools

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nibabel.processing import resample_from_to
from scipy.spatial.transform import Rotation

from magic_model.data.grid import (
    common_grid,
    in_plane_grid,
    map_support,
    reorient_ras,
    resample,
)
from magic_model.data.volume import Kind, Volume
from magic_model.errors import DataError
from magic_model.maps import PerfusionMap

RNG = np.random.default_rng(0)


def random_volume(shape=(6, 7, 5), affine=None):
    return Volume(
        RNG.normal(size=shape), np.eye(4) if affine is None else affine, Kind.CBF
    )


def oblique(order, signs, angles=(0, 0, 0), spacing=(2, 3, 5), origin=(10, -20, 30)):
    axes = np.eye(3)[list(order)].T * signs * spacing
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() @ axes
    affine[:3, 3] = origin
    return affine


orientations = st.builds(
    oblique,
    st.permutations([0, 1, 2]),
    st.tuples(*[st.sampled_from([-1, 1])] * 3),
    st.tuples(*[st.floats(-25, 25)] * 3),
)


@given(orientations)
def test_reorientation_is_that_of_nibabel(affine):
    volume = random_volume(affine=affine)
    turned = reorient_ras(volume)
    expected = nib.as_closest_canonical(nib.Nifti1Image(volume.array, affine))
    assert np.array_equal(turned.array, expected.get_fdata(dtype=np.float32))
    assert np.allclose(turned.affine, expected.affine)
    assert turned.kind is volume.kind


@given(orientations)
def test_a_voxel_keeps_its_place(affine):
    volume = random_volume(affine=affine)
    turned = reorient_ras(volume)
    place = np.linalg.inv(turned.affine) @ affine @ [1, 2, 3, 1]
    assert np.allclose(place, np.rint(place), atol=1e-6)
    x, y, z = np.rint(place[:3]).astype(int)
    assert turned.array[x, y, z] == volume.array[1, 2, 3]


def test_a_volume_in_ras_is_left_alone():
    volume = random_volume()
    assert np.array_equal(reorient_ras(volume).array, volume.array)
    assert np.array_equal(reorient_ras(volume).affine, volume.affine)


@settings(max_examples=20)
@given(orientations, st.sampled_from([0, 1]))
def test_the_own_grid_gives_the_same_values(affine, order):
    volume = random_volume(affine=affine)
    same = resample(volume, affine, volume.shape, order=order, outside=99)
    assert np.allclose(same.array, volume.array, atol=1e-6)


@pytest.mark.parametrize("order", [0, 1])
def test_resampling_is_that_of_nibabel_inside(order):
    volume = random_volume((12, 13, 14))
    target = oblique([0, 1, 2], [1, 1, 1], (5, -8, 10), (0.9, 1.1, 1.3), (3, 2, 2))
    image = nib.Nifti1Image(volume.array, volume.affine)
    shape = (6, 6, 6)
    expected = resample_from_to(image, (shape, target), order=order, cval=np.nan)
    inside = np.isfinite(expected.get_fdata())
    got = resample(volume, target, shape, order=order).array
    assert inside.sum() > 100
    assert np.allclose(got[inside], expected.get_fdata()[inside], atol=1e-5)


def test_a_linear_image_is_sampled_exactly():
    affine = np.diag([2.0, 3.0, 4.0, 1.0])
    index = np.indices((10, 10, 10))
    ramp = 2 * index[0] * 2 + 3 * index[1] - 4 * index[2]  # 2 x + y - z, in mm
    target = np.diag([1.0, 1.0, 1.0, 1.0])
    target[:3, 3] = [1, 1, 1]
    got = resample(Volume(ramp, affine, Kind.CBF), target, (10, 10, 10)).array
    x, y, z = np.indices((10, 10, 10)) + 1
    assert np.allclose(got, 2 * x + y - z, atol=1e-4)


def test_voxels_reach_half_their_width_and_no_further():
    volume = Volume(np.full((2, 1, 1), 7), np.eye(4), Kind.CBF)
    target = np.diag([0.25, 1, 1, 1])
    target[0, 3] = -1
    got = resample(volume, target, (12, 1, 1), outside=-5).array.ravel()
    x = -1 + 0.25 * np.arange(12)
    assert got.tolist() == np.where((x >= -0.5) & (x <= 1.5), 7, -5).tolist()


def test_what_was_not_measured_does_not_spread():
    array = np.full((4, 4, 4), 5.0)
    array[2:] = np.nan
    array[0, 0, 0] = np.inf
    target = np.diag([0.4, 1, 1, 1])
    got = resample(Volume(array, np.eye(4), Kind.CBF), target, (10, 4, 4), outside=-1)
    # 1.6 lies nearer to what is missing.
    assert got.array[:, 1, 1].tolist() == [5, 5, 5, 5, -1, -1, -1, -1, -1, -1]
    assert np.isfinite(got.array).all()


def test_the_nearest_voxel_keeps_masks_binary():
    mask = Volume(RNG.random((8, 8, 8)) > 0.5, np.eye(4), Kind.BRAIN_MASK)
    target = oblique([0, 1, 2], [1, 1, 1], (10, 5, 3), (0.7, 0.7, 0.7), (1, 1, 1))
    assert set(np.unique(resample(mask, target, (8, 8, 8), order=0).array)) <= {0, 1}


def test_other_orders_are_refused():
    with pytest.raises(ValueError, match=r"0 \(nearest\) or 1 \(linear\), got 3"):
        resample(random_volume(), np.eye(4), (2, 2, 2), order=3)


@pytest.mark.parametrize("shape", [(512, 512, 16), (100, 80, 3), (64, 96, 1)])
def test_the_grid_in_plane_has_square_pixels_and_covers_the_volume(shape):
    affine = oblique([0, 1, 2], [1, 1, 1], (4, -3, 8), (0.45, 0.5, 10))
    volume = Volume(np.zeros(shape), affine, Kind.CBF)
    grid, size = in_plane_grid(volume, 256)
    assert size == (256, 256, shape[2])
    width, height, thickness = np.linalg.norm(grid[:3, :3], axis=0)
    assert width == pytest.approx(height)
    assert thickness == pytest.approx(10)
    assert width * 256 == pytest.approx(max(shape[0] * 0.45, shape[1] * 0.5))
    corners = itertools.product([-0.5, shape[0] - 0.5], [-0.5, shape[1] - 0.5])
    for x, y in corners:
        index = np.linalg.inv(grid) @ affine @ [x, y, 0, 1]
        assert (index[:2] >= -0.5 - 1e-6).all()
        assert (index[:2] <= 255.5 + 1e-6).all()
        assert index[2] == pytest.approx(0, abs=1e-9)


def test_a_grid_of_the_same_size_is_the_same_grid():
    volume = random_volume((32, 32, 4), np.diag([0.9, 0.9, 10, 1]))
    grid, shape = in_plane_grid(volume, 32)
    assert np.allclose(grid, volume.affine)
    assert np.allclose(resample(volume, grid, shape).array, volume.array, atol=1e-5)


def test_maps_come_onto_the_grid_of_the_first():
    cbf = random_volume((8, 8, 4), oblique([0, 1, 2], [-1, 1, 1]))
    mtt = Volume(cbf.array[::2], cbf.affine * [2, 1, 1, 1], Kind.MTT)
    gridded = common_grid({PerfusionMap.CBF: cbf, PerfusionMap.MTT: mtt})
    assert list(gridded) == [PerfusionMap.CBF, PerfusionMap.MTT]
    assert len({volume.shape for volume in gridded.values()}) == 1
    assert np.allclose(
        gridded[PerfusionMap.MTT].array[1::2], gridded[PerfusionMap.CBF].array[1::2]
    )


def test_no_map_has_no_grid():
    with pytest.raises(DataError, match="At least one perfusion map"):
        common_grid({})


def test_the_support_is_where_any_map_holds_a_value():
    cbf = Volume([[[0, 1, np.nan, 0]]], np.eye(4), Kind.CBF)
    tmax = Volume([[[3, 0, np.inf, 0]]], np.eye(4), Kind.TMAX)
    support = map_support({PerfusionMap.CBF: cbf, PerfusionMap.TMAX: tmax})
    assert support.tolist() == [[[True, True, False, False]]]
