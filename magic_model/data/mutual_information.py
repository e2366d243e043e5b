"""How much one image tells about another at the same place."""

import numpy as np
from numpy.typing import NDArray

from magic_model.data.grid import resample
from magic_model.data.volume import Volume

BINS = 32
"""Of the histogram of each image."""

_MIN_OVERLAP = BINS**2  # voxels; a histogram of fewer says nothing


def normalised_mutual_information(a: Volume, b: Volume) -> float:
    """(H(a) + H(b)) / H(a, b) where both images are, on the grid of b; NaN if nowhere.

    Studholme 1999, doi:10.1016/S0031-3203(98)00091-0.
    """
    sampled = resample(a, b.affine, b.shape, outside=np.nan).array
    both = np.isfinite(sampled) & np.isfinite(b.array)
    if both.sum() < _MIN_OVERLAP:
        return float("nan")
    counts, _, _ = np.histogram2d(sampled[both], b.array[both], BINS)
    joint = counts / counts.sum()
    entropy = _entropy(joint)
    if entropy == 0:
        return float("nan")
    return (_entropy(joint.sum(axis=0)) + _entropy(joint.sum(axis=1))) / entropy


def _entropy(shares: NDArray[np.float64]) -> float:
    held = shares[shares > 0]
    return float(-(held * np.log(held)).sum())
