"""Flow, volume and delay as means over all tissues that a curve may come from.

Boutelier et al. 2012 (doi:10.1109/TMI.2012.2189890) weigh models by how well they
explain a curve; here flow is eliminated in closed form and the rest lies on a grid.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from magic_model.data.volume import FloatArray
from magic_model.perfusion.denoising import Array, Denoised, Mask
from magic_model.perfusion.threads import spread
from magic_model.perfusion.tissues import Tissues

_AT_A_TIME = 40_000  # voxels times tissues: what they need fits a processor's cache
_LEAST_LOG = -60.0  # below, numbers lose digits and a processor its pace
_LEAST_SD = 0.02  # of a curve's size: what grid and artery are too coarse for
_USUAL_SD_S = 4.0  # of the delay, around that of the whole brain
_NEAR_SD_S = 1.5  # around that of the neighbours
_NEAR_MM = 4.0
_UNSURE_S = 0.3
_WIDE_S = 2.5  # delays further from those of the neighbours are left out
_TOGETHER_S = 1.0  # delays of voxels that are worked on together
_NEAR_SD = 0.2  # of the logarithm of the transit time, around that of the neighbours
_UNSURE = 0.1
_APART = 1.5  # of how far theirs lie apart
_WIDE = 2.4  # standard deviations
_TOGETHER = 0.2
_COARSE = (2, 2)  # delays and transit times at first, every so many
_FIRST_MM = 2.0  # and voxels about so far apart


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
    grid = _Grid.of(denoised, tissues).thinned()
    whole = denoised.scores.mean(axis=0, keepdims=True)
    size = 0.05 * np.linalg.norm(whole, axis=1) + 1e-6
    return float(grid.weigh(whole, size, _Near.anywhere(1, 0.0, 100.0)).delay[0])


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
    so none is chosen. Delay and transit time are near those of the neighbours (standard
    deviations 1.5 s and 20 %, more where theirs differ): their own, found in voxels
    about 2 mm apart with a delay within 4 s of that of the whole brain, averaged
    (Gaussian of 4 mm) with weights by how sure they are.

    Args:
        denoised: Curves of the voxels of the mask.
        tissues: What they may be.
        usual: Delay of the whole brain, in seconds.
        mask: Where the voxels lie.
        spacing: Distance between voxels in mm.
    """
    sd, grid = _noise(denoised), _Grid.of(denoised, tissues)
    some = _some_of(mask, spacing)
    picked = some[mask]
    scores = denoised.scores[picked]
    before = _Near.anywhere(len(scores), usual, _USUAL_SD_S)
    first = grid.thinned().weigh(scores, sd[picked], before)

    def nearby(values: Array, spread: Array, unsure: float) -> tuple[Array, Array]:
        weight = 1 / (spread**2 + unsure**2)
        mean = _around(values, weight, some, mask, spacing)
        square = _around(values**2, weight, some, mask, spacing)
        return mean, np.sqrt(np.maximum(square - mean**2, 0))

    delay, _ = nearby(first.delay, first.delay_sd, _UNSURE_S)
    transit, apart = nearby(first.transit, first.transit_sd, _UNSURE)
    wide = np.hypot(_NEAR_SD, _APART * apart)
    near = _Near(delay, np.full_like(delay, _NEAR_SD_S), transit, wide)
    return _closer(denoised.scores, sd, grid, near)


def _noise(denoised: Denoised) -> Array:
    """Return the noise that is left, never less than what grid and artery can tell."""
    size = np.linalg.norm(denoised.scores, axis=1)
    left = denoised.left * denoised.noise_sd
    return np.asarray(np.maximum(left, _LEAST_SD * size + 1e-6))


def _some_of(mask: Mask, spacing: tuple[float, float, float]) -> Mask:
    """Return voxels of a mask that lie about 2 mm apart in each slice, or all."""
    every = np.zeros_like(mask)
    x, y = (max(1, round(_FIRST_MM / mm)) for mm in spacing[:2])
    every[::x, ::y] = True
    return np.asarray(every & mask if (every & mask).any() else mask)


