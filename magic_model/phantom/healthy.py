"""Perfusion of healthy grey matter in a phantom patient, to set beside the sources."""

import numpy as np
from numpy.typing import NDArray

from magic_model.data.volume import Kind
from magic_model.phantom.patient import Phantom

PURE = 0.9
"""Voxels with more grey matter than this count."""

DOCUMENTED = {Kind.CBF: 53.0, Kind.CBV: 3.3, Kind.MTT: 3.74}
"""Healthy grey matter in mL/100g/min, mL/100g and s (Riordan 2011, Manhart 2013)."""


def healthy_means(phantom: Phantom) -> dict[Kind, float]:
    """Mean CBF, CBV, MTT, TTP and Tmax of healthy grey matter, both hemispheres.

    Healthy grey matter is each voxel of the brain with more than `PURE` grey matter
    whose flow no lesion reduces.
    """
    voxels = healthy_grey_matter(phantom)
    return {
        kind: float(phantom.images[kind].array[voxels].mean(dtype=np.float64))
        for kind in (Kind.CBF, Kind.CBV, Kind.MTT, Kind.TTP, Kind.TMAX)
    }


def healthy_grey_matter(phantom: Phantom) -> NDArray[np.bool_]:
    """Voxels of healthy grey matter on the grid of the maps."""
    brain = phantom.images[Kind.BRAIN_MASK].array > 0
    healthy: NDArray[np.bool_] = (phantom.tissues.grey > PURE) & (phantom.flow == 1)
    return brain & healthy
