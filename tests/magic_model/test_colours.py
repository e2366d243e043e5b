import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from magic_model.colours import (
    COLOUR_STOPS,
    LEVELS,
    PERFUSION_COLOURS,
    colour_map,
    grey_ncct,
)
from magic_model.data.dicom.colour import ColourBar, invert_colours
from magic_model.maps import MAP_SPECS, PerfusionMap


def lightness_and_hue(rgb):
    """CIELAB under D65, from CIE 15:2004 and the sRGB matrix of IEC 61966-2-1."""
    coded = np.asarray(rgb) / 255
    linear = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    to_xyz = [
        [0.4124, 0.3576, 0.1805],
        [0.2126, 0.7152, 0.0722],
        [0.0193, 0.1192, 0.9505],
    ]
    xyz = linear @ np.transpose(to_xyz) / [0.9505, 1, 1.089]
    bend = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    x, y, z = np.moveaxis(bend, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def largest_step(table):
    steps = np.linalg.norm(np.diff(lightness_and_hue(table), axis=0), axis=1)
    return steps.max() / steps.mean()


def test_the_conversion_of_this_test_knows_white_and_red():
    # Red of sRGB is L* 53.24, a* 80.09, b* 67.20.
    assert lightness_and_hue([255, 255, 255]) == pytest.approx([100, 0, 0], abs=0.05)
    assert lightness_and_hue([255, 0, 0]) == pytest.approx([53.2, 80.1, 67.2], abs=0.1)


def test_steps_between_colours_are_as_even_as_documented():
    colours = np.array([colour for _, colour in COLOUR_STOPS], dtype=float)
    evenly = np.stack(
        [
            np.interp(np.linspace(0, 1, LEVELS), np.linspace(0, 1, len(colours)), c)
            for c in colours.T
        ],
        axis=-1,
    )
    assert largest_step(PERFUSION_COLOURS) < 1.6
    assert largest_step(evenly) > 1.9


def test_each_value_has_its_own_colour():
    assert len(np.unique(PERFUSION_COLOURS, axis=0)) == LEVELS
    assert PERFUSION_COLOURS[0].tolist() == [0, 0, 0]
    assert not PERFUSION_COLOURS.flags.writeable


@pytest.mark.parametrize("kind", PerfusionMap)
def test_values_can_be_read_back_from_the_colours(kind):
    low, high = MAP_SPECS[kind].value_range
    values = np.linspace(high / LEVELS, high, 4321).reshape(1, -1)
    bar = ColourBar(PERFUSION_COLOURS, np.linspace(low, high, LEVELS))
    found, _ = invert_colours(colour_map(values, kind), bar)
    assert np.abs(found - values).max() <= (high - low) / (LEVELS - 1) / 2 * 1.01


def test_long_times_have_the_colour_of_high_flow():
    assert (
        colour_map([12.0], PerfusionMap.MTT).tolist()
        == colour_map([25.0], PerfusionMap.TTP).tolist()
        == colour_map([60.0], PerfusionMap.CBF).tolist()
        == [[205, 0, 0]]
    )


def test_what_is_no_number_is_black():
    odd = [np.nan, np.inf, -np.inf]
    assert not colour_map(odd, PerfusionMap.CBV).any()
    assert not grey_ncct(odd).any()


@given(arrays(np.float32, (3, 4), elements=st.floats(-2000, 3000, width=32)))
def test_grey_rises_with_hounsfield_units(ct):
    grey = grey_ncct(ct)
    assert grey.shape == (3, 4, 3)
    assert (np.diff(np.sort(grey[..., 0], axis=None).astype(int)) >= 0).all()
    order = np.argsort(ct, axis=None, kind="stable")
    assert (np.diff(grey[..., 1].ravel()[order].astype(int)) >= 0).all()
