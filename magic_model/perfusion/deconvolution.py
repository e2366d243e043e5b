"""Residue functions from curves and an arterial input: ways to deconvolve.

Tissue is `c(t) = integral of aif(t - s) k(s) ds`; `k` is the residue function times the
flow. All ways return `k` on even lags.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from magic_model.errors import Named
from magic_model.perfusion.denoising import Array, Basis

_THRESHOLD = 0.1  # singular values, as a share of the largest
_THRESHOLDS = np.geomspace(0.01, 0.95, 24)
_OSCILLATION = 0.035
_BEFORE_S = 6.0  # an artery may be seen later than tissue
_LAMBDAS = np.geomspace(1e-4, 1, 25)
_DRAWS = 48
_AREA_WEIGHT = 0.3


class Deconvolution(Named):
    """How the residue function is found."""

    SVD = "svd"
    CIRCULANT = "circulant"
    OSCILLATION = "oscillation"
    TIKHONOV = "tikhonov"
    BAYES = "bayes"


@dataclass(frozen=True, eq=False)
class Solver:
    """Deconvolution with one arterial input; made once, used on all voxels.

    Attributes:
        lags: Seconds after the artery, evenly spaced.
        solve: From curves `(voxels, frames)` to `k`, `(voxels, lags)` per second.
        area: `(frames,)`; the area of `k`, which is the volume of blood, is
            `curves @ area`.
        strength: The threshold or weight that was used; NaN where each voxel has its
            own.
    """

    lags: Array
    solve: Callable[[Array], Array]
    area: Array
    strength: float

    @property
    def step(self) -> float:
        """Seconds between lags."""
        return float(self.lags[1] - self.lags[0])


def svd(times: Array, aif: Array, threshold: float = _THRESHOLD) -> Solver:
    """Truncate the singular values of the causal convolution.

    Ostergaard et al. 1996, doi:10.1002/mrm.1910360510. Depends on the delay.
    """
    even, onto = _even(times)
    lags = even - even[0]
    matrix = _toeplitz(onto @ aif, len(even)) * lags[1]
    inverse = _truncated(matrix, threshold) @ onto
    return Solver(
        lags, lambda curves: curves @ inverse.T, _ratio(times, aif), threshold
    )


def circulant(times: Array, aif: Array, threshold: float = _THRESHOLD) -> Solver:
    """Truncate the singular values of the block-circulant convolution.

    Wu et al. 2003, doi:10.1002/mrm.10522. Does not depend on the delay.
    """
    lags, matrix, onto = _circulant(times, aif)
    inverse = _in_order(_truncated(matrix, threshold) @ onto)
    return Solver(
        lags, lambda curves: curves @ inverse.T, _ratio(times, aif), threshold
    )


def oscillation(times: Array, aif: Array, limit: float = _OSCILLATION) -> Solver:
    """Raise the threshold of `circulant` in each voxel until `k` oscillates little.

    Wu et al. 2003, doi:10.1002/mrm.10522: the oscillation index is at most `limit`.
    """
    lags, matrix, onto = _circulant(times, aif)
    inverses = [_in_order(_truncated(matrix, cut) @ onto) for cut in _THRESHOLDS]

    def solve(curves: Array) -> Array:
        found = curves @ inverses[0].T
        rough = _oscillates(found, limit)
        for inverse in inverses[1:]:
            if not rough.any():
                break
            found[rough] = curves[rough] @ inverse.T
            rough = _oscillates(found, limit)
        return found

    return Solver(lags, solve, _ratio(times, aif), float("nan"))


def tikhonov(times: Array, aif: Array, weight: float) -> Solver:
    """Weigh the misfit against the roughness (squared steps) of `k`.

    Lags begin 6 s before the artery, so that tissue that is reached earlier is seen,
    and frames may be unevenly spaced. The area of `k` is taken with a weight of 0.3 or
    more: noise moves it less then, and its size depends little on the weight.

    Args:
        times: Of the frames, in seconds.
        aif: Enhancement of the artery at these times.
        weight: Of the roughness, in units of the mean square of the convolution over
            that of the steps.
    """
    step = float(np.median(np.diff(times)))
    lags = np.arange(-_BEFORE_S, times[-1] - times[0] + step / 2, step)
    ago = times[:, None] - lags
    matrix = np.interp(ago, times, aif, left=0.0) * step
    rough = np.eye(len(lags)) - np.eye(len(lags), k=-1)  # k begins at 0
    normal, penalty = matrix.T @ matrix, rough.T @ rough
    scale = np.trace(normal) / np.trace(penalty)

    def inverse(heavy: float) -> Array:
        whole = normal + heavy * scale * penalty
        return np.asarray(np.linalg.solve(whole, matrix.T))

    steep = inverse(weight)
    area = inverse(max(weight, _AREA_WEIGHT)).sum(axis=0) * step
    return Solver(lags, lambda curves: curves @ steep.T, area, weight)


@dataclass(frozen=True, eq=False)
class Curves:
    """What the weight of `tikhonov` depends on beside times and artery.

    Attributes:
        basis: Curves that the denoised series is made of.
        sd: Noise that is left in a voxel and frame, in HU.
        baseline: Frames whose mean was taken off.
    """

    basis: Basis
    sd: float
    baseline: int


def choose_weight(times: Array, aif: Array, given: Curves) -> float:
    """Choose the weight of `tikhonov` by tissue whose flow is known.

    Tissue with exponential residues (MTT 4, 7 and 12 s, CBF 15, 30 and 60 mL/100g/min,
    delayed by 0 and 3 s) is made from this patient's artery at these times, gets noise
    as it is left by the denoising, and is deconvolved with each weight. That with the
    smallest sum of root mean square errors is taken: of log CBF, and of a tenth of Tmax
    in seconds. The draws are the same each time.

    Args:
        times: Of the frames, in seconds.
        aif: Enhancement of the artery.
        given: Noise and curves of the denoised series.
    """
    rng = np.random.default_rng(1)
    curves, height, delay = (np.repeat(a, _DRAWS, axis=0) for a in _tissue(times, aif))
    noise = given.sd * rng.standard_normal(curves.shape)
    noise -= noise[:, : given.baseline].mean(axis=1, keepdims=True)
    noisy = curves + noise @ given.basis.analysis.T @ given.basis.synthesis.T

    def error(weight: float) -> float:
        solver = tikhonov(times, aif, float(weight))
        k = solver.solve(noisy)
        ratio = np.log(np.maximum(k.max(axis=1), 1e-9) / height)
        late = (solver.lags[k.argmax(axis=1)] - delay) / 10
        return float(sum(np.sqrt(np.mean(x**2)) for x in (ratio, late)))

    return float(min(_LAMBDAS, key=error))


def prepare(method: Deconvolution, times: Array, aif: Array, curves: Curves) -> Solver:
    """Return the solver of a method that finds a residue function (not `BAYES`)."""
    if method == Deconvolution.TIKHONOV:
        return tikhonov(times, aif, choose_weight(times, aif, curves))
    ways = {
        Deconvolution.SVD: svd,
        Deconvolution.CIRCULANT: circulant,
        Deconvolution.OSCILLATION: oscillation,
    }
    return ways[method](times, aif)


def convolve(times: Array, aif: Array, mtt: float, delay: float) -> Array:
    """Return tissue of unit flow with an exponential residue, at the frames' times."""
    fine = np.arange(0, times[-1] - times[0] + 0.05, 0.1)
    seen = np.interp(times[:, None] - fine - delay, times, aif, left=0.0)
    return np.asarray(seen @ np.exp(-fine / mtt) * 0.1)


