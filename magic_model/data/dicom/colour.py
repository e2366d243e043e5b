"""Coloured DICOM pictures: their colour bar, and physical values by inverting it."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydicom.pixels.processing import apply_color_lut

from magic_model.data.dicom import files
from magic_model.data.volume import FloatArray
from magic_model.errors import DataError

_COLOURED = 40  # least difference between the channels of a colour
_SAME = 4  # largest difference of a channel across the bar
_SMOOTH = 40  # largest step of a channel along the bar
_SHORTEST = 32  # pixels along
_NARROWEST = 3  # pixels across
_ELONGATED = 4  # length over width
_MANY_COLOURED = 300.0  # way through RGB from end to end; blue to red is 360


@dataclass(frozen=True)
class BarBox:
    """Rows `top` to `bottom` and columns `left` to `right`, the latter excluded."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def is_vertical(self) -> bool:
        """Return whether the colours run up and down."""
        return self.bottom - self.top > self.right - self.left


def find_colour_bar(rgb: NDArray[np.uint8]) -> BarBox:
    """Find the one colour bar of a picture, `(h, w, 3)`.

    A bar is a long upright or lying strip, of constant colour across, whose colour runs
    smoothly through many colours along it. Ends without colour (black, grey, white)
    cannot be told from what surrounds them and are left out: give a table instead.

    Raises:
        DataError: If there is none, or several and it is not clear which one counts.
    """
    boxes = find_colour_bars(rgb)
    if len(boxes) != 1:
        msg = f"A picture must have one colour bar, found {len(boxes)}: {boxes}"
        raise DataError(msg)
    return boxes[0]


def find_colour_bars(rgb: NDArray[np.uint8]) -> list[BarBox]:
    """Find all colour bars of a picture, from top to bottom, then left to right."""
    upright = _find_vertical(rgb)
    lying = _find_vertical(rgb.transpose(1, 0, 2))
    boxes = [*upright, *(BarBox(b.left, b.right, b.top, b.bottom) for b in lying)]
    return sorted(boxes, key=lambda box: (box.top, box.left))


RgbArray = NDArray[np.uint8]

_AMBIGUOUS = 0.1  # share of the bar; neighbours may well share a colour
_COLUMNS = ("red", "green", "blue", "value")


@dataclass(frozen=True, eq=False)
class ColourBar:
    """Colours of a scale, in order, and what they stand for.

    Attributes:
        colours: `(n, 3)` uint8, red, green, blue.
        values: `(n,)` rising, in the unit of the map.

    Raises:
        DataError: If there are fewer than two, the values do not rise, or one colour
            stands at places more than a tenth of the bar apart.
    """

    colours: RgbArray
    values: NDArray[np.float64]

    def __init__(self, colours: ArrayLike, values: ArrayLike) -> None:
        entries = np.asarray(colours)
        numbers = np.asarray(values, dtype=np.float64)
        if entries.shape != (len(numbers), 3) or len(numbers) < 2:
            msg = f"A colour bar must be (n, 3) with n values, got {entries.shape}"
            raise DataError(msg)
        if entries.min() < 0 or entries.max() > 255:
            msg = "Colours must lie within 0 and 255"
            raise DataError(msg)
        if not np.all(np.diff(numbers) > 0):
            msg = "Values of a colour bar must rise"
            raise DataError(msg)
        distinct, _, spread = _group_by_colour(entries, numbers)
        if len(distinct) < 2 or spread.max() > _AMBIGUOUS * np.ptp(numbers):
            msg = "Each colour of a bar must stand for one value"
            raise DataError(msg)
        object.__setattr__(self, "colours", entries.astype(np.uint8))
        object.__setattr__(self, "values", numbers)

    @classmethod
    def from_table(cls, path: Path) -> Self:
        """Read a CSV table with columns red, green, blue, value.

        Raises:
            DataError: If it is missing or a line is not understood.
        """
        try:
            with path.open(newline="", encoding="utf-8-sig") as file:
                rows = list(csv.DictReader(file))
            table = [[float(row[name]) for name in _COLUMNS] for row in rows]
            entries = np.array(sorted(table, key=lambda row: row[3]))
            return cls(entries[:, :3], entries[:, 3])
        except (OSError, KeyError, TypeError, ValueError, IndexError) as error:
            msg = f"{path}: must be a table of red, green, blue, value ({error})"
            raise DataError(msg) from error
        except DataError as error:
            msg = f"{path}: {error}"
            raise DataError(msg) from error

    @classmethod
    def from_picture(cls, rgb: RgbArray, box: BarBox, low: float, high: float) -> Self:
        """Take the bar that stands in a picture, low at its lower or left end.

        Args:
            rgb: `(h, w, 3)`.
            box: Where the bar is, as `find_colour_bar` tells.
            low: Value at the lower or left edge.
            high: Value at the upper or right edge.

        Raises:
            DataError: If `low` is not below `high`.
        """
        strip = rgb[box.top : box.bottom, box.left : box.right]
        along = np.median(strip, axis=1 if box.is_vertical else 0)
        colours = along[::-1] if box.is_vertical else along
        centres = (np.arange(len(colours)) + 0.5) / len(colours)
        return cls(colours, low + (high - low) * centres)


