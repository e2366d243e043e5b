import numpy as np

from magic_model.data.volume import Kind
from magic_model.maps import PAPER_MAPS
from magic_model.phantom.lesion import Side
from magic_model.phantom.picture import montage


def test_a_montage_has_a_column_per_image_and_bars_with_units(severe):
    figure = montage(severe.images, [7, 4])
    panels, bars = figure.axes[:10], figure.axes[10:]
    assert len(bars) == 1 + len(PAPER_MAPS)
    assert [bar.get_xlabel() for bar in bars] == [
        "NCCT [HU]", "CBF [mL/100g/min]", "CBV [mL/100g]", "MTT [s]", "TTP [s]",
    ]  # fmt: skip
    assert panels[0].images[0].get_clim() == (0, 80)
    assert panels[1].images[0].get_clim() == (0, 60)


def test_the_right_of_the_patient_is_on_the_left(severe):
    plane = int(severe.images[Kind.CORE_MASK].array.sum(axis=(0, 1)).argmax())
    mtt = np.asarray(montage(severe.images, [plane]).axes[3].images[0].get_array())
    columns = np.nonzero(mtt > 8)[1]
    middle = mtt.shape[1] / 2
    on_the_left = columns.mean() < middle
    assert on_the_left == (severe.lesion.site.side is Side.RIGHT)
