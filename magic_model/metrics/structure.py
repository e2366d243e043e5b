"""Structural similarity (SSIM) as its authors define it.

References:
    Wang Z, Bovik AC, Sheikh HR, Simoncelli EP. IEEE Trans Image Process 2004;13:600.
    doi:10.1109/TIP.2003.819861
"""

import numpy as np
from numpy.typing import ArrayLike

from magic_model.metrics.windows import (
    GAUSSIAN_RADIUS,
    Array,
    LocalMeans,
    gaussian_means,
    mean_over,
)

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
    return mean_over(quality, np.shape(x), GAUSSIAN_RADIUS, mask)


def ssim_map(x: ArrayLike, y: ArrayLike, data_range: float) -> Array:
    """SSIM of each window, `(rows - 10, columns - 10)`.

    Raises:
        ValueError: As `ssim`.
    """
    if not data_range > 0:
        msg = f"The data range must be above 0, got {data_range}"
        raise ValueError(msg)
    return structure_of(gaussian_means(x, y), data_range)


def structure_of(means: LocalMeans, data_range: float) -> Array:
    """SSIM of each window from its means; 0/0, possible without a range, is 1."""
    c1, c2 = (_K1 * data_range) ** 2, (_K2 * data_range) ** 2
    product, squares = means.x * means.y, means.x**2 + means.y**2
    variances = means.xx + means.yy - squares
    above = (2 * product + c1) * (2 * (means.xy - product) + c2)
    below = (squares + c1) * (variances + c2)
    return np.divide(above, below, out=np.ones_like(below), where=below != 0)
