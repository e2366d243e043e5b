import io

import numpy as np
import pytest

from magic_model.colours import colour_map
from magic_model.data.volume import Kind, Volume
from magic_model.errors import DataError
from magic_model.figures.resolution_figure import resolution_figure, to_thick_slices
from magic_model.maps import PerfusionMap

SPACING = (2.0, 2.0, 1.0)


@pytest.fixture
def thin():
    """A block whose right, front and upper end is high."""
    array = np.zeros((60, 70, 96), dtype=np.float32)
    array[10:50, 10:60, 16:80] = 20
    array[45:50, 55:60, 72:80] = 60
    return Volume(array, np.diag([*SPACING, 1]), Kind.CBF)


@pytest.fixture
def figure(thin):
    # Through the high corner: right 96 mm, anterior 116 mm, superior 76 mm.
    return resolution_figure(to_thick_slices(thin), thin, through_mm=(96, 116, 76))


def pixels(ax):
    return np.asarray(ax.images[0].get_array())


def test_the_patients_right_and_front_are_on_the_left_and_above_is_above(figure):
    high = colour_map(60.0, PerfusionMap.CBF)
    for ax in figure.axes[:6]:
        rows, columns = np.nonzero((pixels(ax) == high).all(axis=-1))
        height, width = pixels(ax).shape[:2]
        assert rows.max() < height / 2
        assert columns.max() < width / 2


def test_letters_name_the_sides(figure):
    letters = [[text.get_text() for text in ax.texts] for ax in figure.axes[:3]]
    assert letters == [list("RLAP"), list("RLSI"), list("APSI")]
    assert [ax.get_title() for ax in figure.axes[:3]] == [
        "Axial", "Coronal", "Sagittal",
    ]  # fmt: skip
    assert [figure.axes[i].get_ylabel() for i in (0, 3)] == [
        "Measured, 8 mm, interpolated", "Generated, 1 mm",
    ]  # fmt: skip


def test_a_millimetre_is_as_long_in_every_panel(figure):
    figure.canvas.draw()
    scales = []
    for ax in figure.axes[:6]:
        box = ax.get_window_extent()
        (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
        scales += [box.width / abs(right - left), box.height / abs(top - bottom)]
        x0, x1, y1, y0 = ax.images[0].get_extent()
        height, width = pixels(ax).shape[:2]
        assert (x1 - x0) / width in SPACING
        assert (y1 - y0) / height in SPACING
    assert scales == pytest.approx([scales[0]] * 12, rel=0.02)


def test_rows_show_the_same_places(figure):
    for above, below in zip(figure.axes[:3], figure.axes[3:6], strict=True):
        assert pixels(above).shape == pixels(below).shape
        assert above.get_xlim() == below.get_xlim()


def test_the_bar_has_the_range_of_the_montage(figure):
    bar = figure.axes[6]
    assert bar.get_ylim() == (0, 60)
    assert bar.get_ylabel() == "CBF [mL/100g/min]"


def test_the_default_planes_meet_off_the_midline(thin):
    figure = resolution_figure(to_thick_slices(thin), thin)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=40)
    assert out.getvalue()
    assert all(pixels(ax).any() for ax in figure.axes[:6])


def test_what_cannot_be_compared_is_refused(thin):
    thick = to_thick_slices(thin)
    with pytest.raises(DataError, match=r"maps of one kind .* got cbf and mtt"):
        resolution_figure(thick, thin.with_array(thin.array, Kind.MTT))
    ncct = thin.with_array(thin.array, Kind.NCCT)
    with pytest.raises(DataError, match=r"maps of one kind .* got ncct and ncct"):
        resolution_figure(ncct, ncct)
    with pytest.raises(DataError, match="generated map must hold values"):
        resolution_figure(thick, thin.with_array(0 * thin.array))
    far = thick.affine.copy()
    far[0, 3] += 999
    with pytest.raises(DataError, match="measured map must hold values where"):
        resolution_figure(Volume(thick.array, far, Kind.CBF), thin)
    with pytest.raises(DataError, match=r"meet inside .* got \(0, 0, 500\) mm"):
        resolution_figure(thick, thin, through_mm=(0, 0, 500))
