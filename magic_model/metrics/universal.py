"""The universal image quality index (UQI) as its authors define it.

References:
    Wang Z, Bovik AC. IEEE Signal Process Lett 2002;9:81. doi:10.1109/97.995823
"""

import numpy as np
from numpy.typing import ArrayLike

from magic_model.metrics.windows import (
    BLOCK,
    Array,
    LocalMeans,
    block_means,
    mean_over,
)


def uqi(x: ArrayLike, y: ArrayLike, mask: ArrayLike | None = None) -> float:
    """Mean quality index over sliding 8 x 8 windows that lie in the image.

    The index of a window is its luminance term 2 mx my / (mx^2 + my^2) times its
    structure term 2 cov / (vx + vy). A term that is 0/0 is 1: two flat windows are
    judged by luminance alone, two black ones are equal. Against a flat window, any
    other has index 0.

    With a mask, the mean is taken over windows whose middle (the fifth of eight pixels
    each way) is in it.

    Args:
        x: `(rows, columns)`.
        y: The same shape.
        mask: `(rows, columns)` bool; every window if left out.

    Returns:
        1 for equal images, -1 at least for images that are nowhere negative.

    Raises:
        ValueError: If shapes differ, an image is below 8 x 8 pixels or not finite, or
            the mask holds no window.

    Examples:
        >>> image = np.arange(1.0, 65.0).reshape(8, 8)
        >>> uqi(image, image), round(uqi(image, 65 - image), 6)
        (1.0, -1.0)
    """
    return mean_over(uqi_map(x, y), np.shape(x), BLOCK // 2, mask)


def uqi_map(x: ArrayLike, y: ArrayLike) -> Array:
    """Quality index of each window, `(rows - 7, columns - 7)`.

    Raises:
        ValueError: As `uqi`.
    """
    return index_of(block_means(x, y))


def index_of(means: LocalMeans) -> Array:
    """Quality index of each window from its means."""
    luminance = _ratio(2 * means.x * means.y, means.x**2 + means.y**2)
    return luminance * _ratio(2 * means.covariance, means.total_variance)


def _ratio(above: Array, below: Array) -> Array:
    return np.divide(above, below, out=np.ones_like(below), where=below != 0)
