"""What thick slices make of a map, and linear interpolation between them."""

import numpy as np

from magic_model.data.grid import reorient_ras, resample
from magic_model.data.volume import Volume

PAPER_SLICE_MM = 8.0
"""Distance of measured slices in Figure 6 of the paper."""


def to_thick_slices(volume: Volume, slice_mm: float = PAPER_SLICE_MM) -> Volume:
    """Average neighbouring slices of a map into thick ones.

    Voxels that are 0 or not finite hold no value: they are left out of the average,
    and where they make up more than half of it the thick slice holds 0 as well.
    Slices at the top that do not fill a thick one are left out.

    Args:
        volume: A map with thin slices, in any orientation.
        slice_mm: Thickness wanted; the nearest multiple of the thin one is taken.

    Returns:
        The map in RAS orientation.

    Raises:
        ValueError: If the thickness is not above that of the map, or the map is
            thinner than one slice.
    """
    fine = reorient_ras(volume)
    thin, depth = fine.spacing[2], fine.shape[2]
    together = round(slice_mm / thin)
    if not 1 < together <= depth:
        msg = (
            f"A thick slice must hold between 2 and {depth} slices of {thin:g} mm, "
            f"got {slice_mm:g} mm"
        )
        raise ValueError(msg)
    x, y, _ = fine.shape
    count = depth // together
    stacks = fine.array[..., : count * together].reshape(x, y, count, together)
    held = np.isfinite(stacks) & (stacks != 0)
    number = held.sum(axis=3)
    total = np.where(held, stacks, 0).sum(axis=3)
    mean = np.where(2 * number >= together, total / np.maximum(number, 1), 0)
    affine = fine.affine.copy()
    affine[:3, 3] += affine[:3, 2] * (together - 1) / 2
    affine[:3, 2] *= together
    return Volume(mean, affine, fine.kind)


def interpolate_linearly(thick: Volume, like: Volume) -> Volume:
    """Fill the gaps between thick slices linearly, on the grid of another volume.

    Args:
        thick: A map; voxels that are 0 or not finite hold no value.
        like: Volume whose grid is taken.

    Returns:
        The map on that grid; 0 where nothing was measured.
    """
    known = np.where(thick.array == 0, np.nan, thick.array)
    return resample(thick.with_array(known), like.affine, like.shape)
