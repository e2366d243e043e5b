import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pilo.view import (
    RATIOS,
    WINDOWS,
    View,
    limit_step,
    ratios_of_steps,
    steps_of_ratios,
    window_name,
)
from magic_model.maps import MAP_SPECS, PAPER_MAPS, PerfusionMap
from magic_model.ratio import shares


def test_the_ratio_as_trained_is_in_the_middle_of_mirrored_ones():
    assert RATIOS[len(RATIOS) // 2] == 1.0
    assert (RATIOS[0], RATIOS[-1]) == (0.125, 8.0)
    for low, high in zip(RATIOS, reversed(RATIOS), strict=True):
        # Perfusion and anatomy trade places.
        assert shares(low) == pytest.approx(shares(high)[::-1])
    assert np.diff(np.log2(RATIOS)) == pytest.approx(1 / 8)


def test_a_view_is_what_was_set_or_as_usual():
    view = View(index=0, centre=35, width=30, limits={PerfusionMap.CBF: 90.0})
    assert view.window == (20, 50)
    assert view.limit(PerfusionMap.CBF) == 90
    assert view.limit(PerfusionMap.MTT) == 12


def test_usual_windows_have_a_name():
    for name, window in WINDOWS.items():
        assert window_name(*window) == name
    assert View(index=0, centre=40, width=40).window == (20, 60)
    assert window_name(40, 41) is None


@pytest.mark.parametrize("name", PerfusionMap)
def test_the_range_of_a_map_is_among_its_steps(name):
    steps = MAP_SPECS[name].value_range[1] / limit_step(name)
    assert steps == int(steps) >= 8


@given(st.fixed_dictionaries(dict.fromkeys(PAPER_MAPS, st.sampled_from(RATIOS))))
def test_places_of_sliders_tell_their_ratios(ratios):
    places = steps_of_ratios(ratios, PAPER_MAPS)
    assert ratios_of_steps(places, PAPER_MAPS) == ratios


@pytest.mark.parametrize(
    "steps",
    [None, [], 3, {}, {"cbf": 0}, {"cbf": 25, "ttp": 0}, {"cbf": True, "ttp": 0},
     {"cbf": "1", "ttp": 0}, {"cbf": 1.5, "ttp": 0}, {"cbf": 0, "ttp": 0, "cbv": 0}],
)  # fmt: skip
def test_what_is_no_place_of_these_sliders_is_nothing(steps):
    names = PerfusionMap.CBF, PerfusionMap.TTP
    assert ratios_of_steps({"cbf": -24, "ttp": 24}, names) is not None
    assert ratios_of_steps(steps, names) is None
