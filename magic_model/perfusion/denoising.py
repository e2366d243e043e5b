"""From HU over time to enhancement with less noise: baseline, basis, neighbours."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from magic_model.data.volume import FloatArray
from magic_model.errors import DataError
from magic_model.perfusion.threads import spread

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_SIGMA_MM = 4.0
_REACH = 2.0  # standard deviations, of what is smoothed
_FAR_MM = 7.0  # beyond it a neighbour does not count
_MOST_STEPS = 8  # voxels to each side: what a fine grid costs stays bounded
_COMPARED_MM = 1.3
_LINE_MM = 8.0  # of the neighbourhood in which a line is fitted
_SOFT_HU = (0.0, 60.0)
_LEAST_HU = 2.0  # standard deviation; grey and white matter differ by 7 HU
_AT_A_TIME = 16_000  # voxels: what they need fits a processor's cache
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
class Seen:
    """What denoising works on.

    Attributes:
        contrast: `(x, y, z, frames)` above the baseline, in HU.
        mean: `(x, y, z)`, CT number over all frames, in HU.
    """

    contrast: FloatArray
    mean: FloatArray

    @classmethod
    def of(cls, series: FloatArray, frames: int) -> Self:
        """Take `(x, y, z, frames)` in HU, of which the first are the baseline."""
        mean = series.mean(axis=-1, dtype=np.float64).astype(np.float32)
        return cls(enhancement(series, frames), mean)


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
    seen: Seen,
    mask: Mask,
    spacing: tuple[float, float, float],
    sd: float,
    basis: Basis,
    unknown: Mask | None = None,
) -> Denoised:
    """Average each voxel with neighbours that enhance alike; edges stay.

    A time-intensity profile filter (Mendrik et al. 2011, doi:10.1088/0031-9155/56/13/
    008) on a few curves. A neighbour weighs by its distance (Gaussian of 4 mm, up to 7
    mm or eight voxels to each side) and by how far the two curves lie apart beyond what
    noise does; what is compared is smoothed a little (Gaussian of 1.3 mm), so that
    noise does not choose.

    How much grey matter a voxel holds is known far better than its curve: from its mean
    CT number over all frames. So a line over that number is fitted to each score around
    each voxel (guided filter, He et al. 2013, doi:10.1109/TPAMI.2012.213; Gaussian of 8
    mm). What the line explains is left out of the comparison, so that grey and white
    matter inform each other, and where neighbours have another mean CT number than the
    voxel, the line carries their mean to its own.

    The share of noise that is left counts that of all neighbours and of the mean CT
    number, as a mean over scores, and not that of weights and lines.

    Args:
        seen: Enhancement and mean CT numbers.
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
    scores[:, inside] = basis.analysis.astype(np.float32) @ seen.contrast[mask].T
    known = inside if unknown is None else inside & ~unknown[box]
    scores *= known
    number = _soft(seen.mean[box], known)
    slopes = _slopes(scores, number, known, spacing)
    apart = scores[:_COMPARED] - slopes[:_COMPARED] * number
    alike, alike_sd = _compared(apart, known, spacing, max(sd, _FLOOR))
    values = np.concatenate([scores, number[None]])
    sums, weight, squares = _sums(values, alike, alike_sd, inside, known, spacing)
    np.maximum(weight, _FLOOR, out=weight)
    sums /= weight
    squares /= weight**2
    slopes *= known  # no other voxel has a mean CT number of its own
    clean = sums[:-1] + slopes * (number - sums[-1])
    # What is above a baseline has noise that is independent of that of the mean.
    moved = (1 - 2 / weight + squares) / seen.contrast.shape[-1]
    left = np.sqrt(squares + (slopes**2).mean(axis=0) * np.maximum(moved, 0))
    return Denoised(np.ascontiguousarray(clean[:, inside].T), basis, sd, left[inside])


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


def _soft(mean: FloatArray, known: Mask) -> FloatArray:
    """Return mean CT numbers within those of soft tissue, above their median; else 0.

    A vessel or calcification would otherwise set the line of all tissue around it.
    """
    number = np.clip(mean, *_SOFT_HU, dtype=np.float32)
    if known.any():
        number -= np.float32(np.median(number[known]))
    return np.asarray(number * known, np.float32)


