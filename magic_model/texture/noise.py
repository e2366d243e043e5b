"""Noise that is fixed in a patient, whatever is looked at, and in which order."""

import hashlib
import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.fft import irfft2, rfft2

from magic_model.texture.bands import (
    GUARDED,
    ORDER,
    REACH,
    Array,
    band_power,
    blur,
    kernel_of,
    point_image,
)

_PATCH = 6.0  # pixels: Gaussian over which strength changes
_MARGIN = REACH + math.ceil(4 * _PATCH)  # pixels about the brain that filters see
_BETWEEN_MM = 5.0  # distance of planes of noise
_STEP = 64  # points
_SPLINE = np.array([1, 26, 66, 26, 1]) / 120  # of order 5, at the points of a lattice


class PatientNoise:
    """Noise of a patient, plane by plane of a lattice that is fixed in the patient.

    Args:
        key: Of all chance: seed and patient.
        names: Of the maps.
        pixel_mm: Distance of points of the lattice.
        spectrum: `(maps, bands)` power of white noise in each band.
        patchy: `(maps,)` standard deviation of the logarithm of its strength.
        mixes: `(maps, maps)` lower triangle that gives white noise its correlations.
    """

    def __init__(
        self,
        key: str,
        names: Sequence[str],
        *,
        pixel_mm: float,
        spectrum: Array,
        patchy: Array,
        mixes: Array,
    ) -> None:
        self.key, self.names, self.pixel_mm = key, tuple(names), pixel_mm
        self.patchy, self.mixes = patchy[:, None, None], mixes
        patches = blur(point_image(), _PATCH)
        self.patches = patches / np.sqrt((patches**2).sum())
        powers = np.tensordot(spectrum, band_power(GUARDED), axes=1)
        self.filters = np.stack([kernel_of(power) for power in powers])
        self._planes: dict[tuple[int, ...], Array] = {}
        self._filters_on = lru_cache(maxsize=2)(self._transfers)

    def at(self, x: Array, y: Array, z: Array) -> Array:
        """Draw at places in mm `(pixels,)`: `(maps, pixels)`."""
        u, v, w = x / self.pixel_mm, y / self.pixel_mm, z / _BETWEEN_MM
        first, shape = zip(*map(_lattice, (u, v)), strict=True)
        places = np.stack([u - first[0], v - first[1]])
        drawn = np.zeros((len(self.names), len(u)))
        power = np.zeros(len(u))
        for plane in range(math.floor(w.min()), math.floor(w.max()) + 2):
            near = np.clip(1 - np.abs(w - plane), 0, 1)
            if not near.any():
                continue
            power += near**2
            images = self._plane(plane, first, shape)
            for channel, image in enumerate(images):
                drawn[channel] += near * ndimage.map_coordinates(
                    image, places, order=ORDER, mode="nearest", prefilter=False
                )
        return drawn / np.sqrt(power)

    def _plane(
        self, plane: int, first: tuple[int, int], shape: tuple[int, int]
    ) -> Array:
        """Return coefficients of the splines of a plane, `(maps, u, v)`."""
        where = (plane, *first, *shape)
        if where not in self._planes:
            while len(self._planes) > 1:  # a slice lies between two
                del self._planes[next(iter(self._planes))]
            names = [*self.names, "patches"]
            white = np.stack(
                [_white(f"{self.key}/{name}", plane, first, shape) for name in names]
            )
            patchy, rough = self._filters_on(shape)
            patches = irfft2(rfft2(white[-1]) * patchy, s=shape)
            mixed = np.tensordot(self.mixes, white[:-1], axes=1)
            mixed *= np.exp(self.patchy * patches - self.patchy**2)
            self._planes[where] = irfft2(rfft2(mixed) * rough, s=shape)
        return self._planes[where]

    def _transfers(
        self, shape: tuple[int, int]
    ) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
        """Transforms of the filters of patches, and of texture to its splines."""
        splines = np.zeros((2 * REACH + 1, 2 * REACH + 1))
        middle = slice(REACH - 2, REACH + 3)
        splines[middle, middle] = np.outer(_SPLINE, _SPLINE)
        rough = _transfer(self.filters, shape) / _transfer(splines, shape)
        return _transfer(self.patches, shape), rough


def _lattice(places: Array) -> tuple[int, int]:
    """First point and length of a lattice that filters see from places.

    In whole steps, so that slices of a patient share it.
    """
    first = math.floor((places.min() - _MARGIN) / _STEP) * _STEP
    last = math.ceil((places.max() + _MARGIN) / _STEP) * _STEP
    return first, last - first


def _transfer(filters: Array, shape: tuple[int, int]) -> NDArray[np.complex128]:
    """Transform of filters on a lattice, round its ends."""
    side = 2 * REACH + 1
    kernels = np.zeros((*filters.shape[:-2], *shape))
    kernels[..., :side, :side] = filters
    centred = np.roll(kernels, (-REACH, -REACH), axis=(-2, -1))
    found: NDArray[np.complex128] = rfft2(centred)
    return found


def _white(
    key: str, plane: int, first: tuple[int, int], shape: tuple[int, int]
) -> Array:
    """Draw unit noise on a lattice; a point's value follows from its indices alone."""
    digest = hashlib.sha256(key.encode()).digest()
    start = np.frombuffer(digest[:8], np.uint64)[0]
    u = np.arange(first[0], first[0] + shape[0]).astype(np.int64).view(np.uint64)
    v = np.arange(first[1], first[1] + shape[1]).astype(np.int64).view(np.uint64)
    with np.errstate(over="ignore"):
        here = _scrambled(start + np.int64(plane).view(np.uint64))
        bits = _scrambled(_scrambled(here + u)[:, None] + v)
        other = _scrambled(bits)
    # Box and Muller: two uniform numbers make a normal one.
    one, two = ((part >> np.uint64(11)) * 2.0**-53 for part in (bits, other))
    normal: Array = np.sqrt(-2 * np.log1p(-one)) * np.cos(2 * np.pi * two)
    return normal


def _scrambled(bits: Any) -> Any:  # noqa: ANN401 - one number, or many
    """Mix 64 bits (SplitMix64: Steele 2014, doi:10.1145/2660193.2660195)."""
    bits = bits + np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
