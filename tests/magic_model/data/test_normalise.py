import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from magic_model.data.normalise import (
    NCCT_WINDOW,
    scale_hounsfield,
    scale_map,
    unscale_hounsfield,
    unscale_map,
)
from magic_model.maps import MAP_SPECS, PerfusionMap


def inside(low, high):
    return st.lists(st.floats(low, high, width=32), min_size=1)


def test_the_window_is_that_of_the_paper():
    low, high = NCCT_WINDOW
    assert ((low + high) / 2, high - low) == (40, 80)


@given(inside(*NCCT_WINDOW))
def test_hounsfield_units_come_back(ct):
    values = np.array(ct, dtype=np.float32)
    back = unscale_hounsfield(scale_hounsfield(values))
    assert np.abs(back - values).max() <= 1e-5


@given(st.sampled_from(PerfusionMap), st.data())
def test_maps_come_back_in_their_units(kind, data):
    values = np.array(data.draw(inside(*MAP_SPECS[kind].value_range)), dtype=np.float32)
    back = unscale_map(scale_map(values, kind), kind)
    assert np.abs(back - values).max() <= 1e-5


@given(
    st.tuples(st.floats(-100, 100), st.floats(1, 100)),
    st.lists(st.floats(-1e4, 1e4), min_size=2),
)
def test_scaling_keeps_order_and_stays_within_one(window, values):
    limits = (window[0], window[0] + window[1])
    scaled = scale_hounsfield(sorted(values), limits)
    assert (np.diff(scaled) >= 0).all()
    assert np.abs(scaled).max() <= 1
    assert scaled.dtype == np.float32


def test_what_lies_outside_is_cut_off():
    assert scale_hounsfield([-1000, 0, 20, 80, 3000]).tolist() == [-1, -1, -0.5, 1, 1]
    assert scale_map([-1, 0, 3, 99], PerfusionMap.CBV).tolist() == [-1, -1, 0.5, 1]


def test_a_range_can_be_given():
    scaled = scale_map([[0, 25, 100]], PerfusionMap.CBF, (0, 100))
    assert scaled.tolist() == [[-1, -0.5, 1]]
    assert unscale_map(scaled, PerfusionMap.CBF, (0, 100)).tolist() == [[0, 25, 100]]


def test_no_value_stays_no_value():
    assert np.isnan(scale_map([np.nan], PerfusionMap.MTT)).all()


@pytest.mark.parametrize("limits", [(80, 0), (5, 5), (float("nan"), 1)])
def test_a_range_must_rise(limits):
    with pytest.raises(ValueError, match=r"must rise .* got"):
        scale_hounsfield([1.0], limits)
    with pytest.raises(ValueError, match="must rise"):
        unscale_map([1.0], PerfusionMap.CBF, limits)
