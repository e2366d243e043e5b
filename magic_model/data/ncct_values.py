"""Whether the values of an NCCT are HU of a plain head CT, and what they are if not.

`require_hounsfield` refuses what is certainly no HU, before anything is computed from
it; `ncct_findings` names what is usable but has to be looked at. Both importing and
generating ask them.
"""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from magic_model.data.enhancement import VESSEL_HU, volume_shows_contrast
from magic_model.data.grid import HALF, reorient_ras, resample
from magic_model.data.normalise import NCCT_WINDOW
from magic_model.data.skull_strip import MorphologicalSkullStripper
from magic_model.data.volume import Volume
from magic_model.errors import DataError

BRAIN_HU = (20.0, 45.0)
"""Median of a brain without contrast agent, grey and white matter and liquor."""

_BONE_HU = 300.0
_BONE_SHARE = 0.05  # of soft tissue; a head with its skull has about a fifth
_OFFSETS = (1000.0, 1024.0)
_SOFT_HU = 100.0
_HEAD = 200.0  # skull is above, and with an offset all of the head
_BYTE = 255.0
_DARKEST_PICTURE = 60.0  # grey of a brain in 8 bits, in any window; HU are below
_FRACTIONS = 0.01  # of voxels; CT numbers are whole
_CUT_OFF = 0.25
_FEWEST_VOXELS = 100
_AIR_HU = -1000.0
_AIR_RANGE = (-1350.0, -650.0)
_AIR_BOUND = 15.0
_PADDING_HU = -1024.0  # written around the field by many scanners, whatever air is
_PADDED = 0.2
_FEWEST_AIR = 1000
_AIR_SLICES = 16
_DENSE_BONE = 600.0
_NO_AIR = -500.0
_SAMPLE_MM = 2.0
_RIM_MM = 4.0

_Values = NDArray[np.float32]


def require_hounsfield(ncct: Volume) -> Volume:
    """Return an NCCT as it is, or refuse values that are certainly no HU.

    Raises:
        DataError: If they are HU with an offset, an 8-bit picture, or scaled to 1.
    """
    low, high = float(np.nanmin(ncct.array)), float(np.nanmax(ncct.array))
    came = _offset(ncct) or _picture(ncct, low, high)
    if came:
        msg = f"ncct must be in HU, got {low:g} to {high:g}, {came}"
        raise DataError(msg)
    return ncct


def ncct_findings(
    ncct: Volume, brain: Volume | None = None, *, mask_given: bool = False
) -> list[str]:
    """Say what about the values of an NCCT has to be looked at.

    Args:
        ncct: In HU.
        brain: Brain mask on any grid, on which the NCCT is sampled; found in the NCCT
            if left out.
        mask_given: Whether the mask is the user's own, so that no skull is needed.

    Returns:
        Findings in words with the remedy; none for a plain head CT.
    """
    found = [] if mask_given else [*_bone_findings(ncct)]
    if not found and not mask_given:
        found = [*_cut_off_findings(ncct)]
    found += [*_air_findings(ncct), *_contrast_findings(ncct)]
    mask = brain if brain is not None else _stripped(ncct)
    if mask is None:
        return found
    inner = _without_rim(mask)
    sampled = resample(ncct, inner.affine, inner.shape, order=0, outside=np.nan).array
    values = sampled[(inner.array > 0) & np.isfinite(sampled)]
    if values.size >= _FEWEST_VOXELS:
        found += [*_brain_findings(values)]
    return found


def _without_rim(mask: Volume) -> Volume:
    """Take the rim of a mask away within the slices, where voxels hold bone as well.

    Every so many voxels are enough to tell: about `_SAMPLE_MM` apart.
    """
    brain = reorient_ras(mask)
    steps = [max(1, int(_SAMPLE_MM / mm)) for mm in brain.spacing]
    sampled = brain.array[tuple(slice(None, None, step) for step in steps)] > HALF
    width = max(1, round(_RIM_MM / (steps[0] * brain.spacing[0])))
    cross = ndimage.generate_binary_structure(2, 1)[..., np.newaxis]
    inner = ndimage.binary_erosion(sampled, cross, iterations=width)
    return Volume(inner, brain.affine @ np.diag([*steps, 1]), mask.kind)


def _offset(ncct: Volume) -> str:
    """Tell HU that were not shifted to where water is 0: brain is at 1060 then."""
    middle = _middle(ncct, _HEAD)
    if not _OFFSETS[0] <= middle <= _OFFSETS[1] + _SOFT_HU:
        return ""
    return (
        f"with the middle of the head at {middle:.0f}: HU + 1024 (or + 1000)? subtract "
        "the offset, in DICOM the RescaleIntercept"
    )


