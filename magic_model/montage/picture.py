"""The montage of a patient: layout, strip with colour bars, panels of NCCT and maps."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from numbers import Integral
from pathlib import Path

import numpy as np
from matplotlib import get_data_path
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw, ImageFont

from magic_model.colours import RgbArray, colour_map, grey_ncct
from magic_model.data.normalise import NCCT_WINDOW
from magic_model.data.slices import SliceStack
from magic_model.data.volume import FloatArray
from magic_model.errors import DataError, is_a
from magic_model.maps import MAP_SPECS, PerfusionMap

MONTAGE_MAPS = (
    PerfusionMap.CBV, PerfusionMap.CBF, PerfusionMap.MTT, PerfusionMap.TTP,
)  # fmt: skip
"""Columns after the NCCT, in the order of paper 2.4.2."""

DRAWN_SHARE = (0.08, 0.95)
"""Part of a map's range in which values are told apart by colour, as shares of it.

What lies below has the colour of the lower end, what lies above that of the upper one.
The output of a network is bounded and hardly reaches the ends of its range, measured
values often do: drawn to the ends, a count of colours, or of dark pixels, told every
generated montage. No value in the brain is as black as what lies around it.
"""

_PANELS = (96, 1024)  # titles are illegible below, and files huge above
_ROWS = (1, 40)


@dataclass(frozen=True, kw_only=True)
class MontageLayout:
    """Size of a montage; two of the same layout have the same canvas.

    Raises:
        DataError: If a panel or the number of rows is too small or too large.
    """

    rows: int = 10
    """Slices shown; a patient with fewer gets black rows at the bottom."""

    panel: int = 256
    """Pixels along each side of a panel."""

    maps: tuple[PerfusionMap, ...] = MONTAGE_MAPS
    """Columns after the NCCT, from left to right."""

    def __post_init__(self) -> None:
        for name, value, (least, most) in (
            ("A panel", self.panel, _PANELS),
            ("The number of slices", self.rows, _ROWS),
        ):
            if not (is_a(value, Integral) and least <= value <= most):
                msg = f"{name} must be between {least} and {most}, got {value}"
                raise DataError(msg)

    @property
    def header(self) -> int:
        """Pixels of the strip above the panels, with titles and colour bars."""
        return round(self.panel * 0.28)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the canvas."""
        return (
            self.header + self.rows * self.panel,
            (1 + len(self.maps)) * self.panel,
        )

    def corner(self, row: int, column: int) -> tuple[int, int]:
        """First pixel row and column of a panel."""
        return self.header + row * self.panel, column * self.panel


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


def colour_drawn(values: ArrayLike, kind: PerfusionMap) -> RgbArray:
    """Colour a map as montages do, by whatever method it is: ends as `DRAWN_SHARE`.

    Args:
        values: In the unit of the map, of any shape. What is not finite becomes black.
        kind: Which map it is.

    Returns:
        Red, green and blue, `(*shape, 3)`.

    Examples:
        >>> colour_drawn([0.0, 4.0, 58.0, 99.0], PerfusionMap.CBF).tolist()
        [[24, 0, 60], [24, 0, 60], [251, 83, 0], [251, 83, 0]]
    """
    return colour_map(clipped(values, kind), kind)


def clipped(values: ArrayLike, kind: PerfusionMap) -> NDArray[np.float64]:
    """Cut values off at the ends of `DRAWN_SHARE`; what is not finite becomes NaN.

    Args:
        values: In the unit of the map, of any shape.
        kind: Which map it is.
    """
    low, high = MAP_SPECS[kind].value_range
    first, last = (low + share * (high - low) for share in DRAWN_SHARE)
    array = np.asarray(values, dtype=np.float64)
    return np.where(np.isfinite(array), np.clip(array, first, last), np.nan)


_MIDDLE = 1  # of the NCCT below, at and above a slice


def draw_montage(
    stack: SliceStack,
    maps: Mapping[PerfusionMap, FloatArray],
    layout: MontageLayout,
) -> RgbArray:
    """Draw NCCT and maps, a row per slice from the skull base up.

    NCCT, mask and slices come from `stack` for either method. What lies outside the
    mask is black, as are rows without a slice and values that are not finite.

    Args:
        stack: Slices of the patient, as large as the panels.
        maps: `(n, panel, panel)` each, in its unit, on the slices of `stack`.
        layout: Size and columns.

    Returns:
        `(height, width, 3)` as `layout.size` says.

    Raises:
        ValueError: If there are more slices than rows, a map is missing, or shapes
            differ.
    """
    _require_fit(stack, maps, layout)
    canvas = np.zeros((*layout.size, 3), dtype=np.uint8)
    canvas[: layout.header] = draw_header(layout)
    columns = [grey_ncct(stack.ncct[:, _MIDDLE])]
    columns += [colour_drawn(maps[name], name) for name in layout.maps]
    shown = stack.mask[..., np.newaxis]
    for column, panels in enumerate(columns):
        for row, panel in enumerate(np.where(shown, panels, np.uint8(0))):
            top, left = layout.corner(row, column)
            canvas[top : top + layout.panel, left : left + layout.panel] = panel
    return canvas


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
        bars.append(colour_drawn(low + share * (high - low), name))
    for column, bar in enumerate(bars):
        left = column * panel + margin
        # A frame, so that the black end of the bar can be seen.
        strip[top - 1 : top + height + 1, left - 1 : left + len(bar) + 1] = _GREY
        strip[top : top + height, left : left + len(bar)] = bar


def _font(panel: int, share: float) -> ImageFont.FreeTypeFont:
    file = Path(get_data_path()) / "fonts/ttf/DejaVuSans.ttf"
    # The basic engine needs no shaping library, which not every machine has.
    return ImageFont.truetype(file, panel * share, layout_engine=ImageFont.Layout.BASIC)


def _require_fit(
    stack: SliceStack,
    maps: Mapping[PerfusionMap, FloatArray],
    layout: MontageLayout,
) -> None:
    slices, *sides = stack.mask.shape
    if slices > layout.rows or sides != [layout.panel, layout.panel]:
        msg = (
            f"Slices must fit {layout.rows} rows of {layout.panel} x {layout.panel} "
            f"pixels, got {stack.mask.shape}"
        )
        raise ValueError(msg)
    for name in layout.maps:
        if name not in maps:
            msg = f"Maps must include {name}, got {', '.join(maps) or 'none'}"
            raise ValueError(msg)
        if maps[name].shape != stack.mask.shape:
            msg = (
                f"{name} must be as large as the mask, {stack.mask.shape}, "
                f"got {maps[name].shape}"
            )
            raise ValueError(msg)
