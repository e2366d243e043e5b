import numpy as np
import pytest

from app.pilo.panels import draw_panels
from app.pilo.view import Colours, View
from magic_model.colours import PERFUSION_COLOURS, colour_map, grey_ncct
from magic_model.maps import MAP_SPECS, PAPER_MAPS

CBF, CBV, MTT, TTP = PAPER_MAPS


@pytest.fixture
def index(explorer):
    return explorer.fullest


def test_panels_are_the_ncct_and_the_maps_in_the_scales_of_the_project(explorer, index):
    ratios = {CBF: 2.0}
    ncct, *maps = draw_panels(explorer, View(index=index, ratios=ratios))
    brain = explorer.brain(index)[..., np.newaxis]
    made = explorer.generate(index, ratios)

    assert [p.title for p in (ncct, *maps)] == ["NCCT", "CBF", "CBV", "MTT", "TTP"]
    assert [p.unit for p in (ncct, *maps)] == [
        "HU", "mL/100g/min", "mL/100g", "s", "s",
    ]  # fmt: skip
    assert np.array_equal(ncct.picture, grey_ncct(explorer.ncct(index)) * brain)
    for name, panel in zip(PAPER_MAPS, maps, strict=True):
        assert np.array_equal(panel.picture, colour_map(made[name], name) * brain)
        assert np.array_equal(panel.bar[0], PERFUSION_COLOURS)
        assert panel.limits == MAP_SPECS[name].value_range
    assert [p.note for p in (ncct, *maps)] == [
        "",
        "ratio 2.00, not calibrated",
        *["ratio 1.00, as trained"] * 3,
    ]


def test_values_are_told_in_the_brain_alone(explorer, index):
    ncct, cbf, cbv, *_ = draw_panels(explorer, View(index=index))
    brain = explorer.brain(index)
    made = explorer.generate(index, {})
    assert np.array_equal(np.isfinite(cbf.values), brain)
    inside = made[CBF][brain]
    least, most, mean = inside.min(), inside.max(), inside.mean(dtype=float)
    assert cbf.summary == f"brain {least:.1f} to {most:.1f}, mean {mean:.1f}"
    assert f"mean {made[CBV][brain].mean(dtype=float):.2f}" in cbv.summary
    assert f"mean {explorer.ncct(index)[brain].mean(dtype=float):.0f}" in ncct.summary


def test_an_upper_limit_stretches_the_colours_of_its_map_only(explorer, index):
    plain = draw_panels(explorer, View(index=index))
    limited = draw_panels(explorer, View(index=index, limits={MTT: 6.0}))
    values = explorer.generate(index, {})[MTT]
    brain = explorer.brain(index)[..., np.newaxis]
    mtt = limited[3]
    assert mtt.limits == (0, 6)
    # MTT from 0 to 12 s: at half the limit a value looks like twice itself.
    assert np.array_equal(mtt.picture, colour_map(2 * values, MTT) * brain)
    assert np.array_equal(mtt.bar[0], PERFUSION_COLOURS)
    for place in (0, 1, 2, 4):
        assert np.array_equal(plain[place].picture, limited[place].picture)


def test_grey_rises_with_the_value(explorer, index):
    view = View(index=index, colours=Colours.GREY)
    for panel in draw_panels(explorer, view):
        assert np.array_equal(panel.bar[0, :, 0], np.arange(256))
        red, green, blue = np.moveaxis(panel.picture, -1, 0)
        assert np.array_equal(red, green)
        assert np.array_equal(red, blue)
        known = np.isfinite(panel.values)
        order = np.argsort(panel.values[known])
        assert (np.diff(red[known][order].astype(int)) >= 0).all()


def test_the_window_is_that_of_the_ncct_alone(explorer, index):
    plain = draw_panels(explorer, View(index=index))
    stroke = draw_panels(explorer, View(index=index, width=40))
    assert stroke[0].limits == (20, 60)
    assert not np.array_equal(plain[0].picture, stroke[0].picture)
    for before, after in zip(plain[1:], stroke[1:], strict=True):
        assert np.array_equal(before.picture, after.picture)
