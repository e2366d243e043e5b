"""Whether two images of a brain agree in what is within it, not in its outline alone.

All heads are alike from afar: the outlines of two persons, and the middles of their
brains, can be brought together. What one brain tells of another fades within
millimetres if both are of one person, and hardly at all if they are not.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from magic_model.data.grid import resample
from magic_model.data.volume import Volume

_Numbers = NDArray[np.float64]

_PIXEL_MM = 2.0
_BLUR_MM = 2.0
_RIM_MM = 8.0  # of the brain; displaced images are compared in brain as well
_AWAY_MM = 6.0
_FEWEST_PIXELS = 500
_BINS = 16
_FLAT = 0.01  # of the largest value; less is the blur of the edge
_ASIDE = ((1, 0), (-1, 0), (0, 1), (0, -1))


def told_elsewhere(moving: Volume, fixed: Volume) -> float:
    """Find how much two brains tell of each other 6 mm aside, as a share of here.

    Mutual information of ranks, deep in the brain, with the moving image displaced
    within the slices in four directions: the largest of the four. 0.3 to 0.7 for two
    images of one brain, about 1 for those of two.

    Args:
        moving: Values of a brain, 0 around it.
        fixed: The same of another image; compared on its grid.

    Returns:
        The share; NaN where too little is common or one image is flat.
    """
    steps = [max(1, int(_PIXEL_MM / mm)) for mm in fixed.spacing[:2]]
    affine = fixed.affine @ np.diag([*steps, 1, 1])
    thin = Volume(fixed.array[:: steps[0], :: steps[1]], affine, fixed.kind)
    pixel_mm = float(np.mean(thin.spacing[:2]))
    along = affine[:3, :2] / np.linalg.norm(affine[:3, :2], axis=0)

    def displaced(across: float, down: float) -> Volume:
        shift = np.eye(4)
        shift[:3, 3] = _AWAY_MM * (along @ (across, down))
        there = Volume(moving.array, shift @ moving.affine, moving.kind)
        return resample(there, thin.affine, thin.shape, outside=0.0)

    here = displaced(0, 0)
    cross = ndimage.generate_binary_structure(2, 1)[..., np.newaxis]
    common = (thin.array != 0) & (here.array != 0)
    deep = ndimage.binary_erosion(
        common, cross, iterations=max(1, round(_RIM_MM / pixel_mm))
    )
    if np.count_nonzero(deep) < _FEWEST_PIXELS:
        return float("nan")
    blur = (_BLUR_MM / pixel_mm, _BLUR_MM / pixel_mm, 0)
    images = (thin, here, *(displaced(*way) for way in _ASIDE))
    values = [ndimage.gaussian_filter(image.array, blur)[deep] for image in images]
    if any(np.ptp(one) <= _FLAT * np.abs(one).max() for one in values):
        return float("nan")
    ranks = [_ranks(one) for one in values]
    told, *aside = (_information(other, ranks[0]) for other in ranks[1:])
    return max(aside) / told if told > 0 else float("nan")


def _ranks(values: NDArray[np.floating]) -> NDArray[np.intp]:
    """Bins that hold equally many values."""
    edges = np.quantile(values, np.linspace(0, 1, _BINS + 1)[1:-1])
    return np.searchsorted(edges, values)


def _information(a: NDArray[np.intp], b: NDArray[np.intp]) -> float:
    counts = np.bincount(a * _BINS + b, minlength=_BINS**2).reshape(_BINS, _BINS)
    joint: _Numbers = counts / counts.sum()
    apart = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    held = joint > 0
    return float((joint[held] * np.log(joint[held] / apart[held])).sum())
