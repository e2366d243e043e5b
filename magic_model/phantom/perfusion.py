"""Perfusion maps of a head: flow, volume, transit time, time to peak and Tmax.

Times follow from an arterial input function through a box-exponential residue. Both are
those of the digital brain perfusion phantom of Riordan (2011) and Manhart (2013), in
which the bolus peaks 19 s after the start of the scan; here it comes `_EARLIER_S`
sooner, so that times to peak fall into the range 0 to 25 s of the paper.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from magic_model.data.volume import FloatArray, Kind
from magic_model.phantom.anatomy import Anatomy
from magic_model.phantom.grid import random_field

_AIF_HU = (
    0, 0, 0, 0, 25, 105, 220, 350, 440, 485, 430, 300, 180, 110, 104, 108, 115, 125,
    115, 108, 98, 90, 98, 108, 112,
)  # fmt: skip
_AIF_START_S, _AIF_STEP_S = 1.0, 2.0
_EARLIER_S = 10.0
_STEP_S = 0.05
_LONGEST_MTT_S = 30.0


def time_to_peak(mtt_s: FloatArray, delay_s: FloatArray) -> FloatArray:
    """Time from the start of the scan to the peak of the tissue curve, in s.

    Args:
        mtt_s: Mean transit time in s, up to 30.
        delay_s: How much later the bolus comes than in the artery, in s.
    """
    mtts, peaks = _peak_times()
    ttp: FloatArray = (np.interp(mtt_s, mtts, peaks) + delay_s).astype(np.float32)
    return ttp


def time_to_maximum(mtt_s: FloatArray, delay_s: FloatArray) -> FloatArray:
    """Tmax in s: delay plus half of the mean transit time.

    Deconvolution that smooths puts the maximum into the middle of the box (Calamante et
    al., Stroke 2010;41:1169).
    """
    return delay_s + mtt_s / np.float32(2)


def residue(time_s: NDArray[np.float64], mtt_s: float) -> NDArray[np.float64]:
    """Share of the bolus still in the tissue: 1 for the transit time, then falling."""
    return np.where(time_s < mtt_s, 1.0, np.exp(np.minimum(mtt_s - time_s, 0)))


@dataclass(frozen=True)
class TissuePerfusion:
    """Perfusion of a tissue.

    Attributes:
        cbf: Flow in mL/100g/min where the tissue is healthy.
        cbf_change: Largest departure from it, upwards or downwards.
        mtt: Transit time in s where the tissue is healthy.
        mtt_change: Largest departure from it, in the opposite sense to flow.
        delays_s: Delay of the bolus where the flow is reduced to `REDUCED_FLOWS`.
    """

    cbf: float
    cbf_change: float
    mtt: float
    mtt_change: float
    delays_s: tuple[float, ...]

    def healthy_cbf(self, variation: FloatArray) -> FloatArray:
        """Flow where the local variation, -1 to 1, has these values."""
        cbf: FloatArray = self.cbf - self.cbf_change * variation
        return cbf

    def healthy_cbv(self, variation: FloatArray) -> FloatArray:
        """Blood volume in mL/100g under the same variation."""
        mtt: FloatArray = self.mtt + self.mtt_change * variation
        cbv: FloatArray = self.healthy_cbf(variation) * mtt / np.float32(60)
        return cbv

    def delay_s(self, flow: FloatArray) -> FloatArray:
        """Delay where this share of the flow is left."""
        delay: FloatArray = np.interp(flow, REDUCED_FLOWS, self.delays_s).astype("f4")
        return delay


REDUCED_FLOWS = (0.10, 0.30, 0.50, 0.60, 1.0)
"""Shares of normal flow, from the middle of a core to healthy tissue."""

REMAINING_VOLUMES = (0.215, 0.91, 1.0, 1.0, 1.0)
"""Share of blood volume left then: vessels widen until the flow is that of core.

