"""Infarct core and tissue at risk, and how severe they are (paper 2.1.3)."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from magic_model.data import grid
from magic_model.data.volume import FloatArray, Kind, Volume
from magic_model.errors import DataError
from magic_model.maps import PerfusionMap
from magic_model.severity import Severity, mismatch_ratio, severity_class

CORE_SHARE = 0.3
"""Of the blood flow of normal tissue; the core has less (paper, RAPID)."""

TMAX_AT_RISK = 6.0
"""Seconds; tissue at risk has a longer Tmax (paper, RAPID)."""

TTP_DELAY_AT_RISK = 4.5
"""Seconds after healthy tissue. Closest in volume to Tmax > 6 s among relative TTP
thresholds (Wouters 2017, doi:10.3389/fneur.2017.00539; magnetic resonance)."""

NORMAL_SHARE = 2 / 3
"""Of the delay at risk, up to which tissue is normal: Tmax of 4 s."""

MIN_ISLAND_ML = 1.0
"""Smaller islands are taken for noise."""

_MIN_REFERENCE_ML = 5.0
_ALL_NEIGHBOURS = np.ones((3, 3, 3), dtype=np.bool_)


@dataclass(frozen=True, eq=False)
class Lesion:
    """Core and tissue at risk of a patient.

    Attributes:
        core: Mask of the core.
        at_risk: Mask of the tissue at risk.
        surrogate: In words, what stood in for Tmax; None if nothing did.
        reference_cbf: Blood flow of normal tissue in mL/100g/min; NaN if not used.
    """

    core: Volume
    at_risk: Volume
    surrogate: str | None = None
    reference_cbf: float = math.nan

    @property
    def core_ml(self) -> float:
        """Volume of the core."""
        return float(self.core.array.sum(dtype=np.float64)) * self.core.voxel_ml

    @property
    def penumbra_ml(self) -> float:
        """Volume of the tissue at risk, the core counted in it."""
        return float(self.at_risk.array.sum(dtype=np.float64)) * self.at_risk.voxel_ml

    @property
    def mismatch_ratio(self) -> float:
        """Core over tissue at risk."""
        return mismatch_ratio(self.core_ml, self.penumbra_ml)

    @property
    def severity(self) -> Severity:
        """Class of the mismatch ratio."""
        return severity_class(self.mismatch_ratio)


def find_lesion(maps: grid.Maps, brain: Volume) -> Lesion:
    """Find core and tissue at risk in perfusion maps.

    At risk is where Tmax exceeds 6 s or, without Tmax, where TTP is 4.5 s later than in
    healthy tissue. The core is the part of it with less than 30 % of normal CBF: the
    median CBF, with normal delay, of the mirror image of the tissue at risk, or of all
    such tissue where that is less than 5 mL. Islands below 1 mL are removed.

    Args:
        maps: CBF, and Tmax or TTP.
        brain: Brain mask on any grid.

    Returns:
        Masks on the grid of CBF, in RAS orientation.

    Raises:
        DataError: If a map is missing or no brain holds values.
    """
    if PerfusionMap.CBF not in maps:
        msg = f"CBF must be given to find the core, got {_listed(maps)}"
        raise DataError(msg)
    gridded = grid.common_grid({PerfusionMap.CBF: maps[PerfusionMap.CBF], **maps})
    cbf = gridded[PerfusionMap.CBF]
    tissue = grid.map_support(gridded) & (
        grid.resample(brain, cbf.affine, cbf.shape, order=0).array > 0.5
    )
    if not tissue.any():
        msg = "The brain must hold perfusion values, got none inside the mask"
        raise DataError(msg)
    delay, limit, surrogate = _delay(gridded, tissue)
    at_risk = _without_islands(tissue & (delay > limit), cbf.voxel_ml)
    normal = tissue & (delay <= NORMAL_SHARE * limit) & (cbf.array > 0)
    reference = _reference_cbf(cbf, normal, _mirrored(at_risk, tissue))
    low = at_risk & (cbf.array < CORE_SHARE * reference)
    return Lesion(
        core=cbf.with_array(_without_islands(low, cbf.voxel_ml), Kind.CORE_MASK),
        at_risk=cbf.with_array(at_risk, Kind.PENUMBRA_MASK),
        surrogate=surrogate,
        reference_cbf=reference,
    )


def lesion_from_masks(core: Volume, at_risk: Volume) -> Lesion:
    """Take core and tissue at risk as masks that other software drew, such as RAPID.

    They are counted as they are (paper 2.1.3): a core need not lie in tissue at risk.

    Args:
        core: CBF below 30 % where above 0.5.
        at_risk: Tmax above 6 s where above 0.5.

    Raises:
        DataError: If a mask holds values that are not finite.
    """
    return Lesion(
        core=_binary(core, Kind.CORE_MASK), at_risk=_binary(at_risk, Kind.PENUMBRA_MASK)
    )


def _listed(maps: grid.Maps) -> str:
    return ", ".join(maps) or "no map"


def _binary(mask: Volume, kind: Kind) -> Volume:
    return mask.with_array(mask.require_finite().array > 0.5, kind)


def _delay(
    maps: grid.Maps, tissue: grid.BoolArray
) -> tuple[FloatArray, float, str | None]:
    """Return delay in s, the limit above which tissue is at risk, and the surrogate."""
    if PerfusionMap.TMAX in maps:
        return maps[PerfusionMap.TMAX].array, TMAX_AT_RISK, None
    if PerfusionMap.TTP not in maps:
        msg = f"Tmax or TTP must be given to find tissue at risk, got {_listed(maps)}"
        raise DataError(msg)
    ttp = maps[PerfusionMap.TTP].array
    healthy = _healthier_median(ttp, tissue)
    words = (
        f"TTP more than {TTP_DELAY_AT_RISK:g} s after the healthier side "
        f"({healthy:.1f} s), in place of Tmax > {TMAX_AT_RISK:g} s"
    )
    return ttp - np.float32(healthy), TTP_DELAY_AT_RISK, words


def _healthier_median(ttp: FloatArray, tissue: grid.BoolArray) -> float:
    """Median of the side of the brain where it is earlier."""
    x = np.arange(len(tissue))[:, None, None]
    left = x < _midline(tissue)
    sides = (tissue & side & np.isfinite(ttp) for side in (left, ~left))
    return min(float(np.median(ttp[side])) for side in sides if side.any())


def _reference_cbf(
    cbf: Volume, normal: grid.BoolArray, opposite: grid.BoolArray
) -> float:
    region = normal & opposite
    if region.sum() * cbf.voxel_ml < _MIN_REFERENCE_ML:
        region = normal
    return float(np.median(cbf.array[region])) if region.any() else 0.0


def _mirrored(mask: grid.BoolArray, tissue: grid.BoolArray) -> grid.BoolArray:
    """Mirror a mask to the other side of the brain."""
    other: NDArray[np.int64] = np.rint(
        2 * _midline(tissue) - np.arange(len(mask))
    ).astype(np.int64)
    within = (other >= 0) & (other < len(mask))
    mirrored = np.zeros_like(mask)
    mirrored[within] = mask[other[within]]
    return mirrored


def _midline(tissue: grid.BoolArray) -> float:
    """Index along x of the middle of the brain."""
    per_column = tissue.sum(axis=(1, 2))
    return float(np.average(np.arange(len(per_column)), weights=per_column))


def _without_islands(mask: grid.BoolArray, voxel_ml: float) -> grid.BoolArray:
    pieces, _ = ndimage.label(mask, _ALL_NEIGHBOURS)
    large = np.bincount(pieces.ravel()) * voxel_ml >= MIN_ISLAND_ML
    large[0] = False
    kept: grid.BoolArray = large[pieces]
    return kept
