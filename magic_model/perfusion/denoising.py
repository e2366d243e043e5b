"""From HU over time to enhancement with less noise: baseline, basis, neighbours."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from magic_model.data.volume import FloatArray
from magic_model.errors import DataError

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_SIGMA_MM = 3.0
_REACH = 2.0  # standard deviations of the neighbourhood
_MOST_STEPS = 6  # voxels to each side: what a fine grid costs stays bounded
_GUIDE_MM = 1.3
_COMPARED = 3  # components
_FLOOR = 1e-3  # HU: a series without noise
_RISE = 0.05  # of the peak: the bolus has come


@dataclass(frozen=True, eq=False)
class Basis:
    """A few curves that a series is made of.

    Attributes:
        analysis: `(components, frames)`; makes scores of curves, with noise that is
            alike and independent in all of them, and as large as that of a frame.
        synthesis: `(frames, components)`; makes curves of scores.
    """

    analysis: Array
    synthesis: Array


@dataclass(frozen=True, eq=False)
class Denoised:
    """Enhancement of the voxels of a mask, as scores on a few curves.

    Attributes:
        scores: `(voxels, components)`.
        basis: What scores stand for.
        noise_sd: Noise of a voxel and frame before, in HU.
        left: The share of the noise that is left in each voxel.
    """

    scores: FloatArray
    basis: Basis
    noise_sd: float
    left: FloatArray

    def curves(self, start: int, stop: int) -> Array:
        """Return the enhancement of some voxels, `(voxels, frames)` in HU."""
        return np.asarray(self.scores[start:stop] @ self.basis.synthesis.T, np.float64)

    @property
    def gain(self) -> float:
        """The share of the noise that is left, median over voxels."""
        return float(np.median(self.left))

    def mean_of(self, voxels: Mask) -> Array:
        """Return the mean enhancement over some voxels, or all if these are none."""
        some = self.scores[voxels] if voxels.any() else self.scores
        return np.asarray(self.basis.synthesis @ some.mean(axis=0, dtype=np.float64))


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
    contrast: FloatArray,
    mask: Mask,
    spacing: tuple[float, float, float],
    sd: float,
    basis: Basis,
    unknown: Mask | None = None,
) -> Denoised:
    """Average each voxel with neighbours that enhance alike; edges stay.

    A time-intensity profile filter (Mendrik et al. 2011, doi:10.1088/0031-9155/56/13/
    008) on a few curves. A neighbour weighs by its distance (Gaussian of 3 mm, up to 6
    mm or six voxels to each side) and by how far the two curves lie apart beyond what
    noise does; what is compared is smoothed a little (Gaussian of 1.3 mm), so that
    noise does not choose.

    Args:
        contrast: `(x, y, z, frames)` above the baseline, in HU.
        mask: Voxels to work on.
        spacing: Distance between voxels in mm.
        sd: Noise in HU.
        basis: Curves of which tissue is made.
        unknown: Voxels of the mask whose curves cannot be used, by neither themselves
            nor others: they get the mean of their neighbours by distance alone. Where
            there are none within reach nothing flows.
    """
    box = ndimage.find_objects(mask.astype(np.uint8))[0]
    inside = mask[box]
    scores = np.zeros((basis.analysis.shape[0], *inside.shape), np.float32)
    scores[:, inside] = basis.analysis.astype(np.float32) @ contrast[mask].T
    known = inside if unknown is None else inside & ~unknown[box]
    scores *= known
    guide, guide_sd = _guide(scores[:_COMPARED], known, spacing, max(sd, _FLOOR))
    total = scores.copy()
    weight = known.astype(np.float32)
    squares = weight.copy()
    for near, far, share in _pairs(inside.shape, spacing):
        w = _likeness(guide, guide_sd, near, far)
        if unknown is not None:
            w[~(known[near] & known[far])] = 1
        w *= np.float32(share)
        w *= inside[near] & inside[far]
        for one, other in ((near, far), (far, near)):
            seen = w if unknown is None else w * known[other]
            total[:, *one] += seen * scores[:, *other]
            weight[one] += seen
            squares[one] += seen * seen
    np.maximum(weight, _FLOOR, out=weight)
    left = np.sqrt(squares[inside]) / weight[inside]
    clean = (total[:, inside] / weight[inside]).T
    return Denoised(np.ascontiguousarray(clean), basis, sd, left)


def unexplained(contrast: FloatArray, basis: Basis) -> Array:
    """Return what of each curve no tissue explains, as a standard deviation in HU.

    Args:
        contrast: `(voxels, frames)` above the baseline, in HU.
        basis: Curves of which tissue is made.
    """
    curves = np.linalg.qr(basis.synthesis)[0].astype(np.float32)
    apart = contrast - contrast @ curves @ curves.T
    free = apart.shape[1] - curves.shape[1]
    return np.asarray(np.sqrt((apart**2).sum(axis=1, dtype=np.float64) / free))


def _guide(
    scores: FloatArray, mask: Mask, spacing: tuple[float, float, float], sd: float
) -> tuple[FloatArray, float]:
    """Smooth the scores that are compared; return them and the noise they have then."""
    sigma = [_GUIDE_MM / length for length in spacing]
    smooth = _smooth(scores, (0, *sigma))
    smooth /= np.maximum(_smooth(mask.astype(np.float32), sigma), _FLOOR)
    point = np.zeros([2 * math.ceil(_REACH * s) + 1 for s in sigma])
    point[tuple(n // 2 for n in point.shape)] = 1
    return smooth, sd * float(np.sqrt((_smooth(point, sigma) ** 2).sum()))


def _smooth(image: FloatArray | Array, sigma: Sequence[float]) -> FloatArray:
    return np.asarray(ndimage.gaussian_filter(image, sigma, truncate=_REACH))


def _likeness(
    guide: FloatArray, sd: float, near: "Region", far: "Region"
) -> FloatArray:
    """Return 1 where curves differ as noise does, less where they differ more."""
    apart = guide[:, *near] - guide[:, *far]
    apart *= apart
    excess = apart.sum(axis=0)
    excess *= np.float32(1 / (2 * sd**2))
    excess -= len(guide)
    np.maximum(excess, 0, out=excess)
    excess *= np.float32(-1 / math.sqrt(2 * len(guide)))
    return np.asarray(np.exp(excess, out=excess))


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
