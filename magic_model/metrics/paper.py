"""The two figures that the paper's public evaluation code gives, for comparison only.

Both take the whole frame, so that the black background counts as agreement, and an
all-black image scores about 0.7. In the index, means of a window stand where its
formula needs sums: covariance and variances are then close to 64 times the mean
product and mean squares, and structure hardly counts. Independent noise scores 0.96
where the index is 0. `magic_model.metrics.ssim` and `uqi` are the measures themselves.
"""

import numpy as np
from numpy.typing import ArrayLike

from magic_model.metrics.structure import structure_of
from magic_model.metrics.windows import (
    BLOCK,
    Array,
    LocalMeans,
    block_means,
    gaussian_means,
)


def ssim_paper(measured: ArrayLike, generated: ArrayLike) -> float:
    """SSIM of the whole frame with the largest generated value as data range.

    Where the generated image is black, its limit for a small range is given.

    Args:
        measured: `(rows, columns)`, 0 or more, background 0.
        generated: The same shape.

    Raises:
        ValueError: If shapes differ, an image is below 11 x 11 pixels or not finite.
    """
    means = gaussian_means(measured, generated)
    return float(structure_of(means, float(np.max(generated))).mean())


def uqi_paper(x: ArrayLike, y: ArrayLike) -> float:
    """Quality index of the whole frame by the arithmetic of `sewar.uqi`.

    Args:
        x: `(rows, columns)`.
        y: The same shape.

    Raises:
        ValueError: If shapes differ, an image is below 9 x 9 pixels or not finite.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> x, y = rng.uniform(100, 200, (2, 64, 64))
        >>> round(uqi_paper(x, y), 2)
        0.96
    """
    if min(np.shape(x), default=0) == BLOCK:
        msg = f"Images must be {BLOCK + 1} x {BLOCK + 1} pixels or larger, got {BLOCK}"
        raise ValueError(msg)
    return float(paper_index_of(block_means(x, y)).mean())


def paper_index_of(means: LocalMeans) -> Array:
    """Index of each window from its means, the last of each side left out.

    Both 0/0 rules are those of that package: flat windows are judged by luminance,
    black ones are equal.
    """
    # One window fewer each way: it cuts four pixels off every side of an even window.
    x, y, xx, yy, xy = (
        image[:-1, :-1] for image in (means.x, means.y, means.xx, means.yy, means.xy)
    )
    n = BLOCK**2
    product, squares = x * y, x * x + y * y
    whole = (n * (xx + yy) - squares) * squares
    index = _divided(4 * (n * xy - product) * product, whole)
    return np.where(whole != 0, index, _divided(2 * product, squares))


def _divided(above: Array, below: Array) -> Array:
    return np.divide(above, below, out=np.ones_like(below), where=below != 0)
