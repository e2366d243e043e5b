"""The colours of maps and NCCT: one scale for montages, figures and the app."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from magic_model.data.normalise import NCCT_WINDOW, Range
from magic_model.maps import MAP_SPECS, PerfusionMap

RgbArray = NDArray[np.uint8]

COLOUR_STOPS: tuple[tuple[float, tuple[int, int, int]], ...] = (
    (0.00, (0, 0, 0)),
    (0.13, (40, 0, 100)),
    (0.22, (20, 20, 200)),
    (0.30, (0, 110, 255)),
    (0.46, (0, 190, 225)),
    (0.57, (0, 195, 130)),
    (0.67, (70, 205, 20)),
    (0.74, (190, 225, 0)),
    (0.80, (255, 220, 0)),
    (0.89, (255, 150, 0)),
    (0.96, (250, 70, 0)),
    (1.00, (205, 0, 0)),
)
"""Share of the range, and the colour there in sRGB, linear in between.

Readers of commercial perfusion software know black, blue, green, yellow and red from
low to high, the same way for every map, so that long times are red. Stops lie as far
apart as their colours do in CIELAB: no step between neighbouring levels is more than
1.6 times the mean one (about twice with the same colours spaced evenly), and the scale
draws fewer borders that are not in the data. It cannot serve readers who do not tell
red from green.
"""

LEVELS = 256
"""Values are shown in so many steps of equal width, and NCCT in as many greys."""


def _table() -> RgbArray:
    places, colours = zip(*COLOUR_STOPS, strict=True)
    at = np.linspace(0, 1, LEVELS)
    channels = [np.interp(at, places, c) for c in np.transpose(colours)]
    table: RgbArray = np.rint(np.stack(channels, axis=-1)).astype(np.uint8)
    table.setflags(write=False)
    return table


PERFUSION_COLOURS: RgbArray = _table()
"""`(256, 3)` from the low end of a map's range to the high one; all differ."""


def colour_map(values: ArrayLike, kind: PerfusionMap) -> RgbArray:
    """Colour a perfusion map by its range in `MAP_SPECS`.

    Args:
        values: In the unit of the map, of any shape. What is not finite becomes black,
            as 0 does.
        kind: Which map it is.

    Returns:
        Red, green and blue, `(*shape, 3)`.

    Examples:
        >>> colour_map([0.0, 60.0, 99.0], PerfusionMap.CBF).tolist()
        [[0, 0, 0], [205, 0, 0], [205, 0, 0]]
    """
    levels = levels_of(values, MAP_SPECS[kind].value_range)
    coloured: RgbArray = PERFUSION_COLOURS[levels]
    return coloured


def grey_ncct(ct: ArrayLike, window: Range = NCCT_WINDOW) -> RgbArray:
    """Show CT numbers in HU as greys, black up to the lower end of the window.

    Args:
        ct: Of any shape. What is not finite becomes black.
        window: CT numbers that become black and white, in HU.

    Returns:
        Red, green and blue, `(*shape, 3)`.

    Examples:
        >>> grey_ncct([-1000.0, 40.0, 80.0]).tolist()
        [[0, 0, 0], [128, 128, 128], [255, 255, 255]]
    """
    return np.repeat(levels_of(ct, window)[..., np.newaxis], 3, axis=-1)


def levels_of(values: ArrayLike, limits: Range) -> NDArray[np.uint8]:
    """Return the step of each value, from 0 to 255; 0 for what is not finite.

    Args:
        values: Of any shape.
        limits: Values that become 0 and 255.
    """
    low, high = limits
    array = np.asarray(values, dtype=np.float64)
    known = np.where(np.isfinite(array), array, low)
    share = np.clip((known - low) / (high - low), 0, 1)
    return np.rint(share * (LEVELS - 1)).astype(np.uint8)
