"""Infarct core and tissue at risk, and how severe they are (paper 2.1.3)."""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy import ndimage

from magic_model.data import grid
from magic_model.data.lesion.arrival import Arrival, find_arrival
from magic_model.data.lesion.hemispheres import MidPlane, find_mid_plane
from magic_model.data.lesion.masks import to_binary
from magic_model.data.volume import FloatArray, Kind, Volume
from magic_model.errors import DataError, SeverityUnknownError
from magic_model.maps import PerfusionMap
from magic_model.severity import Severity, mismatch_ratio, severity_class

CORE_SHARE = 0.3
"""Of the blood flow of normal tissue; the core has less (paper, RAPID)."""

NORMAL_WITHIN_MM = 4.0
"""Standard deviation of the weights by which normal tissue opposite is averaged."""

FLOW_WITHIN_MM = 3.0
"""The same for the flow that is compared with it, within the tissue at risk."""

CLEARLY_LESS = 0.8
"""A core has somewhere less than this part of the limit: 24 % of the flow opposite."""

CLEAR_WITHIN_MM = 5.0
"""Standard deviation of the weights for that, on both sides. Healthy sides then differ
by 10 %, and 0.8 is two such differences; at 3 and 4 mm they differ by 16 %."""

_CLEAR_ML = 0.2

MIN_ISLAND_ML = 1.0
"""Smaller islands are taken for noise."""

_MIN_REFERENCE_ML = 5.0
_VESSEL = 3.0
"""Times the median flow; voxels with more hold a vessel (grey matter has at most 2.5
times the flow of white) and are no reference."""

_LEAST_WEIGHT = 0.05
"""Share of normal tissue around the place opposite, to be compared with it."""

_ROUNDING = 1e-4
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
    healthy tissue (`find_arrival`). The core is the part of it with less than 30 % of
    normal CBF. That is the mean CBF, with normal delay, around the place
    opposite in the other half of the brain, so that white matter is measured by white
    matter; where little there is normal, the median of all normal tissue. Islands below
    1 mL are removed, and those of the core that have nowhere clearly less: below 24 %,
    averaged more widely.

    Args:
        maps: CBF, and Tmax or TTP; MTT, or CBV, tells a late bolus from an illness of
            both sides.
        brain: Brain mask on any grid.

    Returns:
        Masks on the grid of CBF, in RAS orientation.

    Raises:
        DataError: If a map is missing or no brain holds values.
        SeverityUnknownError: If the maps do not tell what is normal.
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
    box = ndimage.find_objects(tissue.astype(np.uint8))[0]
    cut = {name: volume.array[box] for name, volume in gridded.items()}
    plane = find_mid_plane(tissue[box], cbf.spacing)
    late = find_arrival(cut, tissue[box], plane)
    flow = _Flow.of(cut[PerfusionMap.CBF], tissue[box], late, cbf.voxel_ml, plane)
    masks = np.zeros((2, *cbf.shape), dtype=np.bool_)
    masks[(slice(None), *box)] = flow.core(plane), flow.at_risk
    return Lesion(
        core=cbf.with_array(masks[0], Kind.CORE_MASK),
        at_risk=cbf.with_array(masks[1], Kind.PENUMBRA_MASK),
        surrogate=late.surrogate,
        reference_cbf=flow.reference,
    )


def lesion_from_masks(core: Volume, at_risk: Volume) -> Lesion:
    """Take core and tissue at risk as masks that other software drew, such as RAPID.

    They are counted as they are (paper 2.1.3): a core need not lie in tissue at risk.

    Args:
        core: CBF below 30 %: 0 and 1, or 0 and 255.
        at_risk: Tmax above 6 s, the core included.

    Raises:
        DataError: If a mask holds other values, such as labels.
    """
    core = to_binary(core.with_array(core.array, Kind.CORE_MASK))
    at_risk = to_binary(at_risk.with_array(at_risk.array, Kind.PENUMBRA_MASK))
    return Lesion(core=core, at_risk=at_risk)


def _listed(maps: grid.Maps) -> str:
    return ", ".join(maps) or "no map"


