"""The ceiling: how well CT numbers tell a map, voxel by voxel, at best."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from magic_model.data.volume import FloatArray, Kind
from magic_model.phantom.anatomy import slice_mean
from magic_model.phantom.patient import Phantom

_PURE = 0.9
"""Voxels with more grey matter than this count."""

DOCUMENTED = {Kind.CBF: 53.0, Kind.CBV: 3.3, Kind.MTT: 3.74}
"""Healthy grey matter in mL/100g/min, mL/100g and s (Riordan 2011, Manhart 2013)."""


def healthy_means(phantom: Phantom) -> dict[Kind, float]:
    """Mean CBF, CBV, MTT, TTP and Tmax of healthy grey matter, both hemispheres.

    Healthy grey matter is each voxel of the brain with more than `_PURE` grey matter
    whose flow no lesion reduces.
    """
    voxels = _healthy_grey_matter(phantom)
    return {
        kind: float(phantom.images[kind].array[voxels].mean(dtype=np.float64))
        for kind in (Kind.CBF, Kind.CBV, Kind.MTT, Kind.TTP, Kind.TMAX)
    }


_WINDOW_HU = (0.0, 80.0)
_N_BINS = 400


@dataclass(frozen=True)
class Ceiling:
    """Least error of a prediction from the CT number alone.

    Attributes:
        mae: Mean absolute error of the best prediction, in the unit of the map.
        mae_of_mean: The same for the mean of the map everywhere.
        n_voxels: Number of voxels behind it.
    """

    mae: float
    mae_of_mean: float
    n_voxels: int


def ceiling(hu: FloatArray, values: FloatArray) -> Ceiling:
    """Best prediction of a map from the CT number of the same voxel, tissue unknown.

    It is the median of the map among voxels of like CT number (400 bins of as many
    voxels each), learnt on every second voxel, tried on the others, and the other way
    round.

    Args:
        hu: CT numbers of voxels, in a row.
        values: Values of the map in the same voxels.

    Raises:
        ValueError: If they are not as many, or fewer than two per bin and half.
    """
    if hu.shape != values.shape or hu.ndim != 1 or hu.size < 4 * _N_BINS:
        msg = (
            f"Ceiling needs two rows of {4 * _N_BINS} values or more, "
            f"got shapes {hu.shape} and {values.shape}"
        )
        raise ValueError(msg)
    halves = (slice(0, None, 2), slice(1, None, 2))
    errors = [
        np.abs(_predict(hu[learnt], values[learnt], hu[tried]) - values[tried])
        for learnt, tried in (halves, halves[::-1])
    ]
    return Ceiling(
        mae=float(np.concatenate(errors).mean(dtype=np.float64)),
        mae_of_mean=float(np.abs(values - values.mean(dtype=np.float64)).mean()),
        n_voxels=hu.size,
    )


def brain_voxels(
    phantom: Phantom, kind: Kind, *, noise_free: bool = True
) -> tuple[FloatArray, FloatArray]:
    """Return CT numbers and values of a map in the voxels of the brain, in two rows.

    CT numbers are averaged over the planes that the map averages.

    Args:
        phantom: The patient.
        kind: The map.
        noise_free: Take the CT without noise.
    """
    ncct = phantom.noise_free if noise_free else phantom.images[Kind.NCCT]
    values = phantom.images[kind]
    brain = phantom.images[Kind.BRAIN_MASK].array > 0
    first = round(values.affine[2, 3] - ncct.affine[2, 3])
    step = round(values.spacing[2])
    planes = range(first, first + step * values.shape[2], step)
    hu = slice_mean(ncct.array, planes)[brain]
    return np.clip(hu, *_WINDOW_HU), values.array[brain]


def _healthy_grey_matter(phantom: Phantom) -> NDArray[np.bool_]:
    """Voxels of healthy grey matter on the grid of the maps."""
    brain = phantom.images[Kind.BRAIN_MASK].array > 0
    healthy: NDArray[np.bool_] = (phantom.tissues.grey > _PURE) & (phantom.flow == 1)
    return brain & healthy


def _predict(hu: FloatArray, values: FloatArray, wanted: FloatArray) -> FloatArray:
    """Median of the values in the bin of each CT number."""
    order = np.argsort(hu, kind="stable")
    bins = np.array_split(order, _N_BINS)
    starts = hu[[members[0] for members in bins[1:]]]
    medians = np.array([np.median(values[members]) for members in bins], np.float32)
    predicted: FloatArray = medians[np.searchsorted(starts, wanted, side="right")]
    return predicted