With 0.30 and 0.10, flow, volume and delay are those of the reduced and severely reduced
tissue of the digital perfusion phantom of Riordan (2011) and Manhart (2013), from which
come the values of healthy grey and white matter as well.
"""

GREY = TissuePerfusion(53.0, 14.0, 3.74, 0.7, (9.0, 4.0, 2.9, 1.6, 1.0))
WHITE = TissuePerfusion(25.0, 14.0, 4.56, 0.7, (12.0, 8.0, 3.2, 1.6, 1.0))
CSF = TissuePerfusion(1.0, 0.0, 5.0, 0.0, (9.0, 4.0, 2.9, 1.6, 1.0))
VESSEL = TissuePerfusion(150.0, 0.0, 4.0, 0.0, (6.0, 3.5, 2.9, 1.0, 0.5))

_VARIATION = ((36.0, 0.2), (9.0, 0.17))
"""Spacing in mm and deviation of the fields by which flow varies between places."""

Mixture = list[tuple[TissuePerfusion, FloatArray]]


def perfusion_maps(
    anatomy: Anatomy, flow: FloatArray, rng: np.random.Generator
) -> dict[Kind, FloatArray]:
    """Work out CBF, CBV, MTT, TTP and Tmax, 0 outside the brain.

    Flow and volume of a voxel are the sums over its tissues, reduced by the lesion; its
    transit time follows by the central volume principle, MTT = 60 CBV / CBF.

    Args:
        anatomy: The head.
        flow: Share of normal flow that is left, on the maps.
        rng: Source of chance for the variation from place to place.
    """
    grid, brain, shares = anatomy.grid, anatomy.brain, anatomy.map_tissues
    variation = grid.on_maps(_variation(grid.node_axes_mm, rng))[brain]
    grey = shares.grey[brain]
    variation -= np.average(variation, weights=grey)  # patients differ in place only
    np.clip(variation, -1, 1, out=variation)
    tissues: Mixture = [
        (GREY, grey),
        (WHITE, shares.white[brain]),
        (CSF, shares.csf[brain]),
        (VESSEL, shares.vessel[brain]),
    ]
    left = flow[brain]
    volume = np.interp(left, REDUCED_FLOWS, REMAINING_VOLUMES).astype(np.float32)

    cbf = left * _total(s * t.healthy_cbf(variation) for t, s in tissues)
    cbv = volume * _total(s * t.healthy_cbv(variation) for t, s in tissues)
    mtt = 60 * cbv / cbf
    delay = _total(s * t.delay_s(left) for t, s in tissues)
    values = {
        Kind.CBF: cbf,
        Kind.CBV: cbv,
        Kind.MTT: mtt,
        Kind.TTP: time_to_peak(mtt, delay),
        Kind.TMAX: time_to_maximum(mtt, delay),
    }
    maps = {kind: np.zeros(brain.shape, dtype=np.float32) for kind in values}
    for kind, inside in values.items():
        maps[kind][brain] = inside
    return maps


@lru_cache(maxsize=1)
def _peak_times() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Time to peak without delay for transit times from 0 to 30 s."""
    samples = _AIF_START_S + _AIF_STEP_S * np.arange(len(_AIF_HU))
    time = np.arange(0, samples[-1] + _STEP_S / 2, _STEP_S)
    arterial = np.interp(time, samples, _AIF_HU)
    mtts = np.arange(0.25, _LONGEST_MTT_S + 0.1, 0.25)
    peaks = [
        time[np.argmax(np.convolve(arterial, residue(time, mtt))[: len(time)])]
        for mtt in mtts
    ]
    return mtts, np.array(peaks) - _EARLIER_S


def _variation(axes_mm: list[FloatArray], rng: np.random.Generator) -> FloatArray:
    return _total(
        np.float32(sd) * random_field(axes_mm, spacing, rng)
        for spacing, sd in _VARIATION
    )


def _total(parts: Iterable[FloatArray]) -> FloatArray:
    first, *others = parts
    return sum(others, start=first)
