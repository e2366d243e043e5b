"""Find the colour bar that stands in a picture."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
        """Tell whether the colours run up and down."""
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