def _around(
    values: Array,
    weight: Array,
    some: Mask,
    mask: Mask,
    spacing: tuple[float, float, float],
) -> Array:
    """Return weighed means around each voxel of a mask, of values at some of them."""
    sigma = [_NEAR_MM / length for length in spacing]
    usual = float(np.average(values, weights=weight))

    def smoothed(inside: Array) -> Array:
        image = np.zeros(mask.shape, np.float32)
        image[some] = inside
        return np.asarray(ndimage.gaussian_filter(image, sigma, truncate=2.5)[mask])

    # Where none is near, that of all.
    total = smoothed(weight) + 1e-6 * float(weight.mean())
    return np.asarray(usual + smoothed(weight * (values - usual)) / total, np.float64)


@dataclass(frozen=True, eq=False)
class _Near:
    """What delay and logarithm of the transit time are expected in each voxel.

    Attributes:
        delay: In seconds.
        delay_sd: How far it may be off.
        transit: Logarithm of seconds.
        transit_sd: How far it may be off.
    """

    delay: Array
    delay_sd: Array
    transit: Array
    transit_sd: Array

    @classmethod
    def anywhere(cls, voxels: int, delay: float, sd: float) -> "_Near":
        """Expect a delay, and any transit time."""
        expected = np.full(voxels, delay), np.full(voxels, sd)
        return cls(*expected, np.zeros(voxels), np.full(voxels, math.inf))

    def weights(self, grid: "_Grid") -> tuple[FloatArray, FloatArray]:
        """Return how likely each tissue is before the curve, up to a constant.

        Returns:
            `(voxels, 5)` and `(5, tissues)`, whose product is the logarithm: squares
            of distances written out, so that no array of distances is made.
        """
        middle, usual = grid.delays.mean(), grid.transits.mean()  # else they cancel
        known = np.stack(
            [
                np.broadcast_to(values, grid.prior.shape).ravel()
                for delays, transits in [
                    ((grid.delays - middle)[:, None, None], grid.transits - usual)
                ]
                for values in (grid.prior, delays, delays**2, transits, transits**2)
            ]
        )
        delay, transit = 1 / self.delay_sd**2, 1 / self.transit_sd**2
        wanted = np.stack(
            [
                np.ones_like(delay),
                (self.delay - middle) * delay,
                -delay / 2,
                (self.transit - usual) * transit,
                -transit / 2,
            ],
            axis=1,
        )
        return wanted.astype("f4"), known.astype("f4")

    def of(self, these: slice | NDArray[np.intp]) -> "_Near":
        """Return what is expected of some voxels."""
        return _Near(
            self.delay[these],
            self.delay_sd[these],
            self.transit[these],
            self.transit_sd[these],
        )


def _closer(scores: FloatArray, sd: Array, grid: "_Grid", near: _Near) -> Estimate:
    """Weigh on the whole grid, but only tissues close to those of the neighbours."""
    late = np.floor(near.delay / _TOGETHER_S).astype(int)
    slow = np.floor(near.transit / _TOGETHER).astype(int)
    wide = np.ceil(near.transit_sd * _WIDE / _TOGETHER).astype(int)
    kinds, which = np.unique(np.stack([late, slow, wide]), axis=1, return_inverse=True)
    order = np.argsort(which.ravel(), kind="stable")
    ends = np.cumsum(np.bincount(which.ravel()))[:-1]
    found = np.zeros((4, len(sd)))
    for (delay, transit, reach), these in zip(
        kinds.T, np.split(order, ends), strict=True
    ):
        part = grid.around(
            (delay + 0.5) * _TOGETHER_S,
            (transit + 0.5) * _TOGETHER,
            (reach + 0.5) * _TOGETHER,
        )
        got = part.weigh(scores[these], sd[these], near.of(these))
        found[:, these] = got.flow, got.volume, got.delay, got.peak
    return Estimate(*found)


@dataclass(frozen=True, eq=False)
class _Weighed(Estimate):
    transit: Array
    delay_sd: Array
    transit_sd: Array


