"""The blood supply of a phantom's tissue, and the exact maps that follow from it."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from magic_model.data.volume import FloatArray, Kind
from magic_model.phantom import kinetics
from magic_model.phantom.anatomy import Anatomy, BoolArray
from magic_model.phantom.grid import random_field


@dataclass(frozen=True)
class _TissuePerfusion:
    """Perfusion of a tissue.

    Attributes:
        cbf: Flow in mL/100g/min where the tissue is healthy.
        cbf_change: Largest departure from it, upwards or downwards.
        mtt: Transit time in s where the tissue is healthy.
        mtt_change: Largest departure from it, in the opposite sense to flow.
        delays_s: Delay of the bolus where the flow is reduced to `_REDUCED_FLOWS`.
        delay_change: Largest departure from it, later where healthy flow is low.
    """

    cbf: float
    cbf_change: float
    mtt: float
    mtt_change: float
    delays_s: tuple[float, ...]
    delay_change: float

    def healthy_cbf(self, variation: FloatArray) -> FloatArray:
        """Flow where the local variation, -1 to 1, has these values."""
        cbf: FloatArray = self.cbf - self.cbf_change * variation
        return cbf

    def healthy_cbv(self, variation: FloatArray) -> FloatArray:
        """Blood volume in mL/100g under the same variation."""
        mtt: FloatArray = self.mtt + self.mtt_change * variation
        cbv: FloatArray = self.healthy_cbf(variation) * mtt / np.float32(60)
        return cbv

    def delay_s(self, flow: FloatArray, variation: FloatArray) -> FloatArray:
        """Delay where this share of the flow is left.

        It varies in healthy tissue, and less and less where a lesion sets it.
        """
        delay = np.interp(flow, _REDUCED_FLOWS, self.delays_s)
        healthy = np.clip((flow - _REDUCED_FLOWS[2]) / (1 - _REDUCED_FLOWS[2]), 0, 1)
        change = np.float32(self.delay_change) * healthy * variation
        varied: FloatArray = (delay + change).astype(np.float32)
        return varied


_REDUCED_FLOWS = (0.10, 0.30, 0.53, 0.70, 1.0)
"""Shares of normal flow, from the middle of a core to healthy tissue."""

_VOLUME_FLOWS = (0.10, 0.30, 0.50)
_REMAINING_VOLUMES = (0.215, 0.91, 1.0)
"""Share of blood volume left then: vessels widen until the flow is that of core.

