"""A phantom patient: images, and the truth behind them."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from magic_model.data.volume import FloatArray, Kind, Volume
from magic_model.phantom.anatomy import Anatomy, Tissues, make_anatomy
from magic_model.phantom.grid import Grid, Size, random_field
from magic_model.phantom.lesion import PhantomLesion, draw_lesion
from magic_model.severity import Severity

GREY_HU, WHITE_HU, CSF_HU, BLOOD_HU = 36.0, 29.0, 9.0, 48.0
"""Grey and white matter differ by 7 HU at 120 kV."""

_NOISE_HU = 4.0
"""Standard deviation of a voxel, 120 kV and 500 mAs."""

_WITHOUT_SIGN = 0.4
"""Share of patients whose lesion shows no hypodensity."""

_LARGEST_FALL_HU = 6.0
_FALL_TIME_H = 2.5
_NORMAL_ABOVE_FLOW = 0.35  # share of normal flow at which no water is taken up
_ONSET_H = (0.5, 9.0)
_GRAIN_PIXELS = 0.6  # of the noise, in plane

_AIR_HU = -1000.0
_LAYERS = [  # mm outside the brain's hull, HU; between them a straight line
    (1.6, CSF_HU), (2.2, 1300.0), (3.4, 1300.0), (4.2, 650.0), (6.0, 650.0),
    (6.8, 1200.0), (7.8, 1200.0), (8.4, 45.0), (9.4, 35.0), (10.0, -70.0),
    (11.6, -70.0), (12.2, 35.0), (13.4, 35.0), (14.2, _AIR_HU),
]  # fmt: skip
_LIMITS_HU = (-1024.0, 3071.0)


@dataclass(frozen=True)
class Hypodensity:
    """How far an early infarct shows.

    Attributes:
        onset_h: Hours since the artery was blocked.
        shows: False where the CT stays normal, as it does in many in the first hours.
    """

    onset_h: float
    shows: bool

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """Draw a time of 0.5 to 9 h, and whether there is any sign."""
        return cls(float(rng.uniform(*_ONSET_H)), bool(rng.random() >= _WITHOUT_SIGN))

    def fall_hu(self, flow: FloatArray) -> FloatArray:
        """How much CT numbers fall where this share of normal flow is left.

        Water uptake begins below 0.35 of normal flow, grows as flow falls to 0.10, and
        nears its final value with a time constant of 2.5 h.
        """
        if not self.shows:
            return np.zeros_like(flow)
        depth = np.clip((_NORMAL_ABOVE_FLOW - flow) / (_NORMAL_ABOVE_FLOW - 0.1), 0, 1)
        progress = 1 - math.exp(-self.onset_h / _FALL_TIME_H)
        fall: FloatArray = depth * np.float32(_LARGEST_FALL_HU * progress)
        return fall


def _noise_free_hu(
    anatomy: Anatomy, lesion: PhantomLesion | None, hypodensity: Hypodensity
) -> FloatArray:
    """CT numbers without noise, on all planes of the NCCT.

    Within the brain they are the mean over the tissues of a voxel, so borders show
    partial volume; around it lie skull and scalp.
    """
    grid, box, tissues = anatomy.grid, anatomy.box, anatomy.tissues
    depths, layers = zip(*_LAYERS, strict=True)
    outside = grid.finer(anatomy.outside_mm, grid.frame)
    hu: FloatArray = np.interp(outside, depths, layers).astype(np.float32)
    brain = (
        GREY_HU * tissues.grey
        + WHITE_HU * tissues.white
        + CSF_HU * tissues.csf
        + BLOOD_HU * tissues.vessel
    )
    if lesion is not None and hypodensity.shows:
        flow = lesion.flow(grid.finer(lesion.field, box))
        brain -= (tissues.grey + tissues.white) * hypodensity.fall_hu(flow)
    within = outside[box.in_plane] < depths[0]
    np.copyto(hu[box.in_plane], brain, where=within)
    return hu


def _scan(noise_free: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Add the noise of the scanner; CT numbers are whole, as scanners store them.

    Air keeps its one value: its noise is looked at by no one and would double the file.
    """
    noise = rng.standard_normal(noise_free.shape, dtype=np.float32)
    for axis in (0, 1):
        noise = gaussian_filter1d(noise, _GRAIN_PIXELS, axis=axis, mode="wrap")
    noise *= np.float32(_NOISE_HU) / noise.std()
    noise *= noise_free > _AIR_HU
    hu: FloatArray = np.rint(np.clip(noise_free + noise, *_LIMITS_HU))
    return hu


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
class _TissuePerfusion:
    """Perfusion of a tissue.

    Attributes:
        cbf: Flow in mL/100g/min where the tissue is healthy.
        cbf_change: Largest departure from it, upwards or downwards.
        mtt: Transit time in s where the tissue is healthy.
        mtt_change: Largest departure from it, in the opposite sense to flow.
        delays_s: Delay of the bolus where the flow is reduced to `_REDUCED_FLOWS`.
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
        delay: FloatArray = np.interp(flow, _REDUCED_FLOWS, self.delays_s).astype("f4")
        return delay


_REDUCED_FLOWS = (0.10, 0.30, 0.50, 0.60, 1.0)
"""Shares of normal flow, from the middle of a core to healthy tissue."""

_REMAINING_VOLUMES = (0.215, 0.91, 1.0, 1.0, 1.0)
"""Share of blood volume left then: vessels widen until the flow is that of core.

