"""Sampled texture: detail that no NCCT tells, drawn so that maps look as measured ones.

An error-first network leaves out what it cannot know, so its maps are smoother than any
measured map. For reader studies the missing texture is drawn at random, as rough as
that of the measured maps it was learnt from and as strong as theirs at that level of
the map. It is sampled, not inferred: for reader studies, not for reading.

Texture lives above the band of a Gaussian of `GUARD` pixels. Noise of fine bands alone
is drawn, and its amplitude changes slowly, so what the network said of any larger
region stands (`low_band`).

Noise is a function of seed, patient and place in the patient's coordinates, so it is
the same at every spacing, field of view, batch, order and process.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.fft import irfft2, next_fast_len, rfft2

from magic_model.data.grid import BoolArray
from magic_model.data.slices import SliceStack
from magic_model.data.volume import FloatArray
from magic_model.errors import DataError
from magic_model.maps import MAP_SPECS, PerfusionMap

SAMPLED = "sampled texture"
"""What it is called wherever it is told of."""

NOTICE = "for reader studies, not for reading"

GUARD = 4.0
"""Standard deviation in pixels of the Gaussian whose band belongs to the network."""

_Array = NDArray[np.float64]

_SCALES = ((0.5, 0.9), (0.9, 1.6), (1.6, 3.0))  # pixels: each band is a difference
_GUARDED = 3  # times that the low band is taken off
_LEVELS = 6
_ORDER = 5  # of splines between points of the lattice; 3 would blur the finest band
_BETWEEN_MM = 5.0  # distance of planes of noise
_REACH = 64  # pixels; beyond it no filter sees
_LEAST = 0.05  # of a Gaussian inside the brain
_INNER = 4  # pixels off the border of the brain, where bands are measured


@dataclass(frozen=True)
class TextureModel:
    """What texture is added, learnt from measured maps.

    Attributes:
        maps: In the order of the arrays.
        pixel_mm: Side of a pixel, to which the bands refer.
        levels: `(maps, levels)`, of the smoothed map as a share of its range.
        gains: `(maps, bands, levels)`, of unit noise, as a share of the range.
        mixes: `(bands, maps, maps)` lower triangles: how noise of one map is mixed into
            that of the next, as measured maps share their detail.
    """

    maps: tuple[PerfusionMap, ...]
    pixel_mm: float
    levels: _Array = field(repr=False)
    gains: _Array = field(repr=False)
    mixes: _Array = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "maps": [str(name) for name in self.maps],
            "pixel_mm": self.pixel_mm,
            **{
                name: np.round(getattr(self, name), 6).tolist()
                for name in ("levels", "gains", "mixes")
            },
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """Build it from plain values.

        Raises:
            DataError: If shapes do not fit together.
        """
        maps = tuple(PerfusionMap(name) for name in plain["maps"])
        levels, gains, mixes = (
            np.array(plain[name], np.float64) for name in ("levels", "gains", "mixes")
        )
        n, bands = len(maps), len(_SCALES)
        found = levels.shape, gains.shape, mixes.shape
        wanted = (n, _LEVELS), (n, bands, _LEVELS), (bands, n, n)
        if found != wanted:
            msg = f"Levels, gains and mixes of a texture must be {wanted}, got {found}"
            raise DataError(msg)
        return cls(maps, float(plain["pixel_mm"]), levels, gains, mixes)

    def add(
        self,
        stack: SliceStack,
        images: Mapping[PerfusionMap, FloatArray],
        seed: int,
    ) -> dict[PerfusionMap, FloatArray]:
        """Add texture to the maps of a patient.

        Args:
            stack: Slices that the maps are of.
            images: `(n, size, size)` each, in its unit, 0 off the mask.
            seed: Of the texture; with the patient's name it decides all of it.

        Returns:
            The same shapes, cut to the range of each map, 0 off the mask.
        """
        drawn = {
            name: np.zeros(stack.mask.shape, np.float32) if name in self.maps else image
            for name, image in images.items()
        }
        noise = _Noise(self, f"{seed}/{stack.patient_id}")
        for number, inside in enumerate(stack.mask):
            if not inside.any():
                continue
            rough = noise.at(*_places(stack, number))
            for channel, name in enumerate(self.maps):
                low, high = MAP_SPECS[name].value_range
                share = (images[name][number] - low) / (high - low)
                level = low_band(share, inside)[inside]
                added = sum(
                    np.interp(level, self.levels[channel], gain) * rough[band, channel]
                    for band, gain in enumerate(self.gains[channel])
                )
                changed = np.clip(share[inside] + added, 0, 1)
                drawn[name][number][inside] = changed * (high - low) + low
        return drawn


def texture_of(
    wanted: bool, plain: Mapping[str, Any] | None, whose: str | Path
) -> TextureModel | None:
    """Return the texture of a network from what it says of itself; None if it has none.

    Raises:
        DataError: If its recipe asks for one and it was not learnt yet.
    """
    if not wanted:
        return None
    if plain is None:
        msg = (
            f"{whose}: the recipe asks for texture, which is learnt when all epochs "
            "are done; train it to its end"
        )
        raise DataError(msg)
    return TextureModel.from_dict(plain)


def low_band(image: FloatArray, inside: BoolArray) -> _Array:
    """Gaussian mean of `GUARD` pixels within the brain; 0 outside."""
    weight = _blurred(inside.astype(np.float64), GUARD)
    mean = _blurred(np.where(inside, image, 0.0), GUARD) / np.maximum(weight, _LEAST)
    return np.where(inside, mean, 0.0)


@dataclass(frozen=True)
class _Slice:
    """Bands of a predicted and a measured slice where they are measured.

    Attributes:
        levels: `(maps, pixels)` of the smoothed prediction.
        missing: `(maps, bands, pixels)` power measured beyond what is predicted.
        apart: `(bands, maps, pixels)` measured less predicted.
    """

    levels: _Array
    missing: _Array
    apart: _Array


class TextureFit:
    """Learns texture from predicted and measured slices, one after the other.

    Args:
        maps: In channel order.
        pixel_mm: Side of a pixel.
    """

    def __init__(self, maps: Sequence[PerfusionMap], pixel_mm: float) -> None:
        self.maps, self.pixel_mm = tuple(maps), pixel_mm
        self._slices: list[_Slice] = []

    def see(self, predicted: _Array, measured: _Array, inside: BoolArray) -> None:
        """Look at a slice: `(maps, rows, columns)` each as shares of the ranges."""
        inner = ndimage.binary_erosion(inside, iterations=_INNER)
        if not inner.any():
            return
        own = np.stack([_bands(_filled(x, inside)) for x in predicted])[..., inner]
        real = np.stack([_bands(_filled(x, inside)) for x in measured])[..., inner]
        levels = np.stack([low_band(x, inside)[inner] for x in predicted])
        every = slice(None, None, 5)  # neighbours tell the same
        self._slices.append(
            _Slice(
                levels[:, every],
                (real**2 - own**2)[..., every],
                (real - own).swapaxes(0, 1)[..., every],
            )
        )

    def model(self) -> TextureModel:
        """Return what was learnt.

        Raises:
            DataError: If no slice had enough brain.
        """
        if not self._slices:
            msg = "Texture is learnt from slices with brain, got none"
            raise DataError(msg)
        levels = np.concatenate([s.levels for s in self._slices], axis=1)
        missing = np.concatenate([s.missing for s in self._slices], axis=2)
        apart = np.concatenate([s.apart for s in self._slices], axis=2)
        unit = _unit_power()
        knots, gains = zip(
            *(_gains(*pair, unit) for pair in zip(levels, missing, strict=True)),
            strict=True,
        )
        mixes = np.stack([_mix(band) for band in apart])
        return TextureModel(
            self.maps, self.pixel_mm, np.stack(knots), np.stack(gains), mixes
        )


def _gains(level: _Array, missing: _Array, unit: _Array) -> tuple[_Array, _Array]:
    """Return the middles of levels of equal counts, and `(bands, levels)` gains."""
    edges = np.quantile(level, np.linspace(0, 1, _LEVELS + 1))
    which = np.clip(np.searchsorted(edges, level, side="right") - 1, 0, _LEVELS - 1)
    knots = np.array(
        [
            level[which == k].mean() if (which == k).any() else edges[k]
            for k in range(_LEVELS)
        ]
    )
    power = np.stack(
        [
            missing[:, which == k].mean(axis=1)
            if (which == k).any()
            else np.zeros(len(unit))
            for k in range(_LEVELS)
        ],
        axis=1,
    )
    return knots, np.sqrt(np.maximum(power, 0) / unit[:, None])


def _mix(apart: _Array) -> _Array:
    """Lower triangle that gives unit noise the correlations of maps."""
    spread = apart.std(axis=1)
    safe = np.where(spread > 0, spread, 1.0)
    n = len(apart)
    together = (apart - apart.mean(axis=1, keepdims=True)) / safe[:, None]
    alike = together @ together.T / apart.shape[1]
    alike[np.diag_indices(n)] = 1.0
    return np.linalg.cholesky(0.98 * alike + 0.02 * np.eye(n))


def _bands(image: _Array) -> _Array:
    """Part an image in fine bands `(bands, rows, columns)`, without the low one."""
    found = []
    for fine, coarse in _SCALES:
        band = _blurred(image, fine) - _blurred(image, coarse)
        for _ in range(_GUARDED):
            band = band - _blurred(band, GUARD)
        found.append(band)
    return np.stack(found)


def _filled(image: _Array, inside: BoolArray) -> _Array:
    """Continue an image beyond the brain smoothly, so that its border is no detail."""
    weight = _blurred(inside.astype(np.float64), GUARD)
    mean = _blurred(np.where(inside, image, 0.0), GUARD) / np.maximum(weight, 1e-6)
    return np.where(inside, image, np.where(weight > 1e-6, mean, 0.0))


def _blurred(image: _Array, sigma: float) -> _Array:
    if not sigma:
        return image
    blurred: _Array = ndimage.gaussian_filter(image, sigma, truncate=4.0)
    return blurred


def _unit_power() -> _Array:
    """Power of unit white noise in each band: the sum of the squares of its filter.

    Between points of the lattice, a quarter from one, as splines blur the finest band.
    """
    point = np.zeros((2 * _REACH + 1, 2 * _REACH + 1))
    point[_REACH, _REACH] = 1.0
    places = np.indices(point.shape) + 0.25
    between = [
        ndimage.map_coordinates(band, places, order=_ORDER) for band in _bands(point)
    ]
    power: _Array = (np.stack(between) ** 2).sum((1, 2))
    return power


class _Noise:
    """Noise of a patient, plane by plane of a lattice that is fixed in the patient.

    Args:
        model: What is drawn.
        key: Seed and patient.
    """

    def __init__(self, model: TextureModel, key: str) -> None:
        self.model, self.key = model, key
        self._planes: dict[tuple[int, ...], _Array] = {}

    def at(self, x: _Array, y: _Array, z: _Array) -> _Array:
        """Draw at places in mm `(pixels,)`: `(bands, maps, pixels)`."""
        pixel = self.model.pixel_mm
        u, v, w = x / pixel, y / pixel, z / _BETWEEN_MM
        first = math.floor(u.min()) - _REACH, math.floor(v.min()) - _REACH
        last = math.ceil(u.max()) + _REACH, math.ceil(v.max()) + _REACH
        shape = [
            next_fast_len(b - a + 1, real=True)
            for a, b in zip(first, last, strict=True)
        ]
        places = np.stack([u - first[0], v - first[1]])
        n_maps = len(self.model.maps)
        drawn = np.zeros((len(_SCALES), n_maps, len(u)))
        power = np.zeros(len(u))
        for plane in range(math.floor(w.min()), math.floor(w.max()) + 2):
            near = np.clip(1 - np.abs(w - plane), 0, 1)
            power += near**2
            images = self._plane(plane, first, (shape[0], shape[1]))
            for band, channel in np.ndindex(drawn.shape[:2]) if near.any() else ():
                drawn[band, channel] += near * ndimage.map_coordinates(
                    images[band, channel],
                    places,
                    order=_ORDER,
                    mode="nearest",
                    prefilter=False,
                )
        drawn /= np.sqrt(power)
        mixed: _Array = np.einsum("bij,bjp->bip", self.model.mixes, drawn)
        return mixed

    def _plane(
        self, plane: int, first: tuple[int, int], shape: tuple[int, int]
    ) -> _Array:
        """Return coefficients of the splines of a plane, `(bands, maps, u, v)`."""
        where = (plane, *first, *shape)
        if where not in self._planes:
            while len(self._planes) > 1:  # a slice lies between two
                del self._planes[next(iter(self._planes))]
            filters = _transfer(shape)
            made = []
            for name in self.model.maps:
                white = rfft2(_white(f"{self.key}/{name}", plane, first, shape))
                made.append(irfft2(white * filters, s=shape))
            bands = np.stack(made, axis=1)
            self._planes[where] = ndimage.spline_filter1d(
                ndimage.spline_filter1d(bands, _ORDER, axis=2, mode="nearest"),
                _ORDER,
                axis=3,
                mode="nearest",
            )
        return self._planes[where]


@lru_cache(maxsize=4)
def _transfer(shape: tuple[int, int]) -> NDArray[np.complex128]:
    """Transform of the filter of each band on a lattice, round its ends."""
    side = 2 * _REACH + 1
    point = np.zeros((side, side))
    point[_REACH, _REACH] = 1.0
    kernels = np.zeros((len(_SCALES), *shape))
    kernels[:, :side, :side] = _bands(point)
    centred = np.roll(kernels, (-_REACH, -_REACH), axis=(1, 2))
    found: NDArray[np.complex128] = rfft2(centred)
    return found


def _places(stack: SliceStack, number: int) -> tuple[_Array, _Array, _Array]:
    """Where the brain's pixels of a slice are, in mm of the patient (RAS)."""
    rows, columns = np.nonzero(stack.mask[number])
    height, width = stack.mask.shape[1:]
    # Display turns both axes of the slab round (`data.slices.to_display`).
    across, down = width - 1.0 - columns, height - 1.0 - rows
    level = np.full_like(across, float(stack.positions[number]))
    voxels = np.stack([across, down, level, np.ones_like(across)])
    x, y, z = stack.affine[:3] @ voxels
    return x, y, z


def _white(
    key: str, plane: int, first: tuple[int, int], shape: tuple[int, int]
) -> _Array:
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
    normal: _Array = np.sqrt(-2 * np.log1p(-one)) * np.cos(2 * np.pi * two)
    return normal


def _scrambled(bits: Any) -> Any:  # noqa: ANN401 - one number, or many
    """Mix 64 bits (SplitMix64: Steele 2014, doi:10.1145/2660193.2660195)."""
    bits = bits + np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
