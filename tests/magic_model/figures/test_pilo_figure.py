import io

import numpy as np
import pytest

from magic_model.colours import colour_map
from magic_model.figures.pilo_figure import pilo_figure
from magic_model.maps import PerfusionMap

SHAPE = (64, 64)


@pytest.fixture
def mask():
    inside = np.zeros(SHAPE, dtype=bool)
    inside[20:50, 24:44] = True
    return inside


@pytest.fixture
def figure(mask):
    ncct = np.full(SHAPE, 40, dtype=np.float32)
    maps = {r: np.full(SHAPE, 20 * r, dtype=np.float32) for r in (2.0, 0.5, 1.0)}
    return pilo_figure(ncct, maps, PerfusionMap.CBF, mask)


def test_ratios_rise_from_left_to_right_after_the_ncct(figure):
    panels = figure.axes[:4]
    assert [ax.get_title() for ax in panels] == ["NCCT", "0.5", "1 (as trained)", "2"]
    middles = [np.asarray(ax.images[0].get_array())[25, 20].tolist() for ax in panels]
    assert middles[0] == [128, 128, 128]
    assert middles[1:] == colour_map([10.0, 20.0, 40.0], PerfusionMap.CBF).tolist()


def test_the_frame_is_the_mask_and_a_margin_and_black_outside(figure):
    for ax in figure.axes[:4]:
        picture = np.asarray(ax.images[0].get_array())
        assert picture.shape == (50, 40, 3)
        assert picture[10:40, 10:30].any(axis=-1).all()
        assert picture.any(axis=-1).sum() == 30 * 20


def test_arrow_and_bar_say_what_is_shown(figure):
    words = [text.get_text() for text in figure.texts]
    assert words == ["more anatomy", "more perfusion", "perfusion information ratio"]
    starts = {text.get_text(): text.get_position()[0] for text in figure.texts}
    assert starts["more anatomy"] < starts["more perfusion"]
    bar = figure.axes[4]
    assert (bar.get_ylim(), bar.get_ylabel()) == ((0, 60), "CBF [mL/100g/min]")
    figure.savefig(io.BytesIO(), format="png", dpi=40)


def test_what_does_not_fit_is_refused(mask):
    ncct = np.zeros(SHAPE, dtype=np.float32)
    with pytest.raises(ValueError, match="one ratio or more"):
        pilo_figure(ncct, {}, PerfusionMap.CBF, mask)
    with pytest.raises(ValueError, match=r"of one shape, got \[\(64, 63\), \(64, 64\)"):
        pilo_figure(ncct, {1.0: ncct[:, 1:]}, PerfusionMap.CBF, mask)
    with pytest.raises(ValueError, match="must hold a pixel"):
        pilo_figure(ncct, {1.0: ncct}, PerfusionMap.CBF, np.zeros_like(mask))