With 0.30 and 0.10, flow, volume and delay are those of the reduced and severely reduced
tissue of the digital perfusion phantom of Riordan (2011) and Manhart (2013), from which
come the values of healthy grey and white matter as well.
"""

_GREY = _TissuePerfusion(53.0, 14.0, 3.74, 0.7, (9.0, 4.0, 2.9, 1.6, 1.0))
_WHITE = _TissuePerfusion(25.0, 14.0, 4.56, 0.7, (12.0, 8.0, 3.2, 1.6, 1.0))
_CSF = _TissuePerfusion(1.0, 0.0, 5.0, 0.0, (9.0, 4.0, 2.9, 1.6, 1.0))
_VESSEL = _TissuePerfusion(150.0, 0.0, 4.0, 0.0, (6.0, 3.5, 2.9, 1.0, 0.5))

_VARIATION = ((36.0, 0.2), (9.0, 0.17))
"""Spacing in mm and deviation of the fields by which flow varies between places."""

_Mixture = list[tuple[_TissuePerfusion, FloatArray]]


def _perfusion_maps(
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
    tissues: _Mixture = [
        (_GREY, grey),
        (_WHITE, shares.white[brain]),
        (_CSF, shares.csf[brain]),
        (_VESSEL, shares.vessel[brain]),
    ]
    left = flow[brain]
    volume = np.interp(left, _REDUCED_FLOWS, _REMAINING_VOLUMES).astype(np.float32)

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


@dataclass(frozen=True)
class PhantomSpec:
    """Specification of a phantom patient.

    Attributes:
        severity: Class of the lesion.
        size: "slab": ten maps 10 mm apart, and NCCT at 1 mm from 5 mm below to 5 mm
            above them. "full": 160 planes at 1 mm, maps on all.
    """

    severity: Severity
    size: Size = "slab"


@dataclass(frozen=True, eq=False)
class Phantom:
    """A patient with the truth about it.

    Attributes:
        images: NCCT, maps and masks.
        noise_free: The NCCT without noise.
        tissues: Shares of the tissues on the maps.
        flow: Share of normal flow that is left, on the maps; 1 outside a lesion.
        lesion: None in a patient without.
        hypodensity: What of the lesion the NCCT shows.
    """

    images: dict[Kind, Volume]
    noise_free: Volume
    tissues: Tissues
    flow: FloatArray
    lesion: PhantomLesion | None
    hypodensity: Hypodensity


def make_patient(spec: PhantomSpec, rng: np.random.Generator) -> dict[Kind, Volume]:
    """Draw a patient and give its NCCT, maps and masks."""
    return simulate(spec, rng).images


def simulate(spec: PhantomSpec, rng: np.random.Generator) -> Phantom:
    """Draw a patient and give the truth as well."""
    grid = Grid.of(spec.size, shift_mm=float(rng.uniform(-3, 3)))
    anatomy = make_anatomy(grid, rng)
    lesion = draw_lesion(anatomy, spec.severity, rng)
    hypodensity = Hypodensity.draw(rng)
    flow = np.ones(anatomy.brain.shape, dtype=np.float32)
    nothing = np.zeros_like(anatomy.brain)
    core, penumbra = nothing, nothing
    if lesion is not None:
        flow = lesion.flow(grid.on_maps(lesion.field))
        core, penumbra = lesion.core, lesion.penumbra
    hu = _noise_free_hu(anatomy, lesion, hypodensity)
    on_maps = _perfusion_maps(anatomy, flow, rng)
    masks = {
        Kind.BRAIN_MASK: anatomy.brain,
        Kind.CORE_MASK: core,
        Kind.PENUMBRA_MASK: penumbra,
    }
    images = {Kind.NCCT: Volume(_scan(hu, rng), grid.ncct_affine, Kind.NCCT)}
    for kind, array in (on_maps | masks).items():
        images[kind] = Volume(array, grid.map_affine, kind)
    return Phantom(
        images=images,
        noise_free=images[Kind.NCCT].with_array(hu),
        tissues=anatomy.map_tissues,
        flow=flow,
        lesion=lesion,
        hypodensity=hypodensity,
    )
