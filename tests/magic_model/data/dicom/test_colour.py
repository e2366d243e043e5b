import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from magic_model.data.dicom.colour import (
    BarBox,
    ColourBar,
    find_colour_bar,
    find_colour_bars,
    invert_colours,
    report_residual,
)
from magic_model.errors import DataError

N = 256


def _palette(name, n=N):
    shares = np.linspace(0, 1, n)
    return (mpl.colormaps[name](shares)[:, :3] * 255).round().astype(np.uint8)


JET = ColourBar(_palette("jet"), np.linspace(0, 60, N))


@given(hnp.arrays(float, (4, 5), elements=st.floats(0, 60)))
def test_values_come_back_within_the_resolution_of_the_bar(values):
    indices = np.abs(values[..., None] - JET.values).argmin(axis=-1)

    found, residual = invert_colours(JET.colours[indices], JET)

    # Entries 28 to 32 of jet are all (0, 0, 255): two entries either way, and half one.
    assert np.abs(found - values).max() <= 2.5 * 60 / (N - 1) + 1e-4
    assert residual.max() == pytest.approx(0, abs=1e-5)


@given(hnp.arrays(float, (4, 5), elements=st.floats(0, 60)))
def test_colours_between_entries_are_interpolated(values):
    # A table of 26 colours, a picture drawn with all: the chain of lines fills in.
    coarse = ColourBar(JET.colours[::10], JET.values[::10])
    indices = np.abs(values[..., None] - JET.values).argmin(axis=-1)
    inside = np.minimum(indices, 250)

    found, _ = invert_colours(JET.colours[inside], coarse)

    step = coarse.values[1] - coarse.values[0]
    assert np.abs(found - JET.values[inside]).max() < 0.5 * step


@pytest.mark.parametrize("grey", [10, 60, 128, 200, 255])
def test_grey_anatomy_is_off_the_bar(grey):
    picture = np.full((3, 4, 3), grey, dtype=np.uint8)

    values, residual = invert_colours(picture, JET)

    assert np.isnan(values).all()
    assert residual.min() > 50


@pytest.mark.parametrize("name", ["jet", "nipy_spectral", "hot"])
def test_background_is_off_the_bar_even_where_the_bar_starts_black(name):
    bar = ColourBar(_palette(name), np.arange(N))

    values, _ = invert_colours(np.zeros((2, 2, 3), np.uint8), bar)

    assert np.isnan(values).all()


def test_entries_that_share_a_colour_give_their_middle():
    colours = [[0, 0, 99], [0, 0, 255], [0, 0, 255], [0, 0, 255], [255, 0, 0]]
    bar = ColourBar(colours, [0, 10.0, 10.4, 10.6, 20])

    values, residual = invert_colours(np.array([[[0, 0, 255]]], np.uint8), bar)

    assert values[0, 0] == pytest.approx(10.3)
    assert residual[0, 0] == 0


def test_a_bar_on_which_a_colour_stands_twice_is_refused():
    with pytest.raises(DataError, match="must stand for one value"):
        ColourBar([[0, 0, 255], [255, 0, 0], [0, 0, 255]], [0, 1, 2])
    with pytest.raises(DataError, match="must stand for one value"):
        ColourBar([[0, 0, 255], [0, 0, 255]], [0, 1])


def test_a_white_background_can_be_named():
    bar = ColourBar([[255, 255, 255], [255, 0, 0]], [0, 1])
    picture = np.array([[[255, 255, 255], [255, 0, 0]]], np.uint8)

    values, _ = invert_colours(picture, bar, background=(255, 255, 255))

    np.testing.assert_array_equal(values, [[np.nan, 1]])


def test_the_residual_is_reported_for_coloured_pixels_only():
    picture = np.zeros((2, 100, 3), np.uint8)
    picture[0] = JET.colours[50:150]
    picture[0, :10] = (255, 0, 255)  # magenta: far from any colour of jet

    values, residual = invert_colours(picture, JET)
    report = report_residual(picture, residual)

    assert report.n_pixels == 100
    assert report.median == pytest.approx(0, abs=1e-5)
    assert report.share_above == pytest.approx(0.1)
    assert report.percentile_95 > 30
    assert np.isnan(values[0, :10]).all()
    assert np.isfinite(values[0, 10:]).all()
    assert report_residual(picture[1:], residual[1:]).n_pixels == 0


