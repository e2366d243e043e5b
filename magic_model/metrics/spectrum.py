"""How rough a map is: power by band of spatial frequency, distance of histograms."""

import math

import numpy as np
from numpy.typing import NDArray

from magic_model.data.grid import BoolArray
from magic_model.data.volume import FloatArray

BANDS = ((0.01, 0.04), (0.04, 0.1), (0.1, 0.2), (0.2, 0.5))
"""Cycles per pixel: lowest, and first beyond, of each band."""

FEWEST_PIXELS = 4000
"""A slice with less brain is not counted."""


def power_by_band(images: FloatArray, mask: BoolArray) -> NDArray[np.float64]:
    """Return the power of a map in each of `BANDS`, as a mean over slices.

    The mean within the mask of each slice is taken off, and nothing lies outside.
    |FFT|^2 is summed over a band.

    Args:
        images: `(n, rows, columns)` of one patient.
        mask: The same shape; slices with fewer than `FEWEST_PIXELS` do not count.

    Returns:
        `(4,)`, NaN if no slice counts.

    Raises:
        ValueError: If shapes differ.
    """
    if images.shape != mask.shape:
        msg = f"Images and mask must have one shape, got {images.shape} {mask.shape}"
        raise ValueError(msg)
    full = mask.sum((1, 2)) >= FEWEST_PIXELS
    if not full.any():
        return np.full(len(BANDS), math.nan)
    images, inside = np.asarray(images[full], np.float64), mask[full]
    mean = (images * inside).sum((1, 2)) / inside.sum((1, 2))
    centred = (images - mean[:, None, None]) * inside
    power = np.abs(np.fft.fft2(centred)) ** 2
    rows, columns = (np.fft.fftfreq(length) for length in images.shape[1:])
    frequency = np.hypot(rows[:, None], columns)
    found: NDArray[np.float64] = np.stack(
        [
            power[:, (low <= frequency) & (frequency < high)].sum(1)
            for low, high in BANDS
        ]
    ).mean(1)
    return found


def power_ratios(
    generated: FloatArray, measured: FloatArray, mask: BoolArray
) -> NDArray[np.float64]:
    """Return power of a generated over that of the measured map in each of `BANDS`.

    1 is as rough as measured; a map without detail is near 0.

    Examples:
        >>> rng, mask = np.random.default_rng(0), np.ones((1, 80, 80), bool)
        >>> image = rng.normal(size=mask.shape)
        >>> power_ratios(image / 2, image, mask).tolist()
        [0.25, 0.25, 0.25, 0.25]
    """
    own, reference = power_by_band(generated, mask), power_by_band(measured, mask)
    ratios: NDArray[np.float64] = np.full(len(BANDS), math.nan)
    np.divide(own, reference, out=ratios, where=reference > 0)
    return ratios


def histogram_distance(
    generated: FloatArray,
    measured: FloatArray,
    mask: BoolArray,
    value_range: tuple[float, float],
) -> float:
    """Return how far values lie from measured ones, whatever their places.

    The mean difference of equal quantiles (Wasserstein's distance of first order), as a
    share of the map's range; NaN without brain.

    Examples:
        >>> mask, image = np.ones((1, 2, 2), bool), np.arange(4.0).reshape(1, 2, 2)
        >>> histogram_distance(image[:, ::-1] + 1, image, mask, (0, 10))
        0.1
    """
    if not mask.any():
        return math.nan
    low, high = value_range
    one, other = (np.sort(x[mask].astype(np.float64)) for x in (generated, measured))
    return float(np.abs(one - other).mean() / (high - low))
