from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from magic_model.data.dicom.frames import stack_images
from magic_model.data.grid import reorient_ras
from magic_model.data.straight import AIR, find_holes, straighten
from magic_model.data.volume import Kind, Volume
from magic_model.errors import DataError
from tests.magic_model.data.tilted_head import (
    BLOBS,
    EVEN,
    TILT,
    TWO_PARTS,
    depth_in_brain,
    hounsfield,
    scanned,
    tilted_planes,
)


def places(volume):
    index = np.indices(volume.shape).reshape(3, -1)
    mm = volume.affine[:3, :3] @ index + volume.affine[:3, 3:]
    return np.moveaxis(mm.reshape(3, *volume.shape), 0, -1)


def brightest(volume, name):
    """Centre of mass of a blob, where the volume says that it lies."""
    mm = places(volume)
    centre, width, height = BLOBS[name]
    near = np.linalg.norm(mm - centre, axis=-1) < 2.5 * width
    weight = np.clip((volume.array - 32) / height, 0.05, None) * near
    return (mm * weight[..., None]).sum(axis=(0, 1, 2)) / weight.sum()


def stacked(heights, tilt=TILT):
    planes = tilted_planes(heights, tilt)
    return stack_images(planes, lambda k: scanned(planes[k]), Kind.NCCT)


@pytest.fixture(scope="module")
def two_parts():
    return stacked(TWO_PARTS)


@pytest.fixture(scope="module")
def even():
    return stacked(EVEN)


def sheared_nifti(kind=Kind.NCCT, tilt=TILT):
    """What dcm2niix makes of tilted slices: their pixels, and an affine that leans."""
    planes = tilted_planes(EVEN, tilt)
    array = np.stack([scanned(plane) for plane in planes]).transpose(2, 1, 0)
    affine = np.eye(4)
    affine[:3, 0] = planes[0].orientation[:3] * planes[0].spacing[1]
    affine[:3, 1] = planes[0].orientation[3:] * planes[0].spacing[0]
    affine[:3, 2] = planes[1].position - planes[0].position
    affine[:3, 3] = planes[0].position
    return Volume(array, np.diag([-1, -1, 1, 1]) @ affine, kind)


def test_a_tilted_uneven_head_is_where_it_is(two_parts):
    assert two_parts.is_orthogonal
    mm = places(two_parts)
    deep = depth_in_brain(mm) > 8
    error = np.abs(two_parts.array - hounsfield(mm))
    assert deep.sum() > 50_000
    # A calcification of 6 mm between slices 7 mm apart is flattened by some HU.
    assert np.percentile(error[deep], 99) < 6
    assert error[deep].mean() < 0.5
    # Skull and scalp too, but for the edges, which two rows share.
    assert np.median(error) < 0.5
    for name in BLOBS:
        away = brightest(two_parts, name) - brightest(_analytic(two_parts), name)
        assert np.linalg.norm(away) < 0.3


def _analytic(volume):
    return volume.with_array(hounsfield(places(volume)))


def test_even_slices_are_interpolated_between_rows_alone(even):
    """So that no plane is blurred along the way up; the first is as it was."""
    assert even.shape[2] == len(EVEN)
    planes = tilted_planes(EVEN)
    np.testing.assert_array_equal(
        even.array[:, -planes[0].shape[0] :, 0].T, scanned(planes[0])
    )
    mm = places(even)
    error = np.abs(even.array - hounsfield(mm))
    assert error[depth_in_brain(mm) > 8].max() < 4
    assert np.percentile(error, 99) < 25


def test_heights_are_those_of_the_planes(even, two_parts):
    for volume, heights in ((even, EVEN), (two_parts, TWO_PARTS)):
        planes = tilted_planes(heights)
        normal = np.cross(planes[0].orientation[:3], planes[0].orientation[3:])
        told = [plane.position @ normal for plane in planes]
        up = volume.affine[:3, 2] / volume.spacing[2]
        first = volume.affine[:3, 3] @ up
        extent = (volume.shape[2] - 1) * volume.spacing[2]
        assert first == pytest.approx(told[0], abs=1e-4)
        assert first + extent == pytest.approx(told[-1], abs=1e-4)
    assert two_parts.spacing[2] == pytest.approx(4, abs=0.05)


def test_the_grid_grows_along_the_columns_so_that_nothing_is_cut(even):
    rows, columns = tilted_planes(EVEN)[0].shape
    aside = EVEN[-1] * np.tan(np.radians(TILT)) / 2
    assert even.shape[:2] == (columns, rows + np.ceil(aside))
    planes = tilted_planes(EVEN)
    for k in (0, 12, 23):
        held = (even.array[:, :, k] > AIR + 1).any(axis=0).sum()
        assert rows - 1 <= held <= rows + 1
        bone = (scanned(planes[k]) > 300).sum()
        assert (even.array[:, :, k] > 300).sum() == pytest.approx(bone, rel=0.05)


def test_the_note_tells_degrees_and_mm(even, two_parts):
    assert even.notes == (
        "slices were tilted by 18.5 degrees (gantry tilt): resampled once, to 24 "
        "straight slices 5.00 mm apart, with 20 pixels more in plane so that nothing "
        "is cut off",
    )
    (note,) = two_parts.notes
    assert "tilted by 18.5 degrees (gantry tilt) and lay 2.0 to 7.0 mm apart" in note


@pytest.mark.parametrize("tilt", [TILT, -12.0])
def test_a_sheared_nifti_takes_the_same_road(tilt):
    from_dicom, from_nifti = stacked(EVEN, tilt), straighten(sheared_nifti(tilt=tilt))

    np.testing.assert_allclose(from_nifti.affine, from_dicom.affine, atol=1e-6)
    # The same pixels; beyond them is the least value there is, and air.
    inside = from_dicom.array > -900
    np.testing.assert_allclose(
        from_nifti.array[inside], from_dicom.array[inside], atol=0.1
    )
    assert from_nifti.notes == from_dicom.notes


