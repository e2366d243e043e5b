"""Means of two images and of their products over sliding windows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

Array = NDArray[np.float64]

GAUSSIAN_SIGMA = 1.5
GAUSSIAN_RADIUS = 5
"""Of the 11 x 11 window of Wang et al. 2004."""

BLOCK = 8
"""Side of the window of Wang and Bovik 2002."""

_FLAT = 1e-12
"""Variance below this share of the mean square is rounding."""


@dataclass(frozen=True, eq=False)
class LocalMeans:
    """Means over each window that lies wholly in the image.

    Attributes:
        x: `(rows, columns)` mean of the first image.
        y: Of the second.
        xx: Of the square of the first.
        yy: Of the square of the second.
        xy: Of their product.
    """

    x: Array
    y: Array
    xx: Array
    yy: Array
    xy: Array

    @property
    def covariance(self) -> Array:
        """Population covariance of both images."""
        return self.xy - self.x * self.y

    @property
    def total_variance(self) -> Array:
        """Sum of both population variances; exactly 0 where both are flat."""
        return _variance(self.x, self.xx) + _variance(self.y, self.yy)


def _variance(mean: Array, mean_square: Array) -> Array:
    variance = mean_square - mean * mean
    return np.where(variance > _FLAT * mean_square, variance, 0.0)


def gaussian_means(x: ArrayLike, y: ArrayLike) -> LocalMeans:
    """Weight an 11 x 11 window by a Gaussian of 1.5 pixels.

    Raises:
        ValueError: If the images differ in shape, are too small, or not finite.
    """
    a, b = image_pair(x, y, 2 * GAUSSIAN_RADIUS + 1)
    fitting = (slice(GAUSSIAN_RADIUS, -GAUSSIAN_RADIUS),) * 2

    def mean(image: Array) -> Array:
        smooth: Array = ndimage.gaussian_filter(
            image, GAUSSIAN_SIGMA, radius=GAUSSIAN_RADIUS
        )
        return smooth[fitting]

    return LocalMeans(mean(a), mean(b), mean(a * a), mean(b * b), mean(a * b))


def block_means(x: ArrayLike, y: ArrayLike) -> LocalMeans:
    """Average over 8 x 8 windows of equal weight.

    Raises:
        ValueError: If the images differ in shape, are too small, or not finite.
    """
    a, b = image_pair(x, y, BLOCK)
    return LocalMeans(
        _block_mean(a),
        _block_mean(b),
        _block_mean(a * a),
        _block_mean(b * b),
        _block_mean(a * b),
    )


def _block_mean(image: Array) -> Array:
    # Sums of 2, 4 and 8 neighbours: exact on flat windows, as a running sum is not.
    for step in (1, 2, 4):
        image = image[:-step] + image[step:]
        image = image[:, :-step] + image[:, step:]
    return image / BLOCK**2


def image_pair(x: ArrayLike, y: ArrayLike, side: int) -> tuple[Array, Array]:
    """Give two images of one shape, `(rows, columns)`, in double precision.

    Raises:
        ValueError: If the images differ in shape, are too small, or not finite.
    """
    a, b = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if a.shape != b.shape or a.ndim != 2:
        msg = f"Images must be two-dimensional and alike, got {a.shape} and {b.shape}"
        raise ValueError(msg)
    if min(a.shape) < side:
        msg = f"Images must be {side} x {side} pixels or larger, got {a.shape}"
        raise ValueError(msg)
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        msg = "Images must be finite, got NaN or infinite values"
        raise ValueError(msg)
    return a, b


def mean_over(
    quality: Array, shape: tuple[int, ...], before: int, mask: ArrayLike | None
) -> float:
    """Average over windows, or over those whose middle is in a mask.

    Args:
        quality: `(rows, columns)`, one value per window.
        shape: Of the image.
        before: Pixels of a window above and left of its middle.
        mask: `(rows, columns)` of the image.

    Raises:
        ValueError: If the mask has another shape or holds no middle of a window.
    """
    if mask is None:
        return float(quality.mean())
    inside = np.asarray(mask, dtype=np.bool_)
    if inside.shape != shape:
        msg = f"A mask must have the shape of the images {shape}, got {inside.shape}"
        raise ValueError(msg)
    rows, columns = quality.shape
    chosen = quality[inside[before : before + rows, before : before + columns]]
    if not chosen.size:
        msg = "A mask must hold the middle of at least one window, got none"
        raise ValueError(msg)
    return float(chosen.mean())