def _slopes(
    scores: FloatArray,
    number: FloatArray,
    known: Mask,
    spacing: tuple[float, float, float],
) -> FloatArray:
    """Return how each score rises around each voxel with the CT number, per HU.

    Where CT numbers hardly differ this is 0.
    """
    sigma = [_LINE_MM / length for length in spacing]
    weight = np.maximum(_smooth(known.astype(np.float32), sigma), _FLOOR)
    middle = _smooth(number, sigma) / weight
    spread = _smooth(number * number, sigma) / weight - middle * middle
    spread = np.maximum(spread, 0) + np.float32(_LEAST_HU**2)
    return np.stack(
        [
            (_smooth(score * number, sigma) - _smooth(score, sigma) * middle)
            / (weight * spread)
            for score in scores
        ]
    )


def _compared(
    scores: FloatArray, mask: Mask, spacing: tuple[float, float, float], sd: float
) -> tuple[FloatArray, float]:
    """Smooth the scores that are compared; return them and the noise they have then."""
    sigma = [_COMPARED_MM / length for length in spacing]
    smooth = _smooth(scores, (0, *sigma))
    smooth /= np.maximum(_smooth(mask.astype(np.float32), sigma), _FLOOR)
    point = np.zeros([2 * math.ceil(_REACH * s) + 1 for s in sigma])
    point[tuple(n // 2 for n in point.shape)] = 1
    return smooth, sd * float(np.sqrt((_smooth(point, sigma) ** 2).sum()))


def _smooth(image: FloatArray | Array, sigma: Sequence[float]) -> FloatArray:
    return np.asarray(ndimage.gaussian_filter(image, sigma, truncate=_REACH))


def _sums(
    values: FloatArray,
    alike: FloatArray,
    sd: float,
    inside: Mask,
    known: Mask,
    spacing: tuple[float, float, float],
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Sum over neighbours: values by weight, weights, and squares of weights.

    Args:
        values: To be summed, 0 where not known.
        alike: What is compared.
        sd: Its noise.
        inside: Voxels to work on.
        known: Of these, those that have values.
        spacing: Distance between voxels in mm.
    """
    reach = _reach(spacing)
    steps = list(_steps(reach, spacing))
    around = [(n, n) for n in reach]
    near = np.pad(alike, [(0, 0), *around])
    there = np.pad(values, [(0, 0), *around])
    counts = np.pad(known.astype(np.float32), around)
    sums = np.zeros((len(values) + 2, *inside.shape), np.float32)
    unknown = inside & ~known
    rows = max(1, _AT_A_TIME // math.prod(inside.shape[1:]))

    def work(start: int) -> None:
        part = slice(start, min(start + rows, len(inside)))
        own, total, strange = alike[:, part], sums[:, part], unknown[part]
        some_strange = strange.any()
        shape = own.shape[1:]
        weighed = np.empty((len(values), *shape), np.float32)
        for step, share in steps:
            at = tuple(
                slice(first + n + d, first + n + d + size)
                for first, n, d, size in zip(
                    (start, 0, 0), reach, step, shape, strict=True
                )
            )
            weight = _likeness(own - near[:, *at], sd)
            if some_strange:
                weight[strange] = 1
            weight *= np.float32(share)
            weight *= counts[at]
            np.multiply(there[:, *at], weight, out=weighed)
            total[:-2] += weighed
            total[-2] += weight
            weight *= weight
            total[-1] += weight

    spread(work, range(0, len(inside), rows))
    return sums[:-2], sums[-2], sums[-1]


def _likeness(apart: FloatArray, sd: float) -> FloatArray:
    """Return 1 where curves differ as noise does, less where they differ more."""
    count = len(apart)
    apart *= apart
    excess = apart.sum(axis=0)
    excess *= np.float32(1 / (2 * sd**2))
    excess -= count
    np.maximum(excess, 0, out=excess)
    excess *= np.float32(-1 / math.sqrt(2 * count))
    return np.asarray(np.exp(excess, out=excess))


Step = tuple[int, int, int]


def _reach(spacing: tuple[float, float, float]) -> Step:
    """Return how many voxels to each side a neighbour may lie."""
    x, y, z = (min(_MOST_STEPS, int(_FAR_MM / mm)) for mm in spacing)
    return x, y, z


def _steps(
    reach: Step, spacing: tuple[float, float, float]
) -> Iterator[tuple[Step, float]]:
    """Yield each step to a neighbour, none included, and its weight by distance."""
    for x, y, z in np.ndindex(*(2 * n + 1 for n in reach)):
        step = x - reach[0], y - reach[1], z - reach[2]
        square = sum((d * mm) ** 2 for d, mm in zip(step, spacing, strict=True))
        if square <= _FAR_MM**2:
            yield step, math.exp(-square / 2 / _SIGMA_MM**2)
