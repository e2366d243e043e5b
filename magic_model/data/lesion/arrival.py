"""How late the bolus reaches tissue, and from when on tissue is at risk."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from magic_model.data.grid import BoolArray
from magic_model.data.lesion.hemispheres import MidPlane
from magic_model.data.volume import FloatArray
from magic_model.errors import DataError, SeverityUnknownError
from magic_model.maps import PerfusionMap

Arrays = Mapping[PerfusionMap, FloatArray]
"""Maps of one grid in RAS orientation, in their units."""

TMAX_AT_RISK = 6.0
"""Seconds; tissue at risk has a longer Tmax (paper, RAPID)."""

TTP_DELAY_AT_RISK = 4.5
"""Seconds after healthy tissue. Closest in volume to Tmax > 6 s among relative TTP
thresholds (Wouters 2017, doi:10.3389/fneur.2017.00539; magnetic resonance)."""

NORMAL_SHARE = 2 / 3
"""Of the delay at risk, up to which tissue is normal: Tmax of 4 s."""

NORMAL_SPREAD = 1.0
"""Seconds after the healthier side up to which tissue is normal, if that is more."""

USUAL_TMAX = 3.0
"""Seconds; Tmax of normal tissue, given to the healthier side where all are late."""

LATEST_TMAX = 12.0
"""Seconds; beyond it even a late bolus does not explain Tmax of the healthier side."""

LATEST_TTP = 60.0
"""Seconds; a scan is over by then."""

LONGEST_NORMAL_MTT = 8.0
"""Seconds; normal tissue has 4-5 s, on the scale of some software up to 7 s."""

_LONGEST_MTT = 60.0
_WIDEST_NORMAL = 4.0
"""Seconds between the quartiles: a late bolus shifts times, it does not spread them."""

_LATEST_HUNDREDTH = 1.0, 2.0
"""Seconds that the latest hundredth of a brain (ventricles, veins) must reach; the
second where it is three times as late as usual, so that something stands out."""

_STANDS_OUT = 3


@dataclass(frozen=True, eq=False)
class Arrival:
    """Delay of the bolus in each voxel.

    Attributes:
        delay_s: Tmax, or what stands in for it, `(x, y, z)` in s.
        at_risk_above_s: Tissue with a longer delay is at risk.
        normal_up_to_s: Tissue with a delay up to this is normal.
        surrogate: In words, what stands in for Tmax; None if nothing does.
    """

    delay_s: FloatArray
    at_risk_above_s: float
    normal_up_to_s: float
    surrogate: str | None = None


def find_arrival(maps: Arrays, tissue: BoolArray, plane: MidPlane) -> Arrival:
    """Take the delay from Tmax or, without, from TTP against the healthier side.

    Where Tmax is long on the healthier side too, the bolus is late everywhere or both
    sides are ill. A late bolus leaves the transit time as it is: if MTT (or CBV / CBF)
    is normal there, Tmax is shifted so that the healthier side has 3 s.

    Args:
        maps: Arrays on one grid in RAS orientation.
        tissue: Where to look.
        plane: Between the hemispheres.

    Raises:
        DataError: If neither Tmax nor TTP is there.
        SeverityUnknownError: If the maps cannot tell what is late: both sides may be
            ill, or times have another unit than s.
    """
    if PerfusionMap.TMAX in maps:
        return _from_tmax(maps, tissue, plane)
    if PerfusionMap.TTP in maps:
        return _from_ttp(maps, tissue, plane)
    listed = ", ".join(maps) or "no map"
    msg = f"Tmax or TTP must be given to find tissue at risk, got {listed}"
    raise DataError(msg)


def _from_tmax(maps: Arrays, tissue: BoolArray, plane: MidPlane) -> Arrival:
    tmax = maps[PerfusionMap.TMAX]
    healthier, usual = _healthier_side(tmax, tissue, plane)
    _require_seconds("Tmax", tmax[tissue], usual, LATEST_TMAX)
    normal = NORMAL_SHARE * TMAX_AT_RISK
    if usual <= normal:
        return Arrival(tmax, TMAX_AT_RISK, max(normal, usual + NORMAL_SPREAD))
    low, high = np.quantile(tmax[healthier], (0.25, 0.75))
    transit = _transit_time(maps, healthier)
    if not (transit <= LONGEST_NORMAL_MTT and high - low <= _WIDEST_NORMAL):
        reason = (
            "no MTT tells whether the bolus is late or both sides are ill"
            if math.isnan(transit)
            else f"with an MTT of {transit:.1f} s and quartiles of Tmax "
            f"{high - low:.1f} s apart both sides may be ill"
        )
        msg = (
            f"Tmax of the healthier side must be up to {normal:g} s, got "
            f"{usual:.1f} s, and {reason}"
        )
        raise SeverityUnknownError(msg)
    late = usual - USUAL_TMAX
    words = (
        f"Tmax less {late:.1f} s, in place of Tmax: the bolus is late on the healthier "
        f"side too ({usual:.1f} s), whose transit time is normal ({transit:.1f} s)"
    )
    return Arrival(tmax - np.float32(late), TMAX_AT_RISK, normal, words)


def _from_ttp(maps: Arrays, tissue: BoolArray, plane: MidPlane) -> Arrival:
    ttp = maps[PerfusionMap.TTP]
    healthier, usual = _healthier_side(ttp, tissue, plane)
    _require_seconds("TTP", ttp[tissue], usual, LATEST_TTP)
    transit = _transit_time(maps, healthier)
    if transit > LONGEST_NORMAL_MTT:
        msg = (
            f"MTT of the healthier side must be up to {LONGEST_NORMAL_MTT:g} s, got "
            f"{transit:.1f} s: both sides may be ill, and TTP tells only which is worse"
        )
        raise SeverityUnknownError(msg)
    words = (
        f"TTP more than {TTP_DELAY_AT_RISK:g} s after the healthier side "
        f"({usual:.1f} s), in place of Tmax > {TMAX_AT_RISK:g} s"
    )
    normal = NORMAL_SHARE * TTP_DELAY_AT_RISK
    return Arrival(ttp - np.float32(usual), TTP_DELAY_AT_RISK, normal, words)


def _healthier_side(
    times: FloatArray, tissue: BoolArray, plane: MidPlane
) -> tuple[BoolArray, float]:
    """Return the side with the earlier median, or mean where these tie; the median."""
    known = tissue & np.isfinite(times)
    left = plane.is_left(tissue.shape)
    sides = [side for side in (known & left, known & ~left) if side.any()]
    if not sides:
        msg = "Tmax or TTP must hold numbers in the brain, got none"
        raise SeverityUnknownError(msg)
    late = [(float(np.median(t)), float(t.mean())) for t in (times[s] for s in sides)]
    healthier = min(range(len(sides)), key=late.__getitem__)
    return sides[healthier], late[healthier][0]


def _require_seconds(
    name: str, values: FloatArray, usual: float, latest: float
) -> None:
    """Refuse times that no scan in seconds has."""
    if not 0 <= usual <= latest:
        msg = (
            f"{name} of the healthier side must be 0 to {latest:g} s, got {usual:.4g}: "
            "is it in s?"
        )
        raise SeverityUnknownError(msg)
    late = float(np.nanquantile(values, 0.99))
    must = _LATEST_HUNDREDTH[late > _STANDS_OUT * usual]
    if late < must:
        msg = (
            f"{name} must reach {must:g} s somewhere, got "
            f"{late:.3g} in the latest hundredth of the brain: is it in s?"
        )
        raise SeverityUnknownError(msg)


def _transit_time(maps: Arrays, where: BoolArray) -> float:
    """Median MTT in s, from CBV and CBF where there is no MTT; NaN if not known."""
    if PerfusionMap.MTT in maps:
        mtt = maps[PerfusionMap.MTT][where]
    elif {PerfusionMap.CBF, PerfusionMap.CBV} <= set(maps):
        cbf, cbv = maps[PerfusionMap.CBF][where], maps[PerfusionMap.CBV][where]
        mtt = np.divide(60 * cbv, cbf, out=np.zeros_like(cbv), where=cbf > 0)
    else:
        return math.nan
    mtt = mtt[mtt > 0]
    median = float(np.median(mtt)) if mtt.size else math.nan
    return median if median <= _LONGEST_MTT else math.nan