With 0.30 and 0.10, flow, volume and delay are those of the reduced and severely reduced
tissue of the digital perfusion phantom of Riordan (2011) and Manhart (2013), from which
come the values of healthy grey and white matter as well; but for the delay of reduced
grey matter (4 s there). At 0.53, the border of the tissue at risk, Tmax passes 6 s.
"""

_GREY = _TissuePerfusion(53.0, 14.0, 3.74, 0.7, (9.0, 7.0, 5.0, 3.0, 1.0), 0.7)
_WHITE = _TissuePerfusion(25.0, 14.0, 4.56, 0.7, (12.0, 8.0, 5.0, 3.4, 1.8), 1.0)
_CSF = _TissuePerfusion(1.0, 0.0, 5.0, 0.0, (9.0, 7.0, 5.0, 3.4, 1.8), 1.0)
_VESSEL = _TissuePerfusion(150.0, 0.0, 4.0, 0.0, (6.0, 4.5, 3.0, 1.5, 0.0), 0.0)

_VARIATION = ((36.0, 0.2), (9.0, 0.17))
"""Spacing in mm and deviation of the fields by which flow varies between places."""


@dataclass(frozen=True, eq=False)
class Flow:
    """What reaches the voxels of a tissue, in a row each.

    Attributes:
        cbf: In mL/100g/min.
        cbv: In mL/100g.
        delay_s: After the artery, weighted by the shares of the tissues.
    """

    cbf: FloatArray
    cbv: FloatArray
    delay_s: FloatArray

    @property
    def mtt(self) -> FloatArray:
        """Transit time in s by the central volume principle."""
        return np.asarray(60 * self.cbv / self.cbf)


@dataclass(frozen=True, eq=False)
class Supply:
    """Blood supply of the voxels of the brain on the maps, in a row each.

    Attributes:
        brain: The voxels, whole frame.
        whole: Flow with large vessels counted as a tissue.
        tissue: Flow without them, of all that is no vessel.
        arteries: Share of arterial blood in large vessels.
        arteries_delay_s: Delay of that.
        veins: Share of venous blood.
    """

    brain: BoolArray
    whole: Flow
    tissue: Flow
    arteries: FloatArray
    arteries_delay_s: FloatArray
    veins: FloatArray


def draw_supply(anatomy: Anatomy, flow: FloatArray, rng: np.random.Generator) -> Supply:
    """Draw the blood supply.

    Flow and volume of a voxel are the sums over its tissues, reduced by the lesion.

    Args:
        anatomy: The head.
        flow: Share of normal flow that is left, on the maps.
        rng: Source of chance for the variation from place to place.
    """
    grid, brain, shares = anatomy.grid, anatomy.brain, anatomy.map_tissues
    variation = grid.on_maps(_variation(grid.node_axes_mm, rng))[brain]
    grey, vessel = shares.grey[brain], shares.vessel[brain]
    variation -= np.average(variation, weights=grey)  # patients differ in place only
    np.clip(variation, -1, 1, out=variation)
    tissues = [
        (_GREY, grey),
        (_WHITE, shares.white[brain]),
        (_CSF, shares.csf[brain]),
    ]
    left = flow[brain]
    veins = np.minimum(anatomy.map_veins[brain], vessel)
    return Supply(
        brain=brain,
        whole=_sum([*tissues, (_VESSEL, vessel)], left, variation),
        tissue=_sum(tissues, left, variation),
        arteries=vessel - veins,
        arteries_delay_s=_VESSEL.delay_s(left, variation),
        veins=veins,
    )


def exact_maps(supply: Supply) -> dict[Kind, FloatArray]:
    """Return CBF, CBV, MTT, TTP and Tmax as they are, 0 outside the brain.

    MTT = 60 CBV / CBF; TTP counts from the first frame; Tmax is the time after the
    artery at which the residue function, delayed and dispersed, is at its maximum.
    """
    flow = supply.whole
    mtt = flow.mtt
    values = {
        Kind.CBF: flow.cbf,
        Kind.CBV: flow.cbv,
        Kind.MTT: mtt,
        Kind.TTP: kinetics.time_to_peak(mtt, flow.delay_s),
        Kind.TMAX: kinetics.time_to_maximum(flow.delay_s),
    }
    maps = {kind: np.zeros(supply.brain.shape, dtype=np.float32) for kind in values}
    for kind, inside in values.items():
        maps[kind][supply.brain] = inside
    return maps


def _sum(
    mixture: list[tuple[_TissuePerfusion, FloatArray]],
    left: FloatArray,
    variation: FloatArray,
) -> Flow:
    volume = np.interp(left, _VOLUME_FLOWS, _REMAINING_VOLUMES).astype(np.float32)
    share: FloatArray = np.maximum(_total(s for _, s in mixture), np.float32(1e-6))
    delay: FloatArray = _total(s * t.delay_s(left, variation) for t, s in mixture)
    return Flow(
        cbf=left * _total(s * t.healthy_cbf(variation) for t, s in mixture),
        cbv=volume * _total(s * t.healthy_cbv(variation) for t, s in mixture),
        delay_s=delay / share,
    )


def _variation(axes_mm: list[FloatArray], rng: np.random.Generator) -> FloatArray:
    return _total(
        np.float32(sd) * random_field(axes_mm, spacing, rng)
        for spacing, sd in _VARIATION
    )


def _total(parts: Iterable[FloatArray]) -> FloatArray:
    first, *others = parts
    return sum(others, start=first)
