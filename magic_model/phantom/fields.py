"""Smooth fields: random ones, and smooth fields known at few points made finer.

Whatever changes slowly in space (displacement, depth below the skull, lesion, regional
flow) is worked out at every fourth voxel and interpolated between, which costs
little. Sums run in a fixed order, so that the same numbers come on any number of
threads.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from magic_model.data.volume import FloatArray

_SPLINE_SD = (151 / 315) ** 1.5
"""Deviation of a cubic B-spline field whose coefficients have deviation 1, in 3-D."""


def interpolate(nodes: FloatArray, positions: Sequence[FloatArray]) -> FloatArray:
    """Interpolate linearly on a rectangular grid.

    Args:
        nodes: `(x, y, z)` values at whole-number positions, two or more along each
            axis.
        positions: For each axis, where values are wanted, in steps of the nodes.

    Returns:
        Values at all combinations of the positions.
    """
    values = nodes
    for axis in (2, 1, 0):
        where = positions[axis]
        first = np.clip(where.astype(np.intp), 0, values.shape[axis] - 2)
        t = (where - first).astype(np.float32)
        values = _mix(values, axis, first, [1 - t, t])
    return values


def random_coefficients(
    extent_mm: Sequence[float], spacing_mm: float, rng: np.random.Generator
) -> FloatArray:
    """Draw coefficients of a B-spline field that covers a box, each within -1 and 1."""
    shape = [int(extent / spacing_mm) + 4 for extent in extent_mm]
    return rng.uniform(-1, 1, shape).astype(np.float32)


def spline_field(
    coefficients: FloatArray, spacing_mm: float, axes_mm: Sequence[FloatArray]
) -> FloatArray:
    """Evaluate a uniform cubic B-spline.

    Args:
        coefficients: `(x, y, z)`, the first one step before the box begins.
        spacing_mm: Distance between coefficients.
        axes_mm: For each axis, distances from the beginning of the box in mm.
    """
    values = coefficients
    for axis in (2, 1, 0):
        where = axes_mm[axis] / spacing_mm
        first = where.astype(np.intp)
        t = (where - first).astype(np.float32)
        weights = [
            (1 - t) ** 3,
            3 * t**3 - 6 * t**2 + 4,
            -3 * t**3 + 3 * t**2 + 3 * t + 1,
            t**3,
        ]
        values = _mix(values, axis, first, [w / np.float32(6) for w in weights])
    return values


def random_field(
    axes_mm: Sequence[FloatArray], spacing_mm: float, rng: np.random.Generator
) -> FloatArray:
    """Draw a smooth field of mean 0 and deviation 1.

    Args:
        axes_mm: For each axis, distances from the beginning of the box in mm.
        spacing_mm: Distance between the coefficients of the B-spline; structures are
            about twice as large.
        rng: Source of chance.
    """
    extent = [float(axis[-1]) for axis in axes_mm]
    coefficients = random_coefficients(extent, spacing_mm, rng)
    uniform_sd = np.float32(1 / np.sqrt(3))
    field = spline_field(coefficients, spacing_mm, axes_mm)
    return field / np.float32(_SPLINE_SD * uniform_sd)


def _mix(
    values: FloatArray,
    axis: int,
    first: NDArray[np.intp],
    weights: Sequence[FloatArray],
) -> FloatArray:
    """Weighted sum of neighbours along an axis, the first one given."""
    along = [1, 1, 1]
    along[axis] = -1
    mixed = values.take(first, axis) * weights[0].reshape(along)
    for step, weight in enumerate(weights[1:], start=1):
        mixed += values.take(first + step, axis) * weight.reshape(along)
    return mixed
