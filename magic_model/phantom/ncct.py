"""Non-contrast CT of a head in HU: tissue, skull, early hypodensity, noise."""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.ndimage import gaussian_filter1d

from magic_model.data.volume import FloatArray
from magic_model.phantom.anatomy import Anatomy
from magic_model.phantom.lesion import PhantomLesion

GREY_HU, WHITE_HU, CSF_HU, BLOOD_HU = 36.0, 29.0, 9.0, 48.0
"""Grey and white matter differ by 7 HU at 120 kV."""

NOISE_HU = 4.0
"""Standard deviation of a voxel, 120 kV and 500 mAs."""

WITHOUT_SIGN = 0.4
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
        return cls(float(rng.uniform(*_ONSET_H)), bool(rng.random() >= WITHOUT_SIGN))

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


def noise_free_hu(
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


def scan(noise_free: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Add the noise of the scanner; CT numbers are whole, as scanners store them.

    Air keeps its one value: its noise is looked at by no one and would double the file.
    """
    noise = rng.standard_normal(noise_free.shape, dtype=np.float32)
    for axis in (0, 1):
        noise = gaussian_filter1d(noise, _GRAIN_PIXELS, axis=axis, mode="wrap")
    noise *= np.float32(NOISE_HU) / noise.std()
    noise *= noise_free > _AIR_HU
    hu: FloatArray = np.rint(np.clip(noise_free + noise, *_LIMITS_HU))
    return hu
