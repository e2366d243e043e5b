"""How much of a map stays black though it lies in the mask."""

from collections.abc import Mapping

import numpy as np

from magic_model.data.grid import BoolArray
from magic_model.data.volume import FloatArray
from magic_model.maps import PerfusionMap


def share_without_value(
    maps: Mapping[PerfusionMap, FloatArray], mask: BoolArray
) -> float:
    """Share of the mask that the map with most holes leaves black.

    A pixel holds no value if it is 0 or not finite. Readers could tell the methods
    apart by holes that only one of them has.

    Args:
        maps: At least one, of the shape of `mask`.
        mask: Where maps are shown; not empty.
    """
    shown = (array[mask] for array in maps.values())
    return max(1 - float((np.isfinite(m) & (m != 0)).mean()) for m in shown)
