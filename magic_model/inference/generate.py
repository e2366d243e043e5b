"""Maps of slices in physical units, whichever backend computes them."""

from collections.abc import Callable

import numpy as np

from magic_model.data.normalise import scale_hounsfield, unscale_map
from magic_model.data.slices import SliceStack
from magic_model.data.volume import FloatArray, Kind, Volume
from magic_model.errors import DataError
from magic_model.inference.model import Backend
from magic_model.maps import PerfusionMap
from magic_model.networks.pilo import Ratio

Progress = Callable[[int, int], None]


def generate_slices(
    stack: SliceStack,
    backend: Backend,
    *,
    ratio: Ratio = 1.0,
    batch_size: int = 4,
    progress: Progress | None = None,
) -> dict[PerfusionMap, FloatArray]:
    """Generate maps of every slice.

    Args:
        stack: Slices of an NCCT.
        backend: What generates.
        ratio: Perfusion information ratio; 1 is the output as trained.
        batch_size: Slices computed at a time; it does not change the result.
        progress: Called with slices done and all slices.

    Returns:
        `(n, size, size)` each, in its unit; 0 outside the mask of the stack.

    Raises:
        DataError: If slices are not of the backend's size or a ratio is not positive.
    """
    n_slices, size = stack.mask.shape[:2]
    if size != backend.size:
        msg = f"Slices must be {backend.size} pixels wide, got {size}"
        raise DataError(msg)
    maps = {name: np.zeros(stack.mask.shape, np.float32) for name in backend.maps}
    for start in range(0, n_slices, batch_size):
        part = slice(start, min(start + batch_size, n_slices))
        made = backend.predict(scale_hounsfield(stack.ncct[part]), ratio)
        for channel, name in enumerate(backend.maps):
            in_units = unscale_map(made[:, channel], name, backend.ranges[name])
            maps[name][part] = in_units * stack.mask[part]
        if progress is not None:
            progress(part.stop, n_slices)
    return maps


def as_volumes(
    stack: SliceStack, maps: dict[PerfusionMap, FloatArray]
) -> dict[PerfusionMap, Volume]:
    """Put maps back in space."""
    return {
        name: stack.to_volume(images, Kind(name.value)) for name, images in maps.items()
    }
