"""Structural similarity (SSIM) and the universal quality index (UQI) of two images.

`ssim` and `uqi` are the measures as their authors define them. `ssim_paper` and
`uqi_paper` are the two figures that the paper's public evaluation code gives, for
comparison only. Both take the whole frame, so that the black background counts as
agreement, and an all-black image scores about 0.7. In that index, means of a window
stand where its formula needs sums: covariance and variances are then close to 64 times
the mean product and mean squares, and structure hardly counts. Independent noise scores
0.96 where the index is 0.

References:
    Wang Z, Bovik AC, Sheikh HR, Simoncelli EP. IEEE Trans Image Process 2004;13:600.
    doi:10.1109/TIP.2003.819861
    Wang Z, Bovik AC. IEEE Signal Process Lett 2002;9:81. doi:10.1109/97.995823
"""

from dataclasses import dataclass
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from magic_model.errors import as_numbers, is_a

_Array = NDArray[np.float64]

_GAUSSIAN_SIGMA = 1.5
GAUSSIAN_RADIUS = 5
"""Of the 11 x 11 window of Wang et al. 2004."""

BLOCK = 8
"""Side of the window of Wang and Bovik 2002."""

_FLAT = 1e-12
"""Variance below this share of the mean square is rounding."""


@dataclass(frozen=True, eq=False)
class _LocalMeans:
    """Means over each window that lies wholly in the image.

    Attributes:
        x: `(rows, columns)` mean of the first image.
        y: Of the second.
        xx: Of the square of the first.
        yy: Of the square of the second.
        xy: Of their product.
    """

    x: _Array
    y: _Array
    xx: _Array
    yy: _Array
    xy: _Array

    @property
    def covariance(self) -> _Array:
        """Population covariance of both images."""
        return self.xy - self.x * self.y

    @property
    def total_variance(self) -> _Array:
        """Sum of both population variances; exactly 0 where both are flat."""
        return _variance(self.x, self.xx) + _variance(self.y, self.yy)


def gaussian_means(x: ArrayLike, y: ArrayLike) -> _LocalMeans:
    """Weight an 11 x 11 window by a Gaussian of 1.5 pixels.

    Raises:
        ValueError: If the images differ in shape, are too small, or not finite.
    """
    a, b = _image_pair(x, y, 2 * GAUSSIAN_RADIUS + 1)
    fitting = (slice(GAUSSIAN_RADIUS, -GAUSSIAN_RADIUS),) * 2

    def mean(image: _Array) -> _Array:
        smooth: _Array = ndimage.gaussian_filter(
            image, _GAUSSIAN_SIGMA, radius=GAUSSIAN_RADIUS
        )
        return smooth[fitting]

    return _LocalMeans(mean(a), mean(b), mean(a * a), mean(b * b), mean(a * b))


def block_means(x: ArrayLike, y: ArrayLike) -> _LocalMeans:
    """Average over 8 x 8 windows of equal weight.

    Raises:
        ValueError: If the images differ in shape, are too small, or not finite.
    """
    a, b = _image_pair(x, y, BLOCK)
    return _LocalMeans(
        _block_mean(a),
        _block_mean(b),
        _block_mean(a * a),
        _block_mean(b * b),
        _block_mean(a * b),
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
    return _mean_over(uqi_map(x, y), np.shape(x), BLOCK // 2, mask)


def uqi_map(x: ArrayLike, y: ArrayLike) -> _Array:
    """Quality index of each window, `(rows - 7, columns - 7)`.

    Raises:
        ValueError: As `uqi`.
    """
    return index_of(block_means(x, y))


def index_of(means: _LocalMeans) -> _Array:
    """Quality index of each window from its means."""
    luminance = _ratio(2 * means.x * means.y, means.x**2 + means.y**2)
    return luminance * _ratio(2 * means.covariance, means.total_variance)


_K1, _K2 = 0.01, 0.03


def ssim(
    x: ArrayLike, y: ArrayLike, data_range: float, mask: ArrayLike | None = None
) -> float:
    """Mean SSIM of two images over 11 x 11 Gaussian windows that lie in the image.

    With a mask, the mean is taken over windows whose middle is in it. Windows at its
    edge see what is outside; set that alike in both images.

    Args:
        x: `(rows, columns)`.
        y: The same shape.
        data_range: Difference of the largest and smallest value that can be, in the
            unit of the images. Take the range of the map, not that of the data.
        mask: `(rows, columns)` bool; every window if left out.

    Returns:
        1 for equal images; may be negative.

    Raises:
        ValueError: If shapes differ, an image is below 11 x 11 pixels or not finite,
            the range is not positive, or the mask holds no window.

    Examples:
        >>> image = np.arange(256.0).reshape(16, 16)
        >>> ssim(image, image, data_range=255)
        1.0
    """
    quality = ssim_map(x, y, data_range)
    return _mean_over(quality, np.shape(x), GAUSSIAN_RADIUS, mask)


def ssim_map(x: ArrayLike, y: ArrayLike, data_range: float) -> _Array:
    """SSIM of each window, `(rows - 10, columns - 10)`.

    Raises:
        ValueError: As `ssim`.
    """
    if not (is_a(data_range, Real) and data_range > 0):
        msg = f"The data range must be above 0, got {data_range}"
        raise ValueError(msg)
    return structure_of(gaussian_means(x, y), data_range)


def structure_of(means: _LocalMeans, data_range: float) -> _Array:
    """SSIM of each window from its means; 0/0, possible without a range, is 1."""
    c1, c2 = (_K1 * data_range) ** 2, (_K2 * data_range) ** 2
    product, squares = means.x * means.y, means.x**2 + means.y**2
    variances = means.xx + means.yy - squares
    above = (2 * product + c1) * (2 * (means.xy - product) + c2)
    below = (squares + c1) * (variances + c2)
    return np.divide(above, below, out=np.ones_like(below), where=below != 0)


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


def paper_index_of(means: _LocalMeans) -> _Array:
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


def _variance(mean: _Array, mean_square: _Array) -> _Array:
    variance = mean_square - mean * mean
    return np.where(variance > _FLAT * mean_square, variance, 0.0)


def _block_mean(image: _Array) -> _Array:
    # Sums of 2, 4 and 8 neighbours: exact on flat windows, as a running sum is not.
    for step in (1, 2, 4):
        image = image[:-step] + image[step:]
        image = image[:, :-step] + image[:, step:]
    return image / BLOCK**2


def _image_pair(x: ArrayLike, y: ArrayLike, side: int) -> tuple[_Array, _Array]:
    """Return two images of one shape, `(rows, columns)`, in double precision.

    Raises:
        ValueError: If the images differ in shape, are too small, or not finite.
    """
    a, b = as_numbers(x, "An image"), as_numbers(y, "An image")
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


def _mean_over(
    quality: _Array, shape: tuple[int, ...], before: int, mask: ArrayLike | None
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


def _ratio(above: _Array, below: _Array) -> _Array:
    return np.divide(above, below, out=np.ones_like(below), where=below != 0)


def _divided(above: _Array, below: _Array) -> _Array:
    return np.divide(above, below, out=np.ones_like(below), where=below != 0)
