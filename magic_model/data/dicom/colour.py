"""Physical values from a coloured picture by inverting its colour bar."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from magic_model.data.dicom.colour_bar import ColourBar, RgbArray, group_by_colour
from magic_model.data.dicom.colour_bar_search import find_colour_bar
from magic_model.data.volume import FloatArray

__all__ = [
    "ColourBar",
    "ResidualReport",
    "find_colour_bar",
    "invert_colours",
    "report_residual",
]

OFF_BAR = 30.0
"""Distance in RGB (of 441 in all) beyond which a colour is not on the bar."""

_GREY = 6  # largest difference between the channels of grey
_GREY_OFF_BAR = 2.0  # a grey must be met almost exactly: most are anatomy or text


@dataclass(frozen=True)
class ResidualReport:
    """How well the colours of a picture lie on the bar.

    Attributes:
        n_pixels: Coloured pixels, neither grey nor background.
        median: Of their distance to the bar in RGB.
        percentile_95: Of the same.
        share_above: Of them farther away than the bound.
        bound: In RGB.
    """

    n_pixels: int
    median: float
    percentile_95: float
    share_above: float
    bound: float


def invert_colours(
    rgb: RgbArray,
    bar: ColourBar,
    *,
    background: tuple[int, int, int] = (0, 0, 0),
    bound: float = OFF_BAR,
) -> tuple[FloatArray, FloatArray]:
    """Find for each pixel the value whose colour comes nearest.

    The bar is a chain of straight lines in RGB from entry to entry: the nearest entry
    is found by a k-d tree, then the nearest point on the lines to its neighbours. A
    colour that several neighbouring entries share gives the middle of their values.

    Args:
        rgb: `(h, w, 3)`.
        bar: The scale.
        background: Colour of what is no measurement.
        bound: Distance in RGB beyond which a pixel is not on the bar.

    Returns:
        Values, NaN off the bar (background, grey anatomy and text, foreign colours),
        and distance to the bar in RGB; both `(h, w)`.
    """
    # Pictures have few colours among many pixels: each is looked up once.
    flat = rgb.reshape(-1, 3)
    colours, where = np.unique(flat, axis=0, return_inverse=True)
    values, residual = _nearest_on_bar(colours.astype(np.float64), bar)
    limit = np.where(_is_grey(colours), min(_GREY_OFF_BAR, bound), bound)
    is_off = (residual > limit) | np.all(colours == background, axis=1)
    values[is_off] = np.nan
    shape = rgb.shape[:2]
    indices = where.reshape(shape)
    return values[indices].astype(np.float32), residual[indices].astype(np.float32)


def report_residual(
    rgb: RgbArray, residual: FloatArray, *, bound: float = OFF_BAR
) -> ResidualReport:
    """Sum up the residual of the coloured pixels; NaN where there are none."""
    coloured = residual[~_is_grey(rgb)]
    if coloured.size == 0:
        return ResidualReport(0, np.nan, np.nan, np.nan, bound)
    return ResidualReport(
        n_pixels=int(coloured.size),
        median=float(np.median(coloured)),
        percentile_95=float(np.percentile(coloured, 95)),
        share_above=float(np.mean(coloured > bound)),
        bound=bound,
    )


def _is_grey(rgb: RgbArray) -> NDArray[np.bool_]:
    grey: NDArray[np.bool_] = np.ptp(rgb.astype(np.int16), axis=-1) <= _GREY
    return grey


def _nearest_on_bar(
    colours: NDArray[np.float64], bar: ColourBar
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    from scipy.spatial import KDTree

    entries, numbers, _ = group_by_colour(bar.colours, bar.values)
    nearest = KDTree(entries).query(colours)[1]
    values = np.empty(len(colours))
    residual = np.full(len(colours), np.inf)
    for start in (nearest - 1, nearest):
        i = np.clip(start, 0, len(entries) - 2)
        line = entries[i + 1] - entries[i]
        along = ((colours - entries[i]) * line).sum(axis=1) / (line**2).sum(axis=1)
        share = np.clip(along, 0, 1)
        distance = np.linalg.norm(colours - entries[i] - share[:, None] * line, axis=1)
        is_nearer = distance < residual
        value = numbers[i] + share * (numbers[i + 1] - numbers[i])
        values[is_nearer] = value[is_nearer]
        residual[is_nearer] = distance[is_nearer]
    return values, residual