@dataclass(frozen=True, eq=False)
class _Flow:
    """Blood flow of the tissue at risk, and of normal tissue.

    Attributes:
        cbf: `(x, y, z)` in mL/100g/min.
        voxel_ml: Volume of a voxel.
        at_risk: Where the bolus is late.
        normal: Where it is not, and there is flow.
        reference: Median of normal tissue opposite to what is at risk, or of all.
    """

    cbf: FloatArray
    voxel_ml: float
    at_risk: grid.BoolArray
    normal: grid.BoolArray
    reference: float

    @classmethod
    def of(
        cls,
        cbf: FloatArray,
        tissue: grid.BoolArray,
        late: Arrival,
        voxel_ml: float,
        plane: MidPlane,
    ) -> Self:
        """Sort tissue by its delay.

        Raises:
            SeverityUnknownError: If no tissue is normal.
        """
        at_risk = _without_islands(
            tissue & (late.delay_s > late.at_risk_above_s), voxel_ml
        )
        normal = tissue & (late.delay_s <= late.normal_up_to_s) & (cbf > 0)
        if not normal.any():
            msg = "Some tissue with normal delay must have blood flow, got none"
            raise SeverityUnknownError(msg)
        opposite = normal & (plane.mirror(at_risk) > 0.5)
        enough = opposite.sum() * voxel_ml >= _MIN_REFERENCE_ML
        reference = float(np.median(cbf[opposite if enough else normal]))
        return cls(cbf, voxel_ml, at_risk, normal, reference)

    def core(self, plane: MidPlane) -> grid.BoolArray:
        """Return where flow is too low beside that opposite, or the reference."""
        if not self.at_risk.any():
            return self.at_risk
        low = self._below(CORE_SHARE, plane, NORMAL_WITHIN_MM, FLOW_WITHIN_MM)
        low = _without_islands(low, self.voxel_ml)
        share = CLEARLY_LESS * CORE_SHARE
        clear = self._below(share, plane, CLEAR_WITHIN_MM, CLEAR_WITHIN_MM)
        return _islands_with(low, low & clear, _CLEAR_ML / self.voxel_ml)

    def _below(
        self, share: float, plane: MidPlane, normal_mm: float, flow_mm: float
    ) -> grid.BoolArray:
        """Return what of the tissue at risk has less than a share of normal flow."""
        usual = self.normal & (self.cbf < _VESSEL * self.reference)
        opposite, weight = (
            plane.mirror(part) for part in _blurred(self.cbf, usual, normal_mm, plane)
        )
        expected = np.full_like(opposite, self.reference)
        np.divide(opposite, weight, out=expected, where=weight > _LEAST_WEIGHT)
        measured = self.at_risk & np.isfinite(self.cbf)
        flow, around = _blurred(self.cbf, measured, flow_mm, plane)
        limit = np.float32(share * (1 - _ROUNDING)) * expected
        below: grid.BoolArray = measured & (flow < limit * around)
        return below


def _blurred(
    values: FloatArray, where: grid.BoolArray, sd_mm: float, plane: MidPlane
) -> tuple[FloatArray, FloatArray]:
    """Blur what lies within a mask, and the mask: their quotient is a local mean."""
    sd = [sd_mm / step for step in plane.spacing]
    blurred, weight = (
        ndimage.gaussian_filter(part.astype(np.float32), sd, truncate=3)
        for part in (np.where(where, values, 0), where)
    )
    return blurred, weight


def _without_islands(mask: grid.BoolArray, voxel_ml: float) -> grid.BoolArray:
    return _islands_with(mask, mask, MIN_ISLAND_ML / voxel_ml)


def _islands_with(
    mask: grid.BoolArray, counted: grid.BoolArray, n_voxels: float
) -> grid.BoolArray:
    """Keep the islands of a mask that hold so many of the voxels that count."""
    pieces, n = ndimage.label(mask, _ALL_NEIGHBOURS)
    enough = np.bincount(pieces[counted], minlength=n + 1) >= n_voxels
    enough[0] = False
    kept: grid.BoolArray = enough[pieces]
    return kept
