"""A phantom patient: images, and the truth behind them."""

import math
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from magic_model.data.volume import FloatArray, Kind, Volume
from magic_model.errors import DataError
from magic_model.perfusion.series import Series
from magic_model.phantom.anatomy import Anatomy, Tissues, make_anatomy, slice_mean
from magic_model.phantom.grid import Grid, Size
from magic_model.phantom.lesion import PhantomLesion, draw_lesion
from magic_model.phantom.scan import (
    AIR_HU,
    LIMITS_HU,
    Scan,
    graininess,
    make_series,
    measured_maps,
)
from magic_model.phantom.supply import Supply, draw_supply, exact_maps
from magic_model.severity import Severity

GREY_HU, WHITE_HU, CSF_HU, BLOOD_HU = 36.0, 29.0, 9.0, 48.0
"""Grey and white matter differ by 7 HU at 120 kV."""

_NOISE_HU = 4.0
"""Standard deviation of a voxel, 120 kV and 500 mAs."""

_GRAIN_PIXELS = 0.6
"""Of the noise, in plane: its standard deviation."""

_WITHOUT_SIGN = 0.4
"""Share of patients whose lesion shows no hypodensity."""

_LARGEST_FALL_HU = 6.0
_FALL_TIME_H = 2.5
_NORMAL_ABOVE_FLOW = 0.35  # share of normal flow at which no water is taken up
_ONSET_H = (0.5, 9.0)

_LAYERS = [  # mm outside the brain's hull, HU; between them a straight line
    (1.6, CSF_HU), (2.2, 1300.0), (3.4, 1300.0), (4.2, 650.0), (6.0, 650.0),
    (6.8, 1200.0), (7.8, 1200.0), (8.4, 45.0), (9.4, 35.0), (10.0, -70.0),
    (11.6, -70.0), (12.2, 35.0), (13.4, 35.0), (14.2, AIR_HU),
]  # fmt: skip


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
    noise = graininess(noise_free.shape, _NOISE_HU, rng, _GRAIN_PIXELS)
    noise *= noise_free > AIR_HU
    hu: FloatArray = np.rint(np.clip(noise_free + noise, *LIMITS_HU))
    return hu


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


@dataclass(frozen=True)
class Contents:
    """What is made of a patient.

    Attributes:
        size: Slab or whole head.
        exact: Maps as they are, not measured from a series.
        series: The series is written, too.

    Raises:
        DataError: If they do not go together.
    """

    size: Size = "slab"
    exact: bool = False
    series: bool = False

    def __post_init__(self) -> None:
        if self.size == "full" and not self.exact:
            msg = "Maps of whole heads are not measured: --full must go with --exact"
            raise DataError(msg)
        if self.series and self.exact:
            msg = "A series is of measured maps: --series must go without --exact"
            raise DataError(msg)


@dataclass(frozen=True, eq=False)
class Phantom:
    """A patient with the truth about it.

    Attributes:
        images: NCCT, maps and masks; maps are exact or, after `measure`, measured.
        noise_free: The NCCT without noise.
        tissues: Shares of the tissues on the maps.
        flow: Share of normal flow that is left, on the maps; 1 outside a lesion.
        supply: Blood supply of the brain's voxels.
        lesion: None in a patient without.
        hypodensity: What of the lesion the NCCT shows.
    """

    images: dict[Kind, Volume]
    noise_free: Volume
    tissues: Tissues
    flow: FloatArray
    supply: Supply
    lesion: PhantomLesion | None
    hypodensity: Hypodensity


def make_patient(spec: PhantomSpec, rng: np.random.Generator) -> dict[Kind, Volume]:
    """Draw a patient and give its NCCT, exact maps and masks."""
    return simulate(spec, rng).images


def simulate(spec: PhantomSpec, rng: np.random.Generator) -> Phantom:
    """Draw a patient with exact maps, and give the truth as well."""
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
    supply = draw_supply(anatomy, flow, rng)
    on_maps = exact_maps(supply)
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
        supply=supply,
        lesion=lesion,
        hypodensity=hypodensity,
    )


def scan_patient(
    phantom: Phantom, rng: np.random.Generator, scan: Scan | None = None
) -> Series:
    """Take a CT perfusion series on the slices of a patient's maps.

    Args:
        phantom: The patient.
        rng: Source of chance, for noise and motion.
        scan: How it is taken; as `Scan()` if left out.
    """
    ncct, cbf = phantom.noise_free, phantom.images[Kind.CBF]
    first = round(cbf.affine[2, 3] - ncct.affine[2, 3])
    step = round(cbf.spacing[2])
    planes = range(first, first + step * cbf.shape[2], step)
    rest = Volume(slice_mean(ncct.array, planes), cbf.affine, Kind.NCCT)
    return make_series(rest, phantom.supply, scan or Scan(), rng)


def measure(phantom: Phantom, series: Series) -> Phantom:
    """Replace a patient's exact maps by those measured from a series of it."""
    maps = measured_maps(series, phantom.images[Kind.BRAIN_MASK])
    return replace(phantom, images=phantom.images | maps)
