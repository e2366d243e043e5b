"""The NCCT slices below, at and above each slice: the paper's pseudo-RGB (2.1.2)."""

import numpy as np

from magic_model.data.grid import HALF, Shape, resample
from magic_model.data.normalise import NCCT_WINDOW
from magic_model.data.slice_stack import to_display
from magic_model.data.volume import Affine, FloatArray, Volume

_WHOLE = 1e-3  # slices; how near to a whole number of them an offset is one


def sample_neighbours(
    head: Volume, brain: Volume, slab: tuple[Affine, Shape], offset_mm: float
) -> FloatArray:
    """Sample the NCCT at three heights around each slice of a slab.

    Args:
        head: In HU.
        brain: Mask on any grid; outside it the lower end of the window is given.
        slab: Affine and shape `(size, size, n)` of the slices.
        offset_mm: How far below and above.

    Returns:
        `(n, 3, size, size)` HU in radiological display.
    """
    affine, shape = slab
    step = offset_mm / float(np.linalg.norm(affine[:3, 2]))
    if abs(step - round(step)) < _WHOLE:
        # Below and above lie on slices of the slab, if it reaches a little further.
        reach = round(step)
        longer = (shape[0], shape[1], shape[2] + 2 * reach)
        planes = _masked(head, brain, raised(affine, -step), longer)
        at = (slice(start, start + shape[2]) for start in (0, reach, 2 * reach))
        return np.stack([planes[part] for part in at], axis=1)
    heights = (-step, 0.0, step)
    return np.stack(
        [_masked(head, brain, raised(affine, by), shape) for by in heights], axis=1
    )


def raised(affine: Affine, slices: float) -> Affine:
    """Move a grid up by a number of slices."""
    moved = affine.copy()
    moved[:3, 3] += slices * affine[:3, 2]
    return moved


def _masked(head: Volume, brain: Volume, affine: Affine, shape: Shape) -> FloatArray:
    """Give `(slice, row, column)`."""
    ct = resample(head, affine, shape, outside=NCCT_WINDOW[0]).array
    inside = resample(brain, affine, shape).array > HALF
    return to_display(np.where(inside, ct, np.float32(NCCT_WINDOW[0])))
