import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from magic_model.data.volume import Kind, Volume
from magic_model.figures.resolution_figure import interpolate_linearly, to_thick_slices


def volume(array, thin=1.0):
    affine = np.diag([2.0, 2.0, thin, 1.0])
    affine[:3, 3] = [5, -7, 30]
    return Volume(array, affine, Kind.CBF)


def column(values):
    return volume(np.tile(np.asarray(values, dtype=float), (2, 3, 1)))


def test_a_thick_slice_is_the_mean_in_the_middle_of_the_thin_ones():
    thick = to_thick_slices(column([1, 2, 3, 6, 10, 20, 30, 40, 99]), 4.0)
    assert thick.array[0, 0].tolist() == [3, 25]
    assert thick.spacing == (2, 2, 4)
    assert thick.affine[:3, 3].tolist() == [5, -7, 31.5]


def test_what_holds_no_value_is_left_out():
    thick = to_thick_slices(column([0, 0, 4, 6, 0, 0, np.nan, 8]), 4.0)
    assert thick.array[0, 0].tolist() == [5, 0]


@given(st.floats(-3, 3), st.floats(100, 200), st.integers(2, 8))
def test_a_slope_is_kept_between_the_outer_slices(slope, start, together):
    fine = column(start + slope * np.arange(32))
    back = interpolate_linearly(to_thick_slices(fine, together), fine)
    count = 32 // together
    first, last = (together - 1) / 2, (together - 1) / 2 + (count - 1) * together
    inner = slice(int(np.ceil(first)), int(last) + 1)
    assert back.array[..., inner] == pytest.approx(fine.array[..., inner], rel=1e-5)


def test_detail_finer_than_a_slice_is_lost():
    fine = column(np.tile([10, 50], 16))
    back = interpolate_linearly(to_thick_slices(fine), fine)
    assert back.array == pytest.approx(30 * np.ones(fine.shape))


def test_the_edge_is_jagged_and_not_darkened():
    fine = column([0] * 8 + [40] * 16)
    back = interpolate_linearly(to_thick_slices(fine), fine)
    assert set(back.array[0, 0].tolist()) == {0, 40}


def test_the_orientation_does_not_matter():
    fine = column(np.arange(1, 17))
    flip = np.diag([1.0, 1, -1, 1])
    flip[2, 3] = 15
    turned = Volume(fine.array[..., ::-1], fine.affine @ flip, Kind.CBF)
    one, other = to_thick_slices(fine), to_thick_slices(turned)
    assert np.array_equal(one.array, other.array)
    assert np.allclose(one.affine, other.affine)


@pytest.mark.parametrize("slice_mm", [1.0, 0.2, 99.0])
def test_a_thickness_that_does_not_fit_is_refused(slice_mm):
    with pytest.raises(ValueError, match="between 2 and 9 slices of 1 mm"):
        to_thick_slices(column(np.ones(9)), slice_mm)
