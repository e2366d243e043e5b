"""Figure 5 of the paper: a map at several perfusion information ratios."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from magic_model.colours import colour_map, grey_ncct
from magic_model.data.grid import BoolArray
from magic_model.data.volume import FloatArray
from magic_model.figures.panels import add_colour_bar, letter_sides, show_pixels
from magic_model.maps import PerfusionMap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.gridspec import GridSpec

TRAINED = 1.0
"""The ratio that leaves the trained output as it is."""

_INCHES = 1.5  # width of a panel
_MARGIN = 10  # pixels around the mask: room for the letters


def pilo_figure(
    ncct: FloatArray,
    maps_by_ratio: Mapping[float, FloatArray],
    kind: PerfusionMap,
    mask: BoolArray,
) -> "Figure":
    """Draw the NCCT, then the map with rising ratio from left to right.

    Args:
        ncct: `(h, w)` HU in radiological display.
        maps_by_ratio: `(h, w)` each, in the unit of the map.
        kind: Which map it is.
        mask: `(h, w)`, where pixels are shown; the figure is cut to it.

    Raises:
        ValueError: If there is no map, the mask is empty, or shapes differ.
    """
    _require_same_shape(ncct, maps_by_ratio, mask)
    box = _box(mask)
    shown = mask[box][..., np.newaxis]
    pictures = {"NCCT": grey_ncct(ncct[box])}
    for ratio in sorted(maps_by_ratio):
        pictures[_title(ratio)] = colour_map(maps_by_ratio[ratio][box], kind)
    figure, grid = _lay_out(len(pictures), shown.shape[0] / shown.shape[1])
    for column, (title, picture) in enumerate(pictures.items()):
        ax = figure.add_subplot(grid[0, column])
        show_pixels(ax, np.where(shown, picture, np.uint8(0)))
        ax.set_title(title, fontsize=9, pad=4)
    panels = figure.axes
    letter_sides(panels[0], {"left": "R", "right": "L"})
    _draw_arrow(figure, panels[1], panels[-1])
    add_colour_bar(figure, figure.add_subplot(grid[0, len(pictures)]), kind)
    return figure


def _require_same_shape(
    ncct: FloatArray, maps_by_ratio: Mapping[float, FloatArray], mask: BoolArray
) -> None:
    if not maps_by_ratio:
        msg = "A map at one ratio or more must be given, got none"
        raise ValueError(msg)
    shapes = {array.shape for array in (ncct, mask, *maps_by_ratio.values())}
    if len(shapes) > 1 or mask.ndim != 2:
        msg = f"NCCT, maps and mask must be images of one shape, got {sorted(shapes)}"
        raise ValueError(msg)
    if not mask.any():
        msg = "The mask must hold a pixel, got none"
        raise ValueError(msg)


def _box(mask: BoolArray) -> tuple[slice, slice]:
    """Cut to what is shown, with a margin."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return (
        slice(max(0, rows[0] - _MARGIN), rows[-1] + _MARGIN + 1),
        slice(max(0, columns[0] - _MARGIN), columns[-1] + _MARGIN + 1),
    )


def _title(ratio: float) -> str:
    return f"{ratio:g}" + (" (as trained)" if ratio == TRAINED else "")


def _lay_out(count: int, height: float) -> "tuple[Figure, GridSpec]":
    """Make room for panels `height` times as high as wide, and for the colour bar."""
    from matplotlib.figure import Figure

    wide, high = _INCHES * (1.04 * count + 0.06) + 0.7, _INCHES * height + 0.75
    figure = Figure(figsize=(wide, high))
    grid = figure.add_gridspec(
        1,
        count + 1,
        width_ratios=[*[1.0] * count, 0.06],
        left=0.05 / wide,
        right=1 - 0.65 / wide,
        bottom=0.47 / high,
        top=1 - 0.28 / high,
        wspace=0.04,
    )
    return figure, grid


def _draw_arrow(figure: "Figure", first: "Axes", last: "Axes") -> None:
    """Say under the maps which way the ratio goes."""
    from matplotlib.patches import FancyArrowPatch

    left, right = first.get_position().x0, last.get_position().x1
    at = first.get_position().y0 - 0.12 / figure.get_figheight()
    figure.add_artist(
        FancyArrowPatch(
            (left, at),
            (right, at),
            arrowstyle="<|-|>",
            mutation_scale=10,
            color="0.2",
            shrinkA=0,
            shrinkB=0,
        )
    )
    below = at - 0.08 / figure.get_figheight()
    figure.text(left, below, "more anatomy", fontsize=8, ha="left", va="top")
    figure.text(right, below, "more perfusion", fontsize=8, ha="right", va="top")
    middle = (left + right) / 2
    text = "perfusion information ratio"
    figure.text(middle, below, text, fontsize=8, ha="center", va="top")