@dataclass(frozen=True, eq=False)
class _Grid:
    """Tissues as unit scores, with what each says.

    Attributes:
        unit: `(delays, shapes, transits, components)`, each of length 1.
        prior: `(delays, shapes, transits)`; logarithm of how likely each is.
        per_score: The same, and 2: flow and volume per unit of score.
        peak: The same, but for the last; time of the peak.
        delays: Of the tissues.
        transits: Logarithms of their transit times.
    """

    unit: FloatArray
    prior: FloatArray
    per_score: FloatArray
    peak: FloatArray
    delays: Array
    transits: Array

    @classmethod
    def of(cls, denoised: Denoised, tissues: Tissues) -> "_Grid":
        """Take all tissues."""
        scores = (tissues.curves @ denoised.basis.analysis.T).swapaxes(0, 1)
        length = np.maximum(np.linalg.norm(scores, axis=-1), 1e-6)
        transits = np.broadcast_to(tissues.transits, length.shape)
        return cls(
            (scores / length[..., None]).astype("f4"),
            np.log(transits / length).astype("f4"),  # integrated over all volumes
            np.stack([1 / length, transits / length], axis=-1).astype("f4"),
            tissues.peaks.swapaxes(0, 1).astype("f4"),
            tissues.delays,
            np.log(tissues.transits),
        )

    def _some(self, delays: slice, transits: slice) -> "_Grid":
        which = delays, slice(None), transits
        return _Grid(
            self.unit[which],
            self.prior[which],
            self.per_score[which],
            self.peak[which],
            self.delays[delays],
            self.transits[transits],
        )

    def thinned(self) -> "_Grid":
        """Return some of the delays and transit times."""
        return self._some(*(slice(None, None, every) for every in _COARSE))

    def around(self, delay: float, transit: float, reach: float) -> "_Grid":
        """Return the delays and transit times around some."""

        def close(values: Array, middle: float, reach: float) -> slice:
            at = np.flatnonzero(np.abs(values - middle) <= reach)
            nearest = int(np.abs(values - middle).argmin())
            return (
                slice(int(at[0]), int(at[-1]) + 1)
                if at.size
                else slice(nearest, nearest + 1)
            )

        return self._some(
            close(self.delays, delay, _WIDE_S + _TOGETHER_S / 2),
            close(self.transits, transit, reach),
        )

    def weigh(self, scores: FloatArray, sd: Array, near: _Near) -> _Weighed:
        """Return the means over all tissues, weighed by their probability."""
        facts = np.stack(
            [
                np.ones(self.prior.shape),
                *(
                    np.broadcast_to(values, self.prior.shape)
                    for values in (
                        self.delays[:, None, None],
                        self.delays[:, None, None] ** 2,
                        self.transits,
                        self.transits**2,
                    )
                ),
                self.peak,
            ],
            axis=-1,
        ).reshape(-1, 6)
        facts32 = facts.astype("f4")
        expected, known = near.weights(self)
        unit = np.ascontiguousarray(self.unit.reshape(-1, self.unit.shape[-1]).T)
        per_score = self.per_score.reshape(-1, 2)
        voxels = max(1, _AT_A_TIME // len(facts))
        parts = [
            slice(start, start + voxels) for start in range(0, len(scores), voxels)
        ]

        def work(part: slice) -> Array:
            scale = (sd[part] * math.sqrt(2)).astype("f4")[:, None]
            fit = scores[part] / scale @ unit
            np.maximum(fit, 0, out=fit)
            weight = expected[part] @ known
            weight += fit * fit
            weight -= weight.max(axis=1, keepdims=True)
            np.maximum(weight, _LEAST_LOG, out=weight)
            np.exp(weight, out=weight)
            sums = (weight @ facts32).astype(np.float64)
            weight *= fit
            total = sums[:, :1]
            says = (weight @ per_score) * scale / total
            return np.concatenate([says, sums[:, 1:] / total], axis=1).T

        means = np.concatenate(spread(work, parts), axis=1)
        flow, volume, delay, delay2, transit, transit2, peak = means
        delay_sd = np.sqrt(np.maximum(delay2 - delay**2, 0))
        transit_sd = np.sqrt(np.maximum(transit2 - transit**2, 0))
        return _Weighed(flow, volume, delay, peak, transit, delay_sd, transit_sd)
