"""Rigid registration of one image of a head to another, and whether to believe it.

Both are reduced to their brains first: a skull that only one image shows would lead
the search astray. The result is tried before it is believed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from magic_model.data.alignment import outlines
from magic_model.data.alignment.detail import told_elsewhere
from magic_model.data.alignment.rigid_search import (
    COARSE,
    FINE,
    MEDIUM,
    Found,
    Resolution,
    RigidSearch,
)
from magic_model.data.grid import resample
from magic_model.data.skull_strip import MorphologicalSkullStripper
from magic_model.data.volume import Affine, Kind, Volume
from magic_model.errors import DataError

_BINS = 32
"""Of the histogram of each image."""

_MIN_OVERLAP = _BINS**2  # voxels; a histogram of fewer says nothing


def normalised_mutual_information(a: Volume, b: Volume) -> float:
    """(H(a) + H(b)) / H(a, b) where both images are, on the grid of b; NaN if nowhere.

    Studholme 1999, doi:10.1016/S0031-3203(98)00091-0.
    """
    sampled = resample(a, b.affine, b.shape, outside=np.nan).array
    both = np.isfinite(sampled) & np.isfinite(b.array)
    if both.sum() < _MIN_OVERLAP:
        return float("nan")
    counts, _, _ = np.histogram2d(sampled[both], b.array[both], _BINS)
    joint = counts / counts.sum()
    entropy = _entropy(joint)
    if entropy == 0:
        return float("nan")
    return (_entropy(joint.sum(axis=0)) + _entropy(joint.sum(axis=1))) / entropy


_TISSUE_HU = (0.0, 80.0)
_TOP_PERCENTILE = 99.0  # of a map; the few larger values would leave no bins to tissue
_FEWEST_VOXELS = 1000
_BACKGROUND = 0.95
"""An image with values in a larger share of its voxels has no background."""

_AGREEMENT_MM = 1.0
_OFFSET_MM = 5.0
_MISFIT_MM = 2.5
_SAME_MM = 1.0
_LARGER_MM = 2.0
_SMALLER_MM = 6.0
_ELSEWHERE = 0.9

_DETAILED = (Kind.CBF, Kind.CBV)
"""Maps that tell grey matter from white; times hardly do."""

_RESTARTS = (
    ((6.0, 0.0, -3.0), (0.0, 6.0, 6.0)),
    ((-3.0, 5.0, 3.0), (6.0, -4.0, -4.0)),
    ((-3.0, -5.0, 0.0), (-6.0, -4.0, 6.0)),
)
"""Degrees about x, y, z and mm by which a result is perturbed."""


@dataclass(frozen=True, eq=False)
class RigidRegistration:
    """Where an image must be moved to lie on another.

    Attributes:
        matrix: `(4, 4)` rotation and shift in mm of RAS+, from where the moving image
            is to where it belongs.
        mutual_information: Of the brains, normalised, after the move: 1 = unrelated,
            2 = one tells the other (`normalised_mutual_information`).
        mutual_information_before: The same before the move; NaN without overlap.
        iterations: Steps of the optimiser at the finest resolution.
        doubts: Why the result should not be believed, in words; empty if it stood all
            tests.
        moved_mm: Mean way of the brain by the move.
        apart_mm: How far searches from perturbed results ended from it at most.
        offset: Of the outlines after the move.
        elsewhere: What the brains tell of each other 6 mm aside, as a share of what
            they tell here; NaN if it is not known.
    """

    matrix: Affine
    mutual_information: float
    mutual_information_before: float
    iterations: int
    doubts: Sequence[str] = ()
    moved_mm: float = float("nan")
    apart_mm: float = float("nan")
    offset: outlines.Offset = outlines.UNKNOWN
    elsewhere: float = float("nan")

    @property
    def trusted(self) -> bool:
        """Return whether the result stood all tests."""
        return not self.doubts

    def apply(self, volume: Volume) -> Volume:
        """Move a volume; only its affine changes."""
        return Volume(volume.array, self.matrix @ volume.affine, volume.kind)


def register_rigid(
    moving: Volume, fixed: Volume, *, brain: Volume | None = None
) -> RigidRegistration:
    """Find the rigid motion that lays one image of a head on another, and test it.

    Mattes mutual information (doi:10.1109/TMI.2003.809072) of the two brains, coarse to
    fine, from the given place and from equal centres. The better result is perturbed by
    7 degrees and 8 mm in several ways and searched anew; all must come back to it
    within 1 mm. The outlines of the brains must then lie on each other, and what is
    within them must belong together. The same input gives the same result.

    Args:
        moving: For instance the NCCT.
        fixed: For instance a perfusion map, or the first CT perfusion frame (as an
            NCCT).
        brain: Mask of the moving image on its grid; found in it if None.

    Raises:
        DataError: If SimpleITK is missing, the NCCT holds values that are not finite,
            an image has skewed axes or is empty, or the images cannot be compared.
    """
    doubts: list[str] = []
    moving, fixed = _brain_of(moving, brain, doubts), _brain_of(fixed, None, doubts)
    search = RigidSearch(moving, fixed)
    points = _points(moving)
    centred = np.eye(4)
    centred[:3, 3] = (_points(fixed).mean(axis=1) - points.mean(axis=1))[:3]
    starts = [np.eye(4), centred]
    settled = _best(_ends(search, starts, (COARSE,)))
    settled = search.climb(settled.matrix, (MEDIUM,))
    settled, apart_mm = _tried(search, settled, points)
    found = search.climb(settled.matrix, (FINE,))
    return _judged(moving, fixed, found, apart_mm, doubts)


def _entropy(shares: NDArray[np.float64]) -> float:
    held = shares[shares > 0]
    return float(-(held * np.log(held)).sum())


def _brain_of(volume: Volume, mask: Volume | None, doubts: list[str]) -> Volume:
    """Keep the values of the brain; 0 around it."""
    if not volume.is_orthogonal:
        msg = f"{volume.kind} must have axes at right angles to be registered"
        raise DataError(msg)
    values, measured = volume.array, np.isfinite(volume.array)
    if volume.kind is Kind.NCCT:
        volume.require_finite()
        try:
            mask = MorphologicalSkullStripper()(volume) if mask is None else mask
            measured = mask.array > 0
        except DataError as error:
            doubts.append(f"no brain was found in the {volume.kind} ({error})")
        inside = np.clip(values, *_TISSUE_HU)
    else:
        values = np.where(measured, values, 0)
        held = values[values != 0]
        top = np.percentile(held, _TOP_PERCENTILE) if held.size else 0
        inside = np.minimum(values, top)
    inside = np.where(measured, inside, 0)
    n_held = np.count_nonzero(inside)
    if n_held < _FEWEST_VOXELS:
        msg = (
            f"{volume.kind} must show {_FEWEST_VOXELS} voxels of brain or more to be "
            f"registered, got {n_held}"
        )
        raise DataError(msg)
    return volume.with_array(inside)


def _points(volume: Volume) -> Affine:
    """Some places of a brain in mm, `(4, n)`."""
    held = np.argwhere(volume.array != 0)
    held = held[:: max(1, len(held) // 500)]
    points = np.ones((4, len(held)))
    points[:3] = held.T
    return volume.affine @ points


def _apart_mm(one: Affine, other: Affine, points: Affine) -> float:
    """Mean distance of the brain between two motions."""
    return float(np.linalg.norm(((one - other) @ points)[:3], axis=0).mean())


def _best(found: Sequence[Found]) -> Found:
    return max(found, key=lambda result: result.information)


def _ends(
    search: RigidSearch, starts: Sequence[Affine], resolutions: Sequence[Resolution]
) -> list[Found]:
    """Search from several places; those without overlap lead nowhere.

    Raises:
        DataError: If none leads anywhere.
    """
    ends, errors = [], []
    for start in starts:
        try:
            ends.append(search.climb(start, resolutions))
        except DataError as error:
            errors.append(error)
    if not ends:
        raise errors[-1]
    return ends


def _tried(search: RigidSearch, found: Found, points: Affine) -> tuple[Found, float]:
    """Search from perturbed results; once more if that finds a better place.

    Returns:
        The best result, and how far the others ended from it at most.
    """
    for _ in range(2):
        starts = [_perturbed(found.matrix, change, points) for change in _RESTARTS]
        others = _ends(search, starts, (COARSE, MEDIUM))
        best = _best([found, *others])
        better = _apart_mm(best.matrix, found.matrix, points) > _AGREEMENT_MM
        found = best
        if not better:
            break
    apart_mm = [_apart_mm(found.matrix, o.matrix, points) for o in others]
    return found, max(apart_mm) if len(others) == len(_RESTARTS) else math.inf


def _perturbed(
    matrix: Affine, change: tuple[tuple[float, ...], tuple[float, ...]], points: Affine
) -> Affine:
    """Turn a moved brain about its centre, and shift it."""
    degrees, shift = change
    centre = (matrix @ points).mean(axis=1)[:3]
    step = np.eye(4)
    step[:3, :3] = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
    step[:3, 3] = centre - step[:3, :3] @ centre + shift
    perturbed: Affine = step @ matrix
    return perturbed


def _judged(
    moving: Volume, fixed: Volume, found: Found, apart_mm: float, doubts: list[str]
) -> RigidRegistration:
    """Compare with the given place, and collect what speaks against the result."""
    points = _points(moving)
    after, before = (
        normalised_mutual_information(_moved(moving, place), fixed)
        for place in (found.matrix, np.eye(4))
    )
    moved_mm = _apart_mm(found.matrix, np.eye(4), points)
    placed = _moved(moving, found.matrix)
    offset, elsewhere = _offset(placed, fixed), math.nan
    if fixed.kind in _DETAILED:
        elsewhere = told_elsewhere(placed, fixed)
    if apart_mm > _AGREEMENT_MM:
        doubts.append(f"searches from near the result end {apart_mm:.1f} mm apart")
    doubts += _outline_doubts(offset, moving.kind, fixed.kind)
    if elsewhere > _ELSEWHERE:
        doubts.append(
            f"the brains tell as much of each other 6 mm aside ({elsewhere:.0%}): are "
            "both of one patient?"
        )
    if after <= before and moved_mm > _SAME_MM:
        doubts.append("the images tell more of each other where they were before")
    return RigidRegistration(
        matrix=found.matrix,
        mutual_information=after,
        mutual_information_before=before,
        iterations=found.steps,
        doubts=tuple(doubts),
        moved_mm=moved_mm,
        apart_mm=apart_mm,
        offset=offset,
        elsewhere=elsewhere,
    )


def _outline_doubts(offset: outlines.Offset, moving: Kind, fixed: Kind) -> list[str]:
    """Say what of the outlines does not fit, the worst first; nothing if all does."""
    larger = offset.larger_mm
    if np.isnan(offset.mm):
        return ["the outlines of the brains cannot be compared"]
    if offset.mm > _OFFSET_MM:
        return [f"the outlines of the brains still lie {offset} apart"]
    if offset.misfit_mm > _MISFIT_MM:
        return [f"the outlines of the brains differ by {offset.misfit_mm:.1f} mm"]
    if not -_SMALLER_MM <= larger <= _LARGER_MM:
        way = "beyond" if larger > 0 else "short of"
        return [
            f"{fixed} ends {abs(larger):.1f} mm {way} the brain of the {moving} all "
            "around: are both of one patient?"
        ]
    return []


def _moved(volume: Volume, matrix: Affine) -> Volume:
    return Volume(volume.array, matrix @ volume.affine, volume.kind)


def _offset(moving: Volume, fixed: Volume) -> outlines.Offset:
    support = fixed.array != 0
    if support.mean() > _BACKGROUND:
        return outlines.UNKNOWN
    mask = moving.with_array(moving.array != 0)
    inside = resample(mask, fixed.affine, fixed.shape, order=0).array > 0
    return outlines.outline_offset(support, inside, fixed.affine)
