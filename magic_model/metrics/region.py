"""The brain's bounding box (paper 2.2.1)."""

import numpy as np
from numpy.typing import ArrayLike


def bounding_box(mask: ArrayLike) -> tuple[slice, slice]:
    """Give rows and columns of the smallest box around a mask.

    "A bounding box was applied to the brain region [...] to ensure that results would
    not be skewed by the background" (paper 2.2.1).

    Args:
        mask: `(rows, columns)`.

    Raises:
        ValueError: If the mask is empty.

    Examples:
        >>> bounding_box([[0, 0, 0], [0, 1, 0], [0, 0, 0]])
        (slice(1, 2, None), slice(1, 2, None))
    """
    inside = np.asarray(mask, dtype=np.bool_)
    if not inside.any():
        msg = "A mask must hold at least one pixel, got none"
        raise ValueError(msg)
    rows, columns = (np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
    return (
        slice(int(rows[0]), int(rows[-1]) + 1),
        slice(int(columns[0]), int(columns[-1]) + 1),
    )
