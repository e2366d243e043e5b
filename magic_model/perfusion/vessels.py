"""The arterial input and the venous output: found, or where a reader points."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from magic_model.data.volume import FloatArray
from magic_model.errors import DataError
from magic_model.perfusion.denoising import Array, Mask

Voxel = tuple[int, int, int]

REST_HU = (-50.0, 400.0)
"""Of a vessel before contrast: neither air nor the skull."""

_AIR_HU, _BONE_HU, _BESIDE_MM = -100.0, 300.0, 3.0
_LARGE_CBV = 8.0  # mL/100g
_LARGE_SHARE = 3.0  # and of the median
_AROUND_MM = 12.0  # a mask of the brain may leave its vessels out
_LEAST_HU = 30.0  # above the baseline; less is no artery
_LEAST_SNR = 8.0
_AS_HIGH = 0.4  # candidates: of the highest enhancement
_LATE_PER_S = 0.08  # of the peak that an artery's lateness costs
_WIDE_PER_S = 0.02  # and its width
_LIKE = 0.95  # neighbours that are averaged: of the peak
_MOST_CORRECTION = 4.0
_FALLEN = 0.5  # of its peak: the bolus has passed
_RISEN = 0.5
_VEIN_LATER_S = 1.0


@dataclass(frozen=True, eq=False)
class Vessel:
    """A vessel in the series.

    Attributes:
        voxel: Where, as indices of the file.
        curve: Enhancement in HU, mean of the voxel and those beside it that peak as
            high.
        found: Whether the program chose it; False where a person did.
        factor: What `curve` was multiplied with, so that it is not diluted by tissue
            in the same voxel; 1 without correction.
    """

    voxel: Voxel
    curve: Array
    found: bool
    factor: float = 1.0


def around(mask: Mask, spacing: tuple[float, float, float]) -> Mask:
    """Return the voxels within 12 mm of a brain mask: where vessels are sought."""
    away = ndimage.distance_transform_edt(~mask, sampling=spacing)
    return np.asarray(away <= _AROUND_MM)


def beside_edges(
    rest: FloatArray, spacing: tuple[float, float, float], mm: float = _BESIDE_MM
) -> Mask:
    """Return bone and air, and what lies within some mm of them in the slice.

    Where frames were put back, their edges seem to enhance: they were blurred.
    """
    wide = (*spacing[:2], 1e3)
    soft = (rest > _AIR_HU) & (rest < _BONE_HU)
    away = ndimage.distance_transform_edt(soft, sampling=wide)
    return np.asarray(away <= mm)


def large_vessels(cbv: FloatArray, brain: Mask) -> Mask:
    """Return the voxels of the brain that hold so much of a vessel that it tells.

    Vascular pixel elimination by a limit of CBV (Kudo et al. 2003, AJNR 24:419): above
    8 mL/100g, which is twice that of grey matter (blood that fills a voxel has 70), and
    above three times the median, so that tissue stays where an impure vein makes all
    values too high.

    Args:
        cbv: In mL/100g.
        brain: Voxels that were computed.
    """
    values = cbv[brain]
    usual = float(np.median(values)) if values.size else 0.0
    return np.asarray((cbv > max(_LARGE_CBV, _LARGE_SHARE * usual)) & brain)


def find_artery(
    times: Array, contrast: FloatArray, mask: Mask, sd: float, unusable: Mask
) -> Vessel:
    """Choose the voxel that enhances highest, earliest and most briefly.

    Candidates reach 40 % of the highest enhancement. Each second that the rise to half
    the peak is later than the earliest costs 8 % of the highest peak, each second of
    width at half height 2 %.

    Args:
        times: Of the frames, in seconds.
        contrast: `(x, y, z, frames)` above the baseline, in HU.
        mask: Voxels to look at.
        sd: Noise in HU.
        unusable: Voxels that the scanner has clipped.

    Raises:
        DataError: If nothing enhances as an artery does.
    """
    voxels, curves = _candidates(contrast, mask & ~unusable, sd)
    peaks, rise, width = _shape(times, curves)
    lateness = _LATE_PER_S * (rise - rise.min()) + _WIDE_PER_S * width
    best = int((peaks / peaks.max() - lateness).argmax())
    x, y, z = (int(i) for i in voxels[best])
    return Vessel((x, y, z), _with_like(contrast, (x, y, z)), found=True)


def find_vein(
    times: Array, contrast: FloatArray, mask: Mask, artery: Vessel, unusable: Mask
) -> Vessel | None:
    """Choose the voxel of largest area that rises 1 s or more after the artery.

    None if there is none. A vein has at least 70 % of the artery's area: it is what the
    artery would show if it filled its voxel.
    """
    usable = mask & ~unusable
    voxels = np.argwhere(usable)
    curves = np.asarray(contrast[usable], np.float64)
    high = curves.max(axis=1) >= 0.5 * artery.curve.max()
    if not high.any():
        return None
    voxels, curves = voxels[high], curves[high]
    rise = _shape(times, curves)[1]
    least_later = _shape(times, artery.curve[None])[1] + _VEIN_LATER_S
    score = np.where(rise >= least_later, _area(times, curves), 0.0)
    best = int(score.argmax())
    if score[best] < 0.7 * float(_area(times, artery.curve)):
        return None
    x, y, z = (int(i) for i in voxels[best])
    return Vessel((x, y, z), _with_like(contrast, (x, y, z)), found=True)


def vessel_at(
    contrast: FloatArray, voxel: Voxel, what: str, sd: float, unusable: Mask
) -> Vessel:
    """Return the vessel at a voxel that a person chose.

    Raises:
        DataError: If the voxel lies outside, is clipped or does not enhance.
    """
    shape = contrast.shape[:3]
    if not all(0 <= i < n for i, n in zip(voxel, shape, strict=True)):
        size = " x ".join(map(str, shape))
        msg = f"{what} must lie within {size} voxels (from 0), got {voxel}"
        raise DataError(msg)
    if unusable[voxel]:
        msg = f"{what} {voxel}: its values are cut off at the top; choose another voxel"
        raise DataError(msg)
    curve = _with_like(contrast, voxel)
    least = max(_LEAST_HU, _LEAST_SNR * sd)
    if curve.max() < least:
        msg = (
            f"{what} must enhance by {least:.0f} HU or more, got "
            f"{curve.max():.0f} HU at {voxel}: no bolus there"
        )
        raise DataError(msg)
    return Vessel(voxel, curve, found=False)


def correct_artery(times: Array, artery: Vessel, vein: Vessel) -> Vessel:
    """Scale the artery to the area of the vein, which tissue dilutes less.

    Contrast that enters leaves again: both curves have one area over a whole passage.
    The artery is compared until the vein's delay before the end, so that both have had
    the same time. A factor below 1 is not applied, one above 4 not believed.
    """
    # Seconds that the vein is later, by the times of the half rise.
    rises = _shape(times, np.stack([artery.curve, vein.curve]))[1]
    late = float(max(rises[1] - rises[0], 0.0))
    arterial = np.where(times <= times[-1] - late, artery.curve, 0.0)
    ratio = float(_area(times, vein.curve) / max(float(_area(times, arterial)), 1e-9))
    factor = ratio if 1 < ratio <= _MOST_CORRECTION else 1.0
    return replace(artery, curve=artery.curve * factor, factor=factor)


def require_passage(times: Array, artery: Vessel) -> None:
    """Refuse a series that ends before the bolus has passed the artery.

    Raises:
        DataError: If the artery has not fallen to half of its peak.
    """
    last = float(artery.curve[-2:].mean())
    if last > _FALLEN * artery.curve.max():
        msg = (
            "A series must go on until the bolus has passed, got an artery that is "
            f"still at {last / artery.curve.max():.0%} of its peak after "
            f"{times[-1] - times[0]:g} s"
        )
        raise DataError(msg)


def is_truncated(curve: Array) -> bool:
    """Return whether a curve has not fallen to half of its peak at the end."""
    return float(curve[-2:].mean()) > _FALLEN * float(curve.max())


def clipped(series: FloatArray) -> Mask:
    """Return the voxels that stand at the highest value of the file twice or more.

    Only a top that many frames share is one: noise has no two.
    """
    top = float(series.max())
    at_top = (series >= top).sum(axis=-1)
    if top < 1000:
        return np.zeros(series.shape[:3], bool)
    return np.asarray(at_top >= 2)


def _candidates(
    contrast: FloatArray, mask: Mask, sd: float
) -> tuple[NDArray[np.int64], Array]:
    highest = np.where(mask, contrast.max(axis=-1), 0.0)
    # A voxel of noise stands alone: the tenth highest is one that is not.
    tops = np.sort(highest, axis=None)[-10:]
    least = max(_LEAST_HU, _LEAST_SNR * sd)
    if tops[0] < least:
        msg = (
            f"A vessel must enhance by {least:.0f} HU or more, got at most "
            f"{tops[0]:.0f} HU: there is no bolus in this series"
        )
        raise DataError(msg)
    chosen = highest >= _AS_HIGH * tops[0]
    return np.argwhere(chosen), np.asarray(contrast[chosen], np.float64)


def _shape(times: Array, curves: Array) -> tuple[Array, Array, Array]:
    """Return peak, time of the rise to half of it, and width at half height."""
    peaks = curves.max(axis=1)
    half = curves >= _RISEN * peaks[:, None]
    first = half.argmax(axis=1)
    rows = np.arange(len(curves))
    before = np.maximum(first - 1, 0)
    low, high = curves[rows, before], curves[rows, first]
    share = np.clip((_RISEN * peaks - low) / np.maximum(high - low, 1e-9), 0, 1)
    rise = times[before] + share * (times[first] - times[before])
    width = half @ np.gradient(times)
    return peaks, rise, width


def _with_like(contrast: FloatArray, voxel: Voxel) -> Array:
    """Average a voxel with those beside it in the slice that peak as high."""
    x, y, z = voxel
    around = contrast[max(0, x - 1) : x + 2, max(0, y - 1) : y + 2, z]
    curves = around.reshape(-1, contrast.shape[-1]).astype(np.float64)
    own = np.asarray(contrast[voxel], np.float64)
    at = int(own.argmax())
    return np.asarray(curves[curves[:, at] >= _LIKE * own[at]].mean(axis=0))


def _area(times: Array, curves: Array) -> Array:
    return np.asarray(np.trapezoid(curves, times, axis=-1))
