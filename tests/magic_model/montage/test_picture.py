from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from magic_model.colours import grey_ncct
from magic_model.maps import MAP_SPECS, PerfusionMap
from magic_model.montage.cases import encode_png
from magic_model.montage.picture import (
    MONTAGE_MAPS,
    MontageLayout,
    colour_drawn,
    draw_montage,
)

shared = settings(
    max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def panel(picture, layout, row, column):
    top, left = layout.corner(row, column)
    return picture[top : top + layout.panel, left : left + layout.panel]


def test_the_papers_montage_is_ten_rows_of_five_panels_of_256_pixels():
    layout = MontageLayout()
    height, width = layout.size
    assert (height - layout.header, width) == (2560, 1280)
    assert [MAP_SPECS[name].title for name in layout.maps] == [
        "CBV", "CBF", "MTT", "TTP",
    ]  # fmt: skip


def test_equal_maps_give_equal_bytes(patient):
    stack = patient.stack
    generated = {name: array.copy() for name, array in stack.maps.items()}
    first = draw_montage(stack, stack.maps, patient.layout)
    second = draw_montage(stack, generated, patient.layout)
    assert np.array_equal(first, second)
    assert encode_png(first) == encode_png(second)


@shared
@given(
    name=st.sampled_from(MONTAGE_MAPS),
    place=st.tuples(st.integers(0, 2), st.integers(20, 79), st.integers(30, 69)),
    share=st.floats(0, 1),
)
def test_a_value_changes_its_own_pixel_and_no_other(patient, name, place, share):
    stack, layout = patient.stack, patient.layout
    changed = dict(stack.maps)
    changed[name] = changed[name].copy()
    changed[name][place] = share * MAP_SPECS[name].value_range[1]
    before = draw_montage(stack, stack.maps, layout)
    after = draw_montage(stack, changed, layout)
    top, left = layout.corner(place[0], 1 + MONTAGE_MAPS.index(name))
    pixel = (top + place[1], left + place[2])
    assert np.array_equal(after[pixel], colour_drawn(changed[name][place], name))
    after[pixel] = before[pixel]
    assert np.array_equal(after, before)


@shared
@given(seed=st.integers(0, 10_000), scale=st.floats(-3, 3))
def test_nothing_outside_the_mask_depends_on_the_maps(patient, seed, scale):
    stack, layout = patient.stack, patient.layout
    rng = np.random.default_rng(seed)
    other = {
        name: (scale * rng.normal(30, 30, stack.mask.shape)).astype(np.float32)
        for name in MONTAGE_MAPS
    }
    reference = draw_montage(stack, stack.maps, layout)
    test = draw_montage(stack, other, layout)
    assert np.array_equal(test[: layout.header], reference[: layout.header])
    for row, mask in enumerate(stack.mask):
        assert np.array_equal(
            panel(test, layout, row, 0), panel(reference, layout, row, 0)
        )
        for column in range(5):
            for picture in (reference, test):
                assert not panel(picture, layout, row, column)[~mask].any()


def test_panels_are_ncct_at_the_slice_and_maps_from_the_lowest_slice_down(patient):
    stack, layout = patient.stack, patient.layout
    picture = draw_montage(stack, stack.maps, layout)
    inside = stack.mask[1]
    ncct = grey_ncct(stack.ncct[1, 1])
    assert np.array_equal(panel(picture, layout, 1, 0)[inside], ncct[inside])
    ttp = colour_drawn(stack.maps[PerfusionMap.TTP][1], PerfusionMap.TTP)
    assert np.array_equal(panel(picture, layout, 1, 4)[inside], ttp[inside])


@pytest.mark.slow
def test_a_map_that_does_not_reach_the_ends_of_its_range_has_as_many_colours(patient):
    """Outputs of a network lie within its range, measured values go beyond it."""
    stack, layout = patient.stack, patient.layout

    def colours(first, last):
        share = np.linspace(first, last, int(stack.mask.sum()))
        maps = {}
        for name in MONTAGE_MAPS:
            maps[name] = np.zeros(stack.mask.shape)
            maps[name][stack.mask] = share * MAP_SPECS[name].value_range[1]
        panels = draw_montage(stack, maps, layout)[layout.header :, layout.panel :]
        return np.unique(panels.reshape(-1, 3), axis=0)

    assert np.array_equal(colours(0.07, 0.96), colours(-1.0, 2.0))
    assert colours(-1.0, 2.0).max(axis=1).tolist()[0] == 0  # around the brain
    assert colours(-1.0, 2.0).max(axis=1)[1:].min() >= 60  # and nothing in it as dark


def test_a_patient_with_fewer_slices_has_the_same_canvas_and_black_rows(patient):
    picture = draw_montage(patient.stack, patient.stack.maps, patient.layout)
    assert picture.shape == (*patient.layout.size, 3)
    assert not picture[patient.layout.corner(3, 0)[0] :].any()


def test_what_is_not_finite_is_black(patient):
    cbf = patient.stack.maps[PerfusionMap.CBF].copy()
    cbf[0, 40, 40] = np.nan
    maps = {**patient.stack.maps, PerfusionMap.CBF: cbf}
    picture = draw_montage(patient.stack, maps, patient.layout)
    assert not panel(picture, patient.layout, 0, 2)[40, 40].any()


def test_what_does_not_fit_is_refused(patient):
    stack, layout = patient.stack, patient.layout
    with pytest.raises(ValueError, match=r"2 rows of 96 x 96 pixels, got \(3, 96, 96"):
        draw_montage(stack, stack.maps, replace(layout, rows=2))
    with pytest.raises(ValueError, match="4 rows of 128 x 128 pixels"):
        draw_montage(stack, stack.maps, replace(layout, panel=128))
    with pytest.raises(ValueError, match="must include cbv, got none"):
        draw_montage(stack, {}, layout)
    small = {name: array[:, 1:] for name, array in stack.maps.items()}
    with pytest.raises(ValueError, match=r"cbv must be as large .* got \(3, 95, 96\)"):
        draw_montage(stack, small, layout)
