"""The parts that figures share: panels of pixels, letters on them, colour bar."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize

from magic_model.colours import PERFUSION_COLOURS, RgbArray
from magic_model.maps import MAP_SPECS, PerfusionMap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LETTERS = {
    "left": (0.03, 0.5, "left", "center"),
    "right": (0.97, 0.5, "right", "center"),
    "top": (0.5, 0.97, "center", "top"),
    "bottom": (0.5, 0.03, "center", "bottom"),
}


def show_pixels(
    ax: "Axes", pixels: RgbArray, size_mm: tuple[float, float] | None = None
) -> None:
    """Show red, green and blue as they are, without smoothing.

    Args:
        ax: Where.
        pixels: `(row, column, 3)`.
        size_mm: Height and width of the picture; its pixels are square if left out.
    """
    height, width = size_mm or pixels.shape[:2]
    # Whole pixels only: interpolated colours would stand for other values.
    ax.imshow(pixels, interpolation="nearest", extent=(0, width, height, 0))
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set_visible(False)


def letter_sides(ax: "Axes", sides: Mapping[str, str]) -> None:
    """Write which side of the patient is where.

    Args:
        ax: A panel.
        sides: Letter by "left", "right", "top" and "bottom".
    """
    for side, letter in sides.items():
        x, y, across, along = _LETTERS[side]
        ax.text(
            x,
            y,
            letter,
            transform=ax.transAxes,
            ha=across,
            va=along,
            color="0.85",
            fontsize=8,
        )


def add_colour_bar(
    figure: "Figure", bar: "Axes", kind: PerfusionMap, *, lying: bool = False
) -> None:
    """Draw the scale of a map, the one of the montages, upright or lying."""
    spec = MAP_SPECS[kind]
    low, high = spec.value_range
    scale = ScalarMappable(
        Normalize(low, high), ListedColormap(PERFUSION_COLOURS / np.float64(255))
    )
    middle = (low + high) / 2
    colours = figure.colorbar(
        scale,
        cax=bar,
        ticks=[low, middle, high],
        orientation="horizontal" if lying else "vertical",
    )
    colours.set_label(f"{spec.title} [{spec.unit}]", fontsize=8)
    colours.ax.tick_params(labelsize=8, length=2)
