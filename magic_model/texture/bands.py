"""Fine bands of a map above the low one, which belongs to the network."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.fft import fft2, fftshift, ifft2

from magic_model.data.grid import BoolArray
from magic_model.data.volume import FloatArray

GUARD = 4.0
"""Standard deviation in pixels of the Gaussian whose band belongs to the network."""

REACH = 64
"""Pixels beyond which no filter sees."""

ORDER = 5
"""Of splines between points of a lattice; 3 would blur the finest band."""

GUARDED = 2
"""Times that the low band is taken off what is drawn."""

MEASURED = 1
"""Times that it is taken off where bands are measured."""

SCALES = ((0.5, 0.9), (0.9, 1.6), (1.6, 3.0), (3.0, 5.0))
"""Gaussians in pixels whose differences are the bands."""

Array = NDArray[np.float64]

_BETWEEN = 0.25  # of a point: where splines neither keep nor blur most
_LEAST = 0.05  # of a Gaussian inside the brain


def low_band(image: FloatArray, inside: BoolArray) -> Array:
    """Gaussian mean of `GUARD` pixels within the brain; 0 outside."""
    weight = blur(inside.astype(np.float64), GUARD)
    mean = blur(np.where(inside, image, 0.0), GUARD) / np.maximum(weight, _LEAST)
    return np.where(inside, mean, 0.0)


def fine_bands(image: Array, times: int) -> Array:
    """Part an image in `SCALES`, the low band taken off: `(bands, rows, columns)`."""
    parts = [blur(image, fine) - blur(image, coarse) for fine, coarse in SCALES]
    return np.stack([high_band(part, times) for part in parts])


def high_band(image: Array, times: int) -> Array:
    """Take the low band off so many times."""
    for _ in range(times):
        image = image - blur(image, GUARD)
    return image


def fill(image: Array, inside: BoolArray) -> Array:
    """Continue an image beyond the brain smoothly, so that its border is no detail."""
    weight = blur(inside.astype(np.float64), GUARD)
    mean = blur(np.where(inside, image, 0.0), GUARD) / np.maximum(weight, 1e-6)
    return np.where(inside, image, np.where(weight > 1e-6, mean, 0.0))


def blur(image: Array, sigma: float) -> Array:
    """Convolve an image with a Gaussian of so many pixels."""
    blurred: Array = ndimage.gaussian_filter(
        image, sigma, truncate=4.0, mode="constant"
    )
    return blurred


def point_image() -> Array:
    """One point in the middle of as many pixels as a filter sees."""
    image = np.zeros((2 * REACH + 1, 2 * REACH + 1))
    image[REACH, REACH] = 1.0
    return image


@lru_cache(maxsize=2)
def band_power(times: int) -> Array:
    """Power that each band keeps of each frequency: `(bands, rows, columns)`."""
    found: Array = np.abs(fft2(fine_bands(point_image(), times))) ** 2
    return found


@lru_cache(maxsize=1)
def power_seen() -> Array:
    """Power that a measured band (row) sees of noise white within a drawn one (column).

    Between points of the lattice, where splines blur the finest band.
    """
    places = np.indices(point_image().shape) + _BETWEEN
    between = ndimage.map_coordinates(point_image(), places, order=ORDER)
    kept = np.abs(fft2(between)) ** 2
    seen, drawn = (
        band_power(times).reshape(len(SCALES), -1) for times in (MEASURED, GUARDED)
    )
    found: Array = (seen * kept.ravel()) @ drawn.T / kept.size
    return found


def kernel_of(power: Array) -> Array:
    """Filter that gives white noise that power at each frequency."""
    kernel: Array = fftshift(ifft2(np.sqrt(power)).real)
    return kernel
