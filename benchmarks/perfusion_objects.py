"""Objects of known perfusion over time, made without the code that is tested."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
from scipy import special

from magic_model.data.grid import resample
from magic_model.data.volume import Kind
from magic_model.maps import PerfusionMap
from magic_model.perfusion.series import Series
from magic_model.phantom.generate import plan_cohort
from magic_model.phantom.patient import Phantom, simulate
from magic_model.severity import Severity

Shape = Literal["exponential", "gamma", "linear", "box"]

FLOWS, TRANSITS, DELAYS = (10, 20, 40, 60), (4, 8, 12), (0, 3)
PUBLISHED = [
    (2.5 * n * volume, 24 / n, delay)
    for volume in (1, 2, 3, 4, 5)
    for delay in (0, 0.5, 1, 1.5, 2, 2.5, 3)
    for n in (1, 2, 3, 4, 5, 6, 7)
]
"""CBF, MTT and delay of the phantom of Kudo et al. 2013 (doi:10.1148/radiol.12112618):
CBV 1 to 5 mL/100g, MTT 24 to 3.4 s, so CBF 2.5 to 87.5 mL/100g/min."""
TILE = 10
TIMES = np.arange(50.0)
K = 1.05 / ((1 - 0.45) / (1 - 0.25)) / 6000  # from CBF to k
ARTERY, VEIN = (2, 2, 0), (2, 20, 0)
_FINE_S = 0.05

Floats = np.ndarray[Any, np.dtype[np.float64]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True, eq=False)
class Known:
    """A series with its truth.

    Attributes:
        series: HU over time.
        brain: Voxels of tissue.
        labels: Tile of each voxel, from 1; 0 elsewhere.
        truth: By map, a value for each tile.
    """

    series: Series
    brain: Mask
    labels: np.ndarray[Any, np.dtype[np.int64]]
    truth: dict[PerfusionMap, Floats]


@dataclass(frozen=True, eq=False)
class Head:
    """A digital patient over time; each voxel of the brain is a tile of its own.

    Attributes:
        known: Series and truth.
        tissue: Voxels of grey and white matter by nine tenths.
        grey: Of these, grey matter.
        voxel_ml: Volume of a voxel.
    """

    known: Known
    tissue: Mask
    grey: Mask
    voxel_ml: float

    def on_grid(self, values: Floats) -> Floats:
        """Put values of the brain's voxels onto the grid, 0 elsewhere."""
        image = np.zeros(self.known.brain.shape)
        image[self.known.brain] = values
        return image


def artery(times: np.ndarray, arrival: float = 8.0) -> np.ndarray:
    """Return a bolus of 300 HU with a tail that stays (recirculation)."""
    t = np.maximum(times - arrival, 0)
    bolus = 300 * (t / 4.5) ** 3 * np.exp(3 * (1 - t / 4.5))
    return np.asarray(bolus + 25 * (1 - np.exp(-t / 12)))


def residue(seconds: np.ndarray, mtt: float, shape: Shape = "exponential") -> Floats:
    """Return the share of an instant bolus still in the tissue; its area is `mtt`.

    A gamma residue is that of transit times with a gamma distribution of shape 3; a
    line falls evenly over twice the transit time; a box keeps all for the transit time
    and then nothing.
    """
    if shape == "linear":
        return np.asarray(np.maximum(1 - seconds / (2 * mtt), 0.0))
    if shape == "box":
        return np.asarray(np.clip((mtt - seconds) / _FINE_S + 0.5, 0.0, 1.0))
    if shape == "gamma":
        return np.asarray(special.gammaincc(3.0, 3.0 * seconds / mtt))
    return np.asarray(np.exp(-seconds / mtt))


def passage(
    times: np.ndarray, mtt: float, delay: float, shape: Shape = "exponential"
) -> Floats:
    """Return the enhancement of tissue of unit `k` behind the true artery.

    The artery is known at every time here, and not at the frames alone.
    """
    return np.asarray(np.interp(times - delay, _fine(), _behind(mtt, shape), left=0.0))


@cache
def _fine() -> Floats:
    return np.arange(0.0, 90.0, _FINE_S)


@cache
def _behind(mtt: float, shape: Shape) -> Floats:
    fine = _fine()
    left = residue(fine, mtt, shape) * _FINE_S
    left[0] /= 2
    return np.convolve(artery(fine), left)[: len(fine)]


