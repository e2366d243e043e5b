"""Flow, volume and delay as means over all tissues that a curve may come from.

Boutelier et al. 2012 (doi:10.1109/TMI.2012.2189890) weigh models by how well they
explain a curve; here flow is eliminated in closed form and the rest lies on a grid.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from magic_model.data.volume import FloatArray
from magic_model.perfusion.denoising import Array, Denoised, Mask
from magic_model.perfusion.tissues import Tissues

_AT_A_TIME = 2048  # voxels: what they need fits a processor's cache
_LEAST_SD = 0.02  # of a curve's size: what grid and artery are too coarse for
_USUAL_SD_S = 4.0  # of the delay, around that of the whole brain
_NEAR_SD_S = 1.5  # around that of the neighbours
_NEAR_MM = 4.0
_UNSURE_S = 0.3
_COARSE = 3  # transit times, every so many
_WIDE_S = 3.5  # delays further from those of the neighbours are left out
_TOGETHER = 2  # delays of voxels that are worked on together, in steps


@dataclass(frozen=True, eq=False)
class Estimate:
    """What was found in each voxel of a mask.

    Attributes:
        flow: Per second, as the maximum of the residue function `k`.
        volume: Area of `k`.
        delay: Seconds after the artery.
        peak: Time of the curve's maximum after the first frame, in seconds.
    """

    flow: Array
    volume: Array
    delay: Array
    peak: Array


def usual_delay(denoised: Denoised, tissues: Tissues) -> float:
    """Return the delay of the mean curve of a brain, in seconds after the artery.

    Args:
        denoised: Curves of its voxels.
        tissues: What they may be.
    """
    coarse = _Grid.of(denoised, tissues, slice(None, None, 2), _COARSE)
    whole = denoised.scores.mean(axis=0, keepdims=True)
    size = 0.05 * np.linalg.norm(whole, axis=1) + 1e-6
    return float(coarse.weigh(whole, size, np.zeros(1), 100.0).delay[0])


def estimate(
    denoised: Denoised,
    tissues: Tissues,
    usual: float,
    mask: Mask,
    spacing: tuple[float, float, float],
) -> Estimate:
    """Weigh every tissue by how well it explains the curve of a voxel.

    Before a curve is seen volume, the logarithm of the transit time and all shapes of
    residue are equally likely everywhere. No curve tells the shape well: one that
    decays at once and one with a plateau fit alike, with flows that differ by a third,
    so none is chosen. The delay is near that of the neighbours (standard deviation 1.5
    s): their own, found with a standard deviation of 4 s around that of the whole
    brain, averaged (Gaussian of 4 mm) with weights by how sure they are.

    Args:
        denoised: Curves of the voxels of the mask.
        tissues: What they may be.
        usual: Delay of the whole brain, in seconds.
        mask: Where the voxels lie.
        spacing: Distance between voxels in mm.
    """
    sd = _noise(denoised)
    coarse = _Grid.of(denoised, tissues, slice(None, None, 2), _COARSE)
    centre = np.full(len(sd), usual)
    first = coarse.weigh(denoised.scores, sd, centre, _USUAL_SD_S)
    weight = 1 / (first.delay_sd**2 + _UNSURE_S**2)
    near = _smoothed(weight * first.delay, mask, spacing)
    near /= np.maximum(_smoothed(weight, mask, spacing), 1e-9)
    return _closer(denoised, tissues, near, sd)


def _noise(denoised: Denoised) -> Array:
    """Return the noise that is left, never less than what grid and artery can tell."""
    size = np.linalg.norm(denoised.scores, axis=1)
    left = denoised.left * denoised.noise_sd
    return np.asarray(np.maximum(left, _LEAST_SD * size + 1e-6))


def _smoothed(
    values: Array, mask: Mask, spacing: tuple[float, float, float]
) -> NDArray[np.float32]:
    image = np.zeros(mask.shape, np.float32)
    image[mask] = values
    sigma = [_NEAR_MM / length for length in spacing]
    return np.asarray(ndimage.gaussian_filter(image, sigma, truncate=2.5)[mask])


def _closer(
    denoised: Denoised,
    tissues: Tissues,
    near: NDArray[np.float32],
    sd: Array,
) -> Estimate:
    """Weigh on the whole grid, but only delays close to those of the neighbours."""
    delays = tissues.delays
    step = float(delays[1] - delays[0])
    groups = np.floor((near - delays[0]) / (step * _TOGETHER)).astype(int)
    found = np.zeros((4, len(near)))
    for group in np.unique(groups):
        these = groups == group
        middle = delays[0] + (group + 0.5) * step * _TOGETHER
        close = np.flatnonzero(np.abs(delays - middle) <= _WIDE_S + step)
        grid = _Grid.of(denoised, tissues, slice(close[0], close[-1] + 1), 1)
        got = grid.weigh(denoised.scores[these], sd[these], near[these], _NEAR_SD_S)
        found[:, these] = got.flow, got.volume, got.delay, got.peak
    return Estimate(*found)


@dataclass(frozen=True, eq=False)
class _Weighed(Estimate):
    delay_sd: Array


@dataclass(frozen=True, eq=False)
class _Grid:
    """Tissues as unit scores, with what each says.

    Attributes:
        unit: `(tissues, components)`, each of length 1.
        prior: Logarithm of how likely each is, but for its delay.
        says: `(tissues, 3)`: per unit of score, flow and volume; time of the peak.
        delays: Of the tissues, in groups of equal size.
    """

    unit: FloatArray
    prior: FloatArray
    says: FloatArray
    delays: Array

    @classmethod
    def of(
        cls,
        denoised: Denoised,
        tissues: Tissues,
        which: slice,
        every: int,
    ) -> "_Grid":
        """Take some delays and some transit times."""
        curves = tissues.curves[:, which, ::every].swapaxes(0, 1)
        transits = np.broadcast_to(tissues.transits[::every], curves.shape[:-1])
        scores = curves @ denoised.basis.analysis.T
        length = np.maximum(np.linalg.norm(scores, axis=-1), 1e-6)
        peaks = tissues.peaks[:, which, ::every].swapaxes(0, 1)
        says = np.stack([1 / length, transits / length, peaks], axis=-1)
        # Integrated over all volumes.
        prior = np.log(transits / length)
        unit = scores / length[..., None]
        return cls(
            unit.reshape(-1, unit.shape[-1]).astype("f4"),
            prior.ravel().astype("f4"),
            says.reshape(-1, 3).astype("f4"),
            tissues.delays[which],
        )

    def weigh(
        self, scores: FloatArray, sd: Array, near: NDArray[np.floating], near_sd: float
    ) -> _Weighed:
        """Return the means over all tissues, weighed by their probability."""
        parts = [
            self._some(
                scores[s : s + _AT_A_TIME],
                sd[s : s + _AT_A_TIME],
                near[s : s + _AT_A_TIME],
                near_sd,
            )
            for s in range(0, len(scores), _AT_A_TIME)
        ]
        return _Weighed(*np.concatenate(parts, axis=1))

    def _some(
        self,
        scores: FloatArray,
        sd: Array,
        near: NDArray[np.floating],
        near_sd: float,
    ) -> Array:
        like = np.maximum(scores @ self.unit.T, 0)
        weight = like / sd.astype("f4")[:, None]
        weight *= weight
        weight *= np.float32(0.5)
        weight += self.prior
        away = (self.delays - near[:, None]) / near_sd
        by_delay = weight.reshape(len(scores), len(self.delays), -1)
        by_delay -= (0.5 * away**2).astype("f4")[..., None]
        weight -= weight.max(axis=1, keepdims=True)
        np.exp(weight, out=weight)
        each = by_delay.shape[2]
        share = (weight.reshape(-1, each) @ np.ones(each, "f4")).reshape(
            by_delay.shape[:2]
        )
        total = share.sum(axis=1, dtype=np.float64)
        peak = weight @ self.says[:, 2] / total
        weight *= like
        flow, volume = (weight @ self.says[:, :2] / total[:, None]).T
        delay = share @ self.delays / total
        spread = np.maximum(share @ self.delays**2 / total - delay**2, 0)
        return np.stack([flow, volume, delay, peak, np.sqrt(spread)])
