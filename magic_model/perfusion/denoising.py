"""From HU over time to enhancement with less noise: baseline, basis, neighbours."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from magic_model.data.volume import FloatArray
from magic_model.errors import DataError

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_SIGMA_MM = 4.0
_REACH = 2.0  # standard deviations of the neighbourhood
_MOST_STEPS = 4  # voxels to each side: what a fine grid costs stays bounded
_MOST_COMPONENTS = 6
_FLOOR = 1e-3  # HU: a series without noise
_RISE = 0.05  # of the peak: the bolus has come


@dataclass(frozen=True, eq=False)
class Denoised:
    """Enhancement of the voxels of a mask, as scores on a few curves.

    Attributes:
        scores: `(voxels, components)`.
        basis: `(frames, components)`, orthonormal curves.
        noise_sd: Noise of a voxel and frame before, in HU.
        gain: The share of the noise that is left, median over voxels.
    """

    scores: FloatArray
    basis: Array
    noise_sd: float
    gain: float

    def curves(self, start: int, stop: int) -> Array:
        """Return the enhancement of some voxels, `(voxels, frames)` in HU."""
        return np.asarray(self.scores[start:stop] @ self.basis.T, np.float64)

    @property
    def mean(self) -> Array:
        """The mean enhancement over all voxels."""
        return np.asarray(self.basis @ self.scores.mean(axis=0, dtype=np.float64))


def count_baseline(times: Array, curve: Array) -> int:
    """Count the frames before contrast arrives in a curve with a clear peak.

    The frame before the first one that has risen by 5 % of the peak is the last.

    Raises:
        DataError: If the series begins after the bolus.
    """
    rest = float(curve[0])
    peak = int(curve.argmax())
    height = float(curve[peak]) - rest
    below = np.flatnonzero(curve[:peak] - rest <= _RISE * height)
    frames = int(below[-1]) if below.size else 0
    if frames < 1:
        msg = (
            "A series must begin before the bolus arrives (two frames or more), got a "
            f"rise within its first {times[min(1, len(times) - 1)] - times[0]:g} s"
        )
        raise DataError(msg)
    return frames


def enhancement(series: FloatArray, frames: int) -> FloatArray:
    """Return HU above the mean of the first frames.

    Iodine adds HU in proportion to its concentration; the factor cancels, as tissue and
    artery are seen by the same scanner.

    Args:
        series: `(x, y, z, frames)` in HU.
        frames: How many are the baseline.
    """
    base = series[..., :frames].mean(axis=-1, dtype=np.float64, keepdims=True)
    return np.asarray(series - base.astype(np.float32), np.float32)


def noise_of(series: FloatArray, mask: Mask, frames: int) -> float:
    """Return the standard deviation of the noise in HU.

    By the median absolute difference of successive baseline frames, which neither
    anatomy nor a few voxels that enhance early move (all frames where the baseline is
    one frame).
    """
    steps = np.diff(series[mask][:, : frames if frames > 1 else None], axis=1)
    return float(np.median(np.abs(steps)) / 0.6745 / math.sqrt(2))


def denoise(
    contrast: FloatArray, mask: Mask, spacing: tuple[float, float, float], sd: float
) -> Denoised:
    """Average each voxel with neighbours that enhance alike; edges stay.

    A time-intensity profile filter (Mendrik et al. 2011, doi:10.1088/0031-9155/56/13/
    008) on a few curves: the principal components of the series smoothed in space.
    A neighbour weighs by its distance (Gaussian of 4 mm, up to 8 mm or four voxels to
    each side) and by how far the two curves lie apart beyond what noise does.

    Args:
        contrast: `(x, y, z, frames)` above the baseline, in HU.
        mask: Voxels to work on.
        spacing: Distance between voxels in mm.
        sd: Noise in HU.
    """
    basis = _basis(contrast, mask, spacing)
    scores = np.zeros((*mask.shape, basis.shape[1]), np.float32)
    scores[mask] = contrast[mask] @ basis.astype(np.float32)
    total = scores.copy()
    weight = mask.astype(np.float32)
    squares = weight.copy()
    noise = 2 * max(sd, _FLOOR) ** 2
    components = basis.shape[1]
    for near, far, share in _pairs(mask.shape, spacing):
        apart = scores[near] - scores[far]
        excess = np.einsum("xyzc,xyzc->xyz", apart, apart) - components * noise
        likeness = np.maximum(excess, 0) / (noise * math.sqrt(2 * components))
        w = (share * np.exp(-likeness) * (mask[near] & mask[far])).astype(np.float32)
        total[near] += w[..., None] * scores[far]
        total[far] += w[..., None] * scores[near]
        for at in (near, far):
            weight[at] += w
            squares[at] += w * w
    gain = float(np.median(np.sqrt(squares[mask]) / weight[mask]))
    clean = np.asarray(total[mask] / weight[mask][:, None], np.float32)
    return Denoised(clean, basis, sd, gain)


def _basis(
    contrast: FloatArray, mask: Mask, spacing: tuple[float, float, float]
) -> Array:
    """Return the curves that the smoothed series is made of."""
    sigma = (*(_SIGMA_MM / length for length in spacing), 0)
    inside = contrast * mask[..., None]
    smooth = ndimage.gaussian_filter(inside, sigma, truncate=_REACH)[mask]
    moments = np.asarray(smooth.T @ smooth, np.float64) / len(smooth)
    return np.asarray(np.linalg.eigh(moments)[1][:, ::-1][:, :_MOST_COMPONENTS])


Region = tuple[slice, ...]


def _pairs(
    shape: tuple[int, ...], spacing: tuple[float, float, float]
) -> Iterator[tuple[Region, Region, float]]:
    """Yield each step to a neighbour once: both ends, and its weight by distance."""
    reach = [min(_MOST_STEPS, int(_REACH * _SIGMA_MM / length)) for length in spacing]
    for step in np.ndindex(*(2 * n + 1 for n in reach)):
        offset = tuple(i - n for i, n in zip(step, reach, strict=True))
        square = sum((d * mm) ** 2 for d, mm in zip(offset, spacing, strict=True))
        too_far = square > (_REACH * _SIGMA_MM) ** 2
        if (
            offset <= (0, 0, 0)
            or too_far
            or any(abs(d) >= n for d, n in zip(offset, shape, strict=True))
        ):
            continue
        near, far = (
            tuple(
                slice(max(0, sign * d), n + min(0, sign * d))
                for d, n in zip(offset, shape, strict=True)
            )
            for sign in (1, -1)
        )
        yield near, far, math.exp(-square / 2 / _SIGMA_MM**2)