def _picture(ncct: Volume, low: float, high: float) -> str:
    """Tell greys of a screen, which a window has cut off, and values scaled to 1."""
    if low < -1 or high > _BYTE:
        return ""
    if high <= 1:
        is_scaled = np.mean(ncct.array != np.rint(ncct.array)) > _FRACTIONS
        return "scaled to 1? give the CT numbers themselves" if is_scaled else ""
    middle = _middle(ncct, 0.0)
    if low < 0 or not middle >= _DARKEST_PICTURE:
        return ""
    return (
        f"with the middle of the head at {middle:.0f}: an 8-bit picture of a window? "
        "give the CT numbers of the scanner, not a screen copy"
    )


def _middle(ncct: Volume, above: float) -> float:
    """Median in the middle third, along each axis, of the box around higher values."""
    held = ncct.array > above
    box = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        filled = np.flatnonzero(held.any(axis=others))
        if not filled.size:
            return math.nan
        start, length = int(filled[0]), int(filled[-1] - filled[0] + 1)
        third = length // 3
        box.append(slice(start + third, start + length - third))
    return float(np.nanmedian(ncct.array[tuple(box)]))


def _bone_findings(ncct: Volume) -> Iterator[str]:
    n_bone = int((ncct.array >= _BONE_HU).sum())
    n_soft = int(((ncct.array > 0) & (ncct.array <= _SOFT_HU)).sum())
    if n_bone >= _BONE_SHARE * n_soft:
        return
    yield (
        f"NCCT shows hardly any bone ({_BONE_HU:g} HU or more in {n_bone:,} voxels, "
        f"soft tissue in {n_soft:,}): the skull is removed already or values are cut "
        "off; give a brain_mask"
    )


def _cut_off_findings(ncct: Volume) -> Iterator[str]:
    """Tell a copy in a window, which holds no air or no dense bone."""
    low, high = float(ncct.array.min()), float(ncct.array.max())
    ends = []
    if low > _NO_AIR:
        ends.append(f"below {low:g} HU, where air is")
    if high < _DENSE_BONE:
        ends.append(f"above {high:g} HU, where bone is")
    if ends:
        yield (
            f"NCCT holds nothing {' and nothing '.join(ends)}: values were cut off; "
            "give the CT numbers of the scanner"
        )


def _air_findings(ncct: Volume) -> Iterator[str]:
    """Tell HU that are off by less than what no brain could have."""
    median = _air(ncct)
    if abs(median - _AIR_HU) > _AIR_BOUND:
        yield (
            f"air around the head has {median:.0f} HU in the NCCT, which must be "
            f"{_AIR_HU:g} within {_AIR_BOUND:g}: are CT numbers off by "
            f"{median - _AIR_HU:+.0f} HU?"
        )


def _air(ncct: Volume) -> float:
    """Median of air away from edges, NaN where nothing surely is air.

    Padding around the field is one value that many voxels share. Where all air is such
    a value, it counts unless it is the usual value of padding.
    """
    step = math.ceil(ncct.shape[2] / _AIR_SLICES)
    array = ncct.array[..., ::step]
    low, high = _AIR_RANGE
    square = np.ones((3, 3, 1), dtype=bool)
    air = (array > low) & (array < high)
    if not air.any():
        return math.nan
    found, counts = np.unique(array[air], return_counts=True)
    commonest = found[np.argmax(counts)]
    if counts.max() > _PADDED * counts.sum():
        padding = air & (array == commonest)
        inner = ndimage.binary_erosion(air & ~padding, square, iterations=2)
        if np.count_nonzero(inner) < _FEWEST_AIR and commonest != _PADDING_HU:
            inner = padding
    else:
        inner = ndimage.binary_erosion(air, square, iterations=2)
    values = array[inner]
    return float(np.median(values)) if values.size >= _FEWEST_AIR else math.nan


def _contrast_findings(ncct: Volume) -> Iterator[str]:
    if volume_shows_contrast(ncct):
        yield (
            f"NCCT shows vessels of {VESSEL_HU:g} HU and more in the soft tissue: "
            "contrast agent (a CTA)? take the series before contrast"
        )


def _stripped(ncct: Volume) -> Volume | None:
    try:
        return MorphologicalSkullStripper()(ncct)
    except DataError:
        return None


def _brain_findings(values: _Values) -> Iterator[str]:
    """Judge the CT numbers of a brain, `(n,)`."""
    low, high = BRAIN_HU
    median = float(np.median(values))
    if not low <= median <= high:
        cause = "contrast agent, or another scale" if median > high else "another scale"
        yield (
            f"NCCT has a median of {median:.0f} HU in the brain, which must be "
            f"{low:g} to {high:g}: {cause}?"
        )
    dark, white = NCCT_WINDOW
    cut = float(np.mean((values < dark) | (values > white)))
    if cut > _CUT_OFF:
        yield (
            f"{100 * cut:.0f} % of the brain in the NCCT lies outside {dark:g} to "
            f"{white:g} HU, where a network sees no difference"
        )
