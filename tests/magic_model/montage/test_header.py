import numpy as np
import pytest

from magic_model.colours import LEVELS, PERFUSION_COLOURS
from magic_model.data.dicom.colour import find_colour_bars
from magic_model.errors import DataError
from magic_model.maps import PerfusionMap
from magic_model.montage.picture import DRAWN_SHARE, MontageLayout, draw_header
from reader_study.building.pictures import montage_rows


def test_readers_rows_are_those_of_the_layout():
    for rows, panel in ((10, 256), (1, 96), (16, 512), (40, 125), (5, 150)):
        layout = MontageLayout(rows=rows, panel=panel)
        assert montage_rows(layout.size) == rows
    for size in ((2560, 1280), (2560, 2560), (700, 900), (256, 256), (30, 40)):
        assert montage_rows(size) == 0


def test_each_map_has_its_bar_with_the_colours_of_the_panels():
    layout = MontageLayout()
    strip = draw_header(layout)
    bars = find_colour_bars(strip)
    assert [bar.left // layout.panel for bar in bars] == [1, 2, 3, 4]
    known = {tuple(colour) for colour in PERFUSION_COLOURS.tolist()}
    for bar in bars:
        row = strip[(bar.top + bar.bottom) // 2, bar.left : bar.right]
        assert {tuple(colour) for colour in row.tolist()} <= known
        drawn = [PERFUSION_COLOURS[round(s * (LEVELS - 1))] for s in DRAWN_SHARE]
        assert np.array_equal(row[[0, -1]], drawn)


@pytest.mark.parametrize("panel", [96, 256, 512])
def test_titles_stay_in_their_column(panel):
    layout = MontageLayout(panel=panel)
    strip = draw_header(layout)
    assert strip.shape == (layout.header, 5 * panel, 3)
    edges = np.arange(1, 5) * panel
    assert not strip[:, edges].any()
    assert not strip[:, edges - 1].any()
    assert not strip[[0, -1]].any()


def test_other_maps_have_other_titles():
    flow = draw_header(MontageLayout(maps=(PerfusionMap.CBF,)))
    time = draw_header(MontageLayout(maps=(PerfusionMap.TMAX,)))
    assert flow.shape == time.shape
    assert not np.array_equal(flow, time)


def test_the_strip_cannot_be_changed_from_outside():
    assert not draw_header(MontageLayout()).flags.writeable


def test_sizes_out_of_bounds_are_refused():
    with pytest.raises(DataError, match="A panel must be between 96 and 1024, got 16"):
        MontageLayout(panel=16)
    with pytest.raises(DataError, match="slices must be between 1 and 40, got 0"):
        MontageLayout(rows=0)