def _tissue(times: Array, aif: Array) -> tuple[Array, Array, Array]:
    kinds = [(f, m, d) for f in (15, 30, 60) for m in (4, 7, 12) for d in (0, 3)]
    height = np.array([f / 6000 * 1.05 / 0.7333 for f, _, _ in kinds])
    shapes = np.array([convolve(times, aif, m, d) for _, m, d in kinds])
    return shapes * height[:, None], height, np.array([float(d) for *_, d in kinds])


def _ratio(times: Array, aif: Array) -> Array:
    """Return what gives the area of a curve over that of the artery."""
    steps = np.diff(times, prepend=times[0], append=times[-1])
    share = (steps[:-1] + steps[1:]) / 2
    return np.asarray(share / (share @ aif))


def _even(times: Array) -> tuple[Array, Array]:
    """Return even times with the median step, and the interpolation onto them."""
    step = float(np.median(np.diff(times)))
    even: Array = np.arange(times[0], times[-1] + step / 2, step, dtype=np.float64)
    frames = np.eye(len(times))
    return even, np.stack([np.interp(even, times, row) for row in frames], axis=1)


def _toeplitz(aif: Array, size: int) -> Array:
    padded = np.concatenate([aif, np.zeros(max(0, size - len(aif)))])
    ago = np.subtract.outer(np.arange(size), np.arange(size))
    return np.where(ago >= 0, padded[ago], 0.0)


def _circulant(times: Array, aif: Array) -> tuple[Array, Array, Array]:
    """Return lags from negative to positive, the matrix, and what pads a curve."""
    even, onto = _even(times)
    frames = len(even)
    step = float(even[1] - even[0])
    padded = np.concatenate([onto @ aif, np.zeros(frames)])
    ago = np.subtract.outer(np.arange(2 * frames), np.arange(2 * frames))
    matrix = padded[ago % (2 * frames)] * step
    lags: Array = (np.arange(2 * frames, dtype=np.float64) - frames) * step
    return lags, matrix, np.concatenate([onto, np.zeros_like(onto)])


def _in_order(inverse: Array) -> Array:
    """Put the second half, which are the negative lags, first."""
    return np.roll(inverse, len(inverse) // 2, axis=0)


def _truncated(matrix: Array, threshold: float) -> Array:
    left, values, right = np.linalg.svd(matrix)
    kept = values >= threshold * values[0]
    return np.asarray((right.T[:, kept] / values[kept]) @ left.T[kept])


def _oscillates(k: Array, limit: float) -> NDArray[np.bool_]:
    highest = np.maximum(k.max(axis=1), 1e-12)
    second = np.abs(np.diff(k, n=2, axis=1)).sum(axis=1)
    return np.asarray(second / highest / k.shape[1] > limit)