def _screenshot(rng, bar, at, *, vertical=True):
    """Grey anatomy, a coloured round map, white text, and a framed bar."""
    picture = np.zeros((300, 400, 3), np.uint8)
    y, x = np.mgrid[:300, :400]
    skull = (x - 180) ** 2 + (y - 150) ** 2 < 120**2
    picture[skull] = rng.integers(60, 90, (int(skull.sum()), 1))
    brain = (x - 180) ** 2 + (y - 150) ** 2 < 90**2
    smooth = 0.5 + 0.4 * np.sin(x / 25) * np.cos(y / 30)
    smooth += rng.normal(0, 0.02, smooth.shape)
    picture[brain] = bar[(smooth[brain].clip(0, 1) * (len(bar) - 1)).astype(int)]
    picture[5:12, 5:40:2] = 255
    top, left = at
    strip = np.repeat(bar[::-1, None], 14, axis=1)
    strip = strip if vertical else np.repeat(bar[None], 14, axis=0)
    h, w = strip.shape[:2]
    picture[top - 1 : top + h + 1, left - 1 : left + w + 1] = 255
    picture[top : top + h, left : left + w] = strip
    return picture, BarBox(top, top + h, left, left + w)


@pytest.mark.parametrize("name", ["jet", "turbo", "rainbow"])
@pytest.mark.parametrize("length", [80, 200])
def test_the_bar_of_a_screenshot_is_found(rng, name, length):
    upright, upright_box = _screenshot(rng, _palette(name, length), (40, 360))
    lying, lying_box = _screenshot(
        rng, _palette(name, length), (280, 60), vertical=False
    )

    assert find_colour_bar(upright) == upright_box
    assert find_colour_bar(lying) == lying_box
    assert upright_box.is_vertical
    assert not lying_box.is_vertical


@pytest.mark.parametrize("vertical", [True, False])
def test_a_screenshot_gives_its_values(rng, vertical):
    place = (40, 360) if vertical else (280, 60)
    picture, box = _screenshot(rng, _palette("jet", 200), place, vertical=vertical)
    bar = ColourBar.from_picture(picture, find_colour_bar(picture), 0, 12)

    values, residual = invert_colours(picture, bar)

    y, x = np.mgrid[:300, :400]
    brain = (x - 180) ** 2 + (y - 150) ** 2 < 85**2
    smooth = 0.5 + 0.4 * np.sin(x / 25) * np.cos(y / 30)
    error = values[brain] / 12 - smooth[brain]
    assert np.isfinite(error).all()
    assert np.abs(error).mean() < 0.02  # the noise that was drawn
    assert abs(np.median(error)) < 0.005
    assert np.isnan(values[:, :50][20:270]).all()
    assert report_residual(picture, residual).share_above == 0
    assert box.bottom - box.top in (14, 200)


def test_no_bar_and_several_bars_are_refused(rng):
    picture, _ = _screenshot(rng, _palette("jet", 120), (40, 360))
    without = picture.copy()
    without[:, 350:] = 0
    twice = picture.copy()
    twice[165:285, 360:374] = picture[40:160, 360:374]

    with pytest.raises(DataError, match="must have one colour bar, found 0"):
        find_colour_bar(without)
    with pytest.raises(DataError, match="must have one colour bar, found 2"):
        find_colour_bar(twice)
    assert len(find_colour_bars(twice)) == 2


def test_a_table_is_read_in_any_order_of_lines(tmp_path):
    path = tmp_path / "bar.csv"
    path.write_text("value,red,green,blue\n2,255,0,0\n0,0,0,255\n1,0,255,0\n")

    bar = ColourBar.from_table(path)

    assert bar.values.tolist() == [0, 1, 2]
    assert bar.colours.tolist() == [[0, 0, 255], [0, 255, 0], [255, 0, 0]]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("red,green,blue\n1,2,3\n", "must be a table"),
        ("red,green,blue,value\n1,2,x,4\n", "must be a table"),
        ("red,green,blue,value\n", "must be a table"),
        ("red,green,blue,value\n1,2,3,4\n", r"must be \(n, 3\)"),
        ("red,green,blue,value\n1,2,3,4\n5,6,7,4\n", "must rise"),
        ("red,green,blue,value\n1,2,3,4\n5,6,700,5\n", "within 0 and 255"),
    ],
)
def test_a_bad_table_is_refused_by_name(tmp_path, text, reason):
    path = tmp_path / "bar.csv"
    path.write_text(text)

    with pytest.raises(DataError, match=rf"bar\.csv: .*{reason}"):
        ColourBar.from_table(path)