@pytest.mark.parametrize("order", [(0, 2, 1), (2, 1, 0), (1, 0, 2)])
def test_axes_may_be_stored_in_any_order(order):
    sheared = sheared_nifti()
    stored = Volume(
        sheared.array.transpose(order), sheared.affine[:, [*order, 3]], sheared.kind
    )

    straight = straighten(stored)

    expected = reorient_ras(straighten(sheared))
    np.testing.assert_allclose(
        reorient_ras(straight).affine, expected.affine, atol=1e-6
    )
    np.testing.assert_allclose(reorient_ras(straight).array, expected.array, atol=0.01)


def test_a_mask_takes_the_nearest_voxel():
    sheared = sheared_nifti()
    mask = Volume(sheared.array > 500, sheared.affine, Kind.BRAIN_MASK)
    straight = straighten(mask)
    assert set(np.unique(straight.array)) == {0, 1}
    assert straight.array.sum() == mask.array.sum()


def test_what_is_not_measured_is_left_out_of_the_average():
    sheared = sheared_nifti()
    flow = Volume(np.where(sheared.array > 500, np.nan, 50.0), sheared.affine, Kind.CBF)
    straight = straighten(flow).array
    held = straight[np.isfinite(straight)]
    np.testing.assert_allclose(held, 50.0, rtol=1e-6)
    assert held.size == pytest.approx(np.isfinite(flow.array).sum(), rel=0.02)


def test_a_straight_volume_is_left_alone():
    volume = Volume(np.zeros((2, 3, 4)), np.diag([1, 2, 3, 1]), Kind.NCCT)
    assert straighten(volume) is volume


def test_a_shear_that_is_no_tilt_is_refused():
    steep = np.eye(4)
    steep[1, 2] = 1.2
    with pytest.raises(
        DataError, match=r"ncct must lean by up to 45 degrees, got 50\.2"
    ):
        straighten(Volume(np.zeros((9, 9, 9)), steep, Kind.NCCT))
    askew = np.eye(4)
    askew[0, 1] = askew[0, 2] = askew[1, 2] = 0.3
    with pytest.raises(DataError, match="an affine that shears all axes"):
        straighten(Volume(np.zeros((9, 9, 9)), askew, Kind.NCCT))


def test_slices_shifted_about_in_plane_are_put_back():
    planes = tilted_planes(EVEN, tilt=0)
    planes[9].position[0] += 6
    planes[15].position[1] -= 4.5
    volume = stack_images(planes, lambda k: scanned(planes[k]), Kind.NCCT)
    assert "were shifted in plane by up to 6.0 mm" in volume.notes[0]
    mm = places(volume)
    error = np.abs(volume.array - hounsfield(mm))
    assert error[depth_in_brain(mm) > 8].max() < 3


# A missing slice doubles a distance; jitter of 0.3 mm at 5 mm does not.
@given(
    st.lists(st.floats(-0.06, 0.06), min_size=12, max_size=30),
    st.sampled_from([0.625, 1.0, 2.5, 5.0, 10.0]),
    st.integers(2, 9),
)
def test_jitter_is_no_hole_and_a_hole_is_one(jitter, spacing, lost):
    heights = spacing * (np.arange(len(jitter)) + np.array(jitter))
    assert find_holes(heights) == []
    assert find_holes(np.delete(heights, lost)) == [lost - 1]


@pytest.mark.parametrize(
    ("steps", "holes"),
    [
        ([2.5] * 10 + [5] * 10, []),
        ([5] * 10 + [2.5] * 10, []),
        ([4] * 13 + [1.08] + [7] * 13, []),
        ([1.25] * 20 + [3] + [5] * 12, []),
        ([5, 5, 2, 5, 5], []),  # a place scanned once more
        ([2.5] * 10 + [7.5] + [5] * 10, [10]),  # between the parts
        ([2.5] * 9 + [5, 2.5] + [5] * 10, [9]),
        ([5] * 4 + [10, 10] + [5] * 4, [4, 5]),
        ([5] * 4 + [15] * 4, [4, 5, 6, 7]),  # no protocol
        ([5] * 4 + [10] + [5] * 4 + [15], [4, 9]),
        ([5, 10], [1]),
        ([5], []),
    ],
)
def test_two_parts_are_told_from_holes(steps, holes):
    assert find_holes(np.concatenate([[0.0], np.cumsum(steps)])) == holes


def test_jitter_is_resampled_to_where_the_planes_lie():
    heights = EVEN + np.random.default_rng(1).uniform(-0.3, 0.3, len(EVEN))
    planes = tilted_planes(heights)
    shown = [
        np.full(plane.shape, 10 * h, np.float32)
        for plane, h in zip(planes, heights, strict=True)
    ]

    volume = stack_images(planes, shown.__getitem__, Kind.CBF)

    assert volume.shape[2] == len(EVEN)
    assert "mm apart: resampled once, to 24 straight slices 5.0" in volume.notes[0]
    middle = volume.array[40, 60] / 10 - heights[0]
    expected = np.arange(24) * volume.spacing[2]
    np.testing.assert_allclose(middle, expected, atol=1e-3)


def test_each_slice_is_asked_for_once():
    planes = tilted_planes(EVEN)
    asked = []

    def image(k):
        asked.append(k)
        return np.zeros(planes[k].shape, np.float32)

    stack_images(planes[::-1], partial(image), Kind.CBF)
    assert sorted(asked) == list(range(len(EVEN)))
