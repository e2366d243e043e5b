"""The strip above the panels: title, unit and colour bar of each column."""

from functools import cache
from pathlib import Path

import numpy as np
from matplotlib import get_data_path
from PIL import Image, ImageDraw, ImageFont

from magic_model.colours import RgbArray, colour_map, grey_ncct
from magic_model.data.normalise import NCCT_WINDOW
from magic_model.maps import MAP_SPECS
from magic_model.montage.layout import MontageLayout

_WHITE, _GREY = (235, 235, 235), (150, 150, 150)

# Places and sizes as shares of a panel.
_TITLE_AT, _BAR_AT, _TICKS_AT = 0.02, 0.135, 0.195
_BAR_HEIGHT, _BAR_MARGIN = 0.045, 0.11
_TITLE, _SMALL = 0.082, 0.062


@cache
def draw_header(layout: MontageLayout) -> RgbArray:
    """Draw the strip; R and L are the patient's sides in every column.

    Returns:
        `(layout.header, width, 3)`.
    """
    width = layout.size[1]
    picture = Image.new("RGB", (width, layout.header))
    draw = ImageDraw.Draw(picture)
    columns = [("NCCT", "HU", NCCT_WINDOW)] + [
        (spec.title, spec.unit, spec.value_range)
        for spec in (MAP_SPECS[name] for name in layout.maps)
    ]
    for column, (title, unit, limits) in enumerate(columns):
        left = column * layout.panel
        _write_title(draw, left, layout.panel, title, unit)
        _write_ticks(draw, left, layout.panel, limits)
    strip = np.array(picture)
    _paint_bars(strip, layout)
    strip.setflags(write=False)
    return strip


def _write_title(
    draw: ImageDraw.ImageDraw, left: int, panel: int, title: str, unit: str
) -> None:
    large, small = _font(panel, _TITLE), _font(panel, _SMALL)
    top, gap = panel * _TITLE_AT, panel * 0.03
    base = top + panel * _TITLE
    width = draw.textlength(title, large) + gap + draw.textlength(unit, small)
    start = left + (panel - width) / 2
    draw.text((start, base), title, _WHITE, large, anchor="ls")
    end = start + draw.textlength(title, large) + gap
    draw.text((end, base), unit, _GREY, small, anchor="ls")
    for side, at in (("R", 0.045), ("L", 0.955)):
        draw.text((left + at * panel, base), side, _GREY, small, anchor="ms")


def _write_ticks(
    draw: ImageDraw.ImageDraw, left: int, panel: int, limits: tuple[float, float]
) -> None:
    low, high = limits
    first, last = left + panel * _BAR_MARGIN, left + panel * (1 - _BAR_MARGIN)
    for share in (0.0, 0.5, 1.0):
        at = (first + share * (last - first), panel * _TICKS_AT)
        label = f"{low + share * (high - low):g}"
        draw.text(at, label, _WHITE, _font(panel, _SMALL), anchor="mt")


def _paint_bars(strip: RgbArray, layout: MontageLayout) -> None:
    panel = layout.panel
    top, height = round(panel * _BAR_AT), round(panel * _BAR_HEIGHT)
    margin = round(panel * _BAR_MARGIN)
    share = np.linspace(0, 1, panel - 2 * margin)
    low, high = NCCT_WINDOW
    bars = [grey_ncct(low + share * (high - low))]
    for name in layout.maps:
        low, high = MAP_SPECS[name].value_range
        bars.append(colour_map(low + share * (high - low), name))
    for column, bar in enumerate(bars):
        left = column * panel + margin
        # A frame, so that the black end of the bar can be seen.
        strip[top - 1 : top + height + 1, left - 1 : left + len(bar) + 1] = _GREY
        strip[top : top + height, left : left + len(bar)] = bar


def _font(panel: int, share: float) -> ImageFont.FreeTypeFont:
    file = Path(get_data_path()) / "fonts/ttf/DejaVuSans.ttf"
    # The basic engine needs no shaping library, which not every machine has.
    return ImageFont.truetype(file, panel * share, layout_engine=ImageFont.Layout.BASIC)
