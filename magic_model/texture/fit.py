"""Texture learnt from predicted and measured slices."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from magic_model.data.grid import BoolArray
from magic_model.errors import DataError
from magic_model.maps import PerfusionMap
from magic_model.texture.bands import (
    MEASURED,
    Array,
    fill,
    fine_bands,
    low_band,
    power_seen,
)
from magic_model.texture.model import LEVELS, TextureModel

_INNER = 4  # pixels off the border of the brain, where bands are measured
_STRONGEST = 1.25  # that detail of the network is multiplied by
_TYPICAL = 0.3  # weight of the median against the mean in the power of a band
_PATCHIEST = 0.5  # standard deviation of the logarithm of strength
_NOTHING = 1e-12  # power
_SHARED = 2  # the band by which maps are compared
_COARSE = slice(2, None)  # bands that the eye sees as mottles


@dataclass(frozen=True)
class _Slice:
    """A predicted and a measured slice where bands are measured.

    Attributes:
        levels: `(maps, pixels)` of the smoothed prediction.
        own: `(maps, bands, pixels)` of the prediction.
        measured: The same of the measured map.
    """

    levels: Array
    own: Array
    measured: Array


class TextureFit:
    """Learns texture from predicted and measured slices, one after the other.

    Args:
        maps: In channel order.
        pixel_mm: Side of a pixel.
    """

    def __init__(self, maps: Sequence[PerfusionMap], pixel_mm: float) -> None:
        self.maps, self.pixel_mm = tuple(maps), pixel_mm
        self._slices: list[_Slice] = []

    def see(self, predicted: Array, measured: Array, inside: BoolArray) -> None:
        """Look at a slice: `(maps, rows, columns)` each as shares of the ranges."""
        inner = ndimage.binary_erosion(inside, iterations=_INNER)
        if not inner.any():
            return
        every = slice(None, None, 5)  # neighbours tell the same
        own, real = (
            np.stack(
                [
                    fine_bands(fill(image, inside), MEASURED)[:, inner][:, every]
                    for image in images
                ]
            )
            for images in (predicted, measured)
        )
        levels = [low_band(image, inside)[inner][every] for image in predicted]
        self._slices.append(_Slice(np.stack(levels), own, real))

    def model(self) -> TextureModel:
        """Return what was learnt.

        Raises:
            DataError: If no slice had enough brain.
        """
        if not self._slices:
            msg = "Texture is learnt from slices with brain, got none"
            raise DataError(msg)
        levels, own, measured = (
            np.concatenate([getattr(part, name) for part in self._slices], axis=-1)
            for name in ("levels", "own", "measured")
        )
        fitted = [_fit(*of_map) for of_map in zip(levels, own, measured, strict=True)]
        detail, spectrum, knots, gains, patchy = (
            np.stack(of_maps) for of_maps in zip(*fitted, strict=True)
        )
        return TextureModel(
            self.maps,
            self.pixel_mm,
            detail=detail,
            spectrum=spectrum,
            levels=knots,
            gains=gains,
            patchy=patchy,
            mixes=_mix((measured - own)[:, _SHARED]),
        )


def _fit(level: Array, own: Array, measured: Array) -> tuple[Any, ...]:
    """Return detail, spectrum, levels, gains and patchiness of a map."""
    from scipy import optimize  # not needed to generate

    wide = (measured[-1] ** 2).mean() / max((own[-1] ** 2).mean(), _NOTHING)
    detail = np.clip(np.sqrt(wide), 1, _STRONGEST)
    own = detail * own
    power = np.maximum((measured**2 - own**2).mean(axis=1), _NOTHING)
    spectrum, _ = optimize.nnls(
        power_seen() / _drawable(power, own, measured)[:, None], np.ones(len(power))
    )
    edges = np.quantile(level, np.linspace(0, 1, LEVELS + 1))
    which = np.clip(np.searchsorted(edges, level, side="right") - 1, 0, LEVELS - 1)
    knots, gains = edges[:-1].copy(), np.ones(LEVELS)
    uneven = []
    for k in np.unique(which):
        here = which == k
        knots[k] = level[here].mean()
        missing = (measured[:, here] ** 2 - own[:, here] ** 2).mean(axis=1)
        gains[k] = np.sqrt(max(missing.sum() / power.sum(), 0))
        uneven.append(_unevenness((measured - own)[_COARSE, here]))
    return detail, spectrum, knots, gains, np.mean(uneven)


def _drawable(power: Array, own: Array, measured: Array) -> Array:
    """Power of each band that noise is to have.

    The mean power of a fine band lies in borders of vessels and lesions, which noise
    cannot replace; where these are few, as in most of the brain, the median tells it.
    So bands are weighed by both, and the coarse ones have the mean power in all.
    """
    median = np.median(measured**2, axis=1) - np.median(own**2, axis=1)
    weighed = np.maximum(median, _NOTHING) ** _TYPICAL * power ** (1 - _TYPICAL)
    found: Array = weighed * power[_COARSE].sum() / weighed[_COARSE].sum()
    return found


def _unevenness(apart: Array) -> float:
    """Standard deviation of the logarithm of a noise's strength, `(bands, pixels)`.

    Of normal noise of log-normal strength the squared mean of |x| is 2 / pi times the
    mean of the squares times exp(-s^2).
    """
    flat = np.abs(apart).mean(axis=1) ** 2 * np.pi / 2
    square = np.maximum((apart**2).mean(axis=1), _NOTHING)
    found = -np.log(np.maximum(flat / square, _NOTHING)).mean()
    return float(np.clip(np.sqrt(max(found, 0)), 0, _PATCHIEST))


def _mix(apart: Array) -> Array:
    """Lower triangle that gives unit noise the correlations of maps.

    By ranks, which a few vessels cannot decide.
    """
    ranks = apart.argsort(axis=1).argsort(axis=1).astype(np.float64)
    ranks -= ranks.mean(axis=1, keepdims=True)
    ranks /= np.maximum(np.sqrt((ranks**2).sum(axis=1, keepdims=True)), _NOTHING)
    alike = ranks @ ranks.T
    alike[np.diag_indices(len(alike))] = 1.0
    blend = 0.98 * alike + 0.02 * np.eye(len(alike))
    return np.asarray(np.linalg.cholesky(blend), np.float64)
