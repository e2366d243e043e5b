"""Draw the montage of a patient; nothing but the maps depends on the method."""

from collections.abc import Mapping

import numpy as np

from magic_model.colours import RgbArray, colour_map, grey_ncct
from magic_model.data.slices import SliceStack
from magic_model.data.volume import FloatArray
from magic_model.maps import PerfusionMap
from magic_model.montage.header import draw_header
from magic_model.montage.layout import MontageLayout

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
    columns += [colour_map(maps[name], name) for name in layout.maps]
    shown = stack.mask[..., np.newaxis]
    for column, panels in enumerate(columns):
        for row, panel in enumerate(np.where(shown, panels, np.uint8(0))):
            top, left = layout.corner(row, column)
            canvas[top : top + layout.panel, left : left + layout.panel] = panel
    return canvas


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