def read_picture(path: Path) -> NDArray[np.uint8]:
    """Read a colour picture of one frame as RGB, `(height, width, 3)`.

    Raises:
        DataError: If it cannot be read, is grey, or is not one frame of 8 bits.
    """
    dataset = files.read_dataset(path)
    if dataset.get("PhotometricInterpretation", None) == "PALETTE COLOR":
        wide = apply_color_lut(files.decode_frames(dataset, path)[0], dataset)
        bits = int(dataset.RedPaletteColorLookupTableDescriptor[2])
        return np.asarray(wide >> (bits - 8), dtype=np.uint8)
    if not files.is_colour(dataset):
        msg = f"{path}: must be a colour picture, is grey"
        raise DataError(msg)
    pixels = files.decode_frames(dataset, path)
    if len(pixels) != 1 or pixels.dtype != np.uint8:
        msg = f"{path}: must be one frame of 8 bits, got {len(pixels)} {pixels.dtype}"
        raise DataError(msg)
    picture: NDArray[np.uint8] = pixels[0].astype(np.uint8)
    return picture


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


def _find_vertical(rgb: NDArray[np.uint8]) -> list[BarBox]:
    from scipy import ndimage

    picture = rgb.astype(np.int16)
    coloured = np.ptp(picture, axis=2) >= _COLOURED
    same = np.abs(np.diff(picture, axis=1)).max(axis=2) <= _SAME
    joined = same & coloured[:, 1:] & coloured[:, :-1]
    constant = np.pad(joined, ((0, 0), (0, 1))) | np.pad(joined, ((0, 0), (1, 0)))
    labels, _ = ndimage.label(constant)
    boxes = [
        BarBox(rows.start, rows.stop, columns.start, columns.stop)
        for rows, columns in ndimage.find_objects(labels)
    ]
    return [box for box in boxes if _is_bar(picture, box)]


def _is_bar(picture: NDArray[np.int16], box: BarBox) -> bool:
    height, width = box.bottom - box.top, box.right - box.left
    if width < _NARROWEST or height < max(_SHORTEST, _ELONGATED * width):
        return False
    strip = picture[box.top : box.bottom, box.left : box.right]
    across = np.ptp(strip, axis=1).max(axis=1)
    steps = np.diff(np.median(strip, axis=1), axis=0)
    way = float(np.linalg.norm(steps, axis=1).sum())
    is_constant = float(np.mean(across <= 2 * _SAME)) > 0.98
    return is_constant and bool(
        np.abs(steps).max() <= _SMOOTH and way >= _MANY_COLOURED
    )


def _group_by_colour(
    colours: NDArray[np.number], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return each colour once, in order, with the middle and the spread of its values.

    Args:
        colours: `(n, 3)`.
        values: `(n,)`.
    """
    distinct, where = np.unique(colours, axis=0, return_inverse=True)
    low, high = np.full(len(distinct), np.inf), np.full(len(distinct), -np.inf)
    np.minimum.at(low, where.ravel(), values)
    np.maximum.at(high, where.ravel(), values)
    order = np.argsort(low + high, kind="stable")
    middle, spread = (low + high)[order] / 2, (high - low)[order]
    return distinct[order].astype(np.float64), middle, spread


def _is_grey(rgb: RgbArray) -> NDArray[np.bool_]:
    grey: NDArray[np.bool_] = np.ptp(rgb.astype(np.int16), axis=-1) <= _GREY
    return grey


def _nearest_on_bar(
    colours: NDArray[np.float64], bar: ColourBar
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    from scipy.spatial import KDTree

    entries, numbers, _ = _group_by_colour(bar.colours, bar.values)
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