def make_object(
    noise_hu: float,
    tissues: Sequence[tuple[float, float, float]] | None = None,
    spacing: tuple[float, float, float] = (2.2, 2.2, 5.0),
    shape: Shape = "exponential",
) -> Known:
    """Return tiles of tissue (CBF, MTT, delay) beside an artery and a vein."""
    kinds = tissues or [(f, m, d) for f in FLOWS for m in TRANSITS for d in DELAYS]
    across = min(6, len(kinds))
    down = -(-len(kinds) // across)
    size = (6 + across * TILE, max(down * TILE, 24), 2)
    labels = np.zeros(size, int)
    hu = np.full((*size, len(TIMES)), 33.0)
    hu[1:4, 1:4] += artery(TIMES)
    hu[1:4, 18:23] += passage(TIMES, 3.0, 4.0) / 3
    for n, (flow, transit, delay) in enumerate(kinds):
        x, y = 6 + n % across * TILE, n // across * TILE
        labels[x : x + TILE, y : y + TILE] = n + 1
        curve = flow * K * passage(TIMES, transit, delay, shape)
        hu[x : x + TILE, y : y + TILE] += curve
    hu += noise_hu * np.random.default_rng(3).standard_normal(hu.shape)
    flows, transits, delays = (np.array(x, float) for x in zip(*kinds, strict=True))
    series = Series(hu.astype(np.float32), np.diag([*spacing, 1.0]), TIMES)
    truth = {
        PerfusionMap.CBF: flows,
        PerfusionMap.CBV: flows * transits / 60,
        PerfusionMap.MTT: transits,
        PerfusionMap.TMAX: delays,
    }
    return Known(series, labels > 0, labels, truth)


CORE_ML, AT_RISK_ML = 5.0, 40.0
_CORE_FLOW, _CORE_VOLUME, _CORE_DELAY_S = 0.15, 0.5, 9.0
_RISK_FLOW, _RISK_DELAY_S, _USUAL_DELAY_S = 0.5, 7.5, 1.0
_EDGE_MM = 1.0


def make_head(
    noise_hu: float, step_s: float = 1.5, shape: Shape = "exponential", seed: int = 3
) -> Head:
    """Return a digital patient of 0.9 x 0.9 x 10 mm voxels with a planted lesion.

    Grey and white matter, ventricles and vessels are those of a phantom without lesion
    (flow and volume vary from place to place). Into one side comes tissue at risk of 40
    mL (half of the flow, all of the volume, delay 7.5 s) with a core of 5 mL (15 % of
    the flow, half of the volume, delay 9 s); delay is 1 s elsewhere. Borders of the
    lesion are 1 mm wide. Transit times are rounded to 0.1 s for the curves.
    """
    patient = _healthy(seed)
    images, shares = patient.images, patient.tissues
    healthy = images[Kind.CBF]
    head = resample(patient.noise_free, healthy.affine, healthy.shape).array
    brain = healthy.array > 0
    x, y, _ = np.argwhere(brain).mean(axis=0).astype(int)
    brain[x - 2 : x + 3, y - 2 : y + 3] = False
    flow, volume, delay = _lesion(shares.grey + shares.white, brain, healthy.voxel_ml)
    cbf = healthy.array * flow
    cbv = images[Kind.CBV].array * volume
    truth = {
        PerfusionMap.CBF: cbf[brain].astype(float),
        PerfusionMap.CBV: cbv[brain].astype(float),
        PerfusionMap.MTT: 60 * cbv[brain].astype(float) / cbf[brain],
        PerfusionMap.TMAX: delay[brain],
    }
    times = np.arange(0, 60, step_s)
    hu = np.repeat(head[..., None], len(times), axis=3).astype(np.float32)
    hu[brain] += _enhancement(truth, times, shape)
    hu[x - 1 : x + 2, y - 1 : y + 2] += artery(times).astype(np.float32)
    back = int(np.argwhere(brain)[:, 1].min())
    hu[x - 2 : x + 3, back - 2 : back + 2] += passage(times, 3.0, 4.0) / 3
    rng = np.random.default_rng(seed)
    hu += noise_hu * rng.standard_normal(hu.shape, dtype=np.float32)
    labels = np.zeros(brain.shape, int)
    labels[brain] = np.arange(brain.sum()) + 1
    known = Known(Series(hu, healthy.affine, times), brain, labels, truth)
    tissue = shares.grey + shares.white >= 0.9
    return Head(known, tissue & brain, shares.grey > 0.5, healthy.voxel_ml)


@cache
def _healthy(seed: int) -> Phantom:
    """Return the first patient without a lesion, from a seed on."""
    while True:
        planned = plan_cohort({Severity.NONE: 1}, seed)[0]
        patient = simulate(planned.spec, planned.rng())
        if patient.lesion is None:
            return patient
        seed += 1


def _lesion(
    tissue: np.ndarray, brain: Mask, voxel_ml: float
) -> tuple[Floats, Floats, Floats]:
    """Return shares of flow and volume, and delay; only matter counts for mL."""
    x, y, _ = np.argwhere(brain).mean(axis=0)
    width = np.ptp(np.argwhere(brain)[:, 0])
    middle = np.array([x + 0.3 * width, y, brain.shape[2] // 2])
    place = np.moveaxis(np.indices(brain.shape), 0, -1) - middle
    away = np.sqrt((place**2 * [0.9**2, 0.9**2, 10.0**2]).sum(axis=-1))
    order = np.sort(away[brain & (tissue >= 0.9)])
    core_mm, risk_mm = (order[int(ml / voxel_ml)] for ml in (CORE_ML, AT_RISK_ML))

    def inside(radius: float) -> Floats:
        return np.asarray(np.clip((radius - away) / _EDGE_MM + 0.5, 0, 1))

    core, risk = inside(core_mm), inside(risk_mm)

    def mixed(in_core: float, at_risk: float, usual: float) -> Floats:
        return usual + (at_risk - usual) * risk + (in_core - at_risk) * core

    return (
        mixed(_CORE_FLOW, _RISK_FLOW, 1.0),
        mixed(_CORE_VOLUME, 1.0, 1.0),
        mixed(_CORE_DELAY_S, _RISK_DELAY_S, _USUAL_DELAY_S),
    )


def _enhancement(
    truth: dict[PerfusionMap, Floats], times: np.ndarray, shape: Shape
) -> np.ndarray:
    transit = np.round(np.clip(truth[PerfusionMap.MTT], 1, 40), 1)
    kinds, which = np.unique(transit, return_inverse=True)
    cbf, delay = truth[PerfusionMap.CBF], truth[PerfusionMap.TMAX]
    found = np.empty((len(transit), len(times)), np.float32)
    for n, mtt in enumerate(kinds):
        these = which.ravel() == n
        behind = _behind(float(mtt), shape)
        seen = np.interp(times - delay[these, None], _fine(), behind, left=0.0)
        found[these] = cbf[these, None] * K * seen
    return found
