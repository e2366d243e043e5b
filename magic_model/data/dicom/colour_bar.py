"""The colours of a scale and what they stand for."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from magic_model.data.dicom.colour_bar_search import BarBox
from magic_model.errors import DataError

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
        distinct, _, spread = group_by_colour(entries, numbers)
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


def group_by_colour(
    colours: NDArray[np.number], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Give each colour once, in order, with the middle and the spread of its values.

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
