"""Bring volumes onto a common grid by their affines."""

from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.optimize import linear_sum_assignment

from magic_model.data.volume import Affine, FloatArray, Volume
from magic_model.errors import DataError, is_a
from magic_model.maps import PerfusionMap

BoolArray = NDArray[np.bool_]
Shape = tuple[int, int, int]
Maps = Mapping[PerfusionMap, Volume]

HALF = 0.5 - 1e-3
"""Share of a voxel that counts as in a mask; lower, so that rounding breaks no tie."""

_MARGIN = 4  # pixels about a brain in a window
_SAME = 1e-5  # of a voxel; closer grids are the same
_ROUNDING = 1e-6  # of an index; affines are stored in single precision


def reorient_ras(volume: Volume) -> Volume:
    """Swap and flip axes so that each points along its nearest of right, anterior, up.

    No value is interpolated and every voxel keeps its place in space.
    """
    directions = volume.affine[:3, :3] / volume.spacing
    _, order = linear_sum_assignment(-np.abs(directions))
    array = volume.array.transpose(order)
    affine = volume.affine[:, [*order, 3]]
    for axis in range(3):
        if affine[axis, axis] < 0:
            array = np.flip(array, axis)
            affine[:, 3] += affine[:, axis] * (array.shape[axis] - 1)
            affine[:, axis] *= -1
    return Volume(array, affine + 0.0, volume.kind)  # + 0.0 turns -0 into 0


def resample(
    volume: Volume, affine: Affine, shape: Shape, *, order: int = 1, outside: float = 0
) -> Volume:
    """Sample a volume at the voxel centres of another grid.

    A voxel reaches half its width beyond its centre, and holds its value there. Voxels
    that are not finite count as not measured: they are left out of the average of
    neighbours, and where they make up more than half of it the result is `outside`.

    Args:
        volume: What is sampled.
        affine: `(4, 4)` of the grid, from indices to mm in RAS+.
        shape: Number of voxels of the grid.
        order: 0 for the nearest voxel (masks), 1 for linear interpolation.
        outside: Value where nothing was measured.

    Raises:
        ValueError: If the order is neither 0 nor 1.
    """
    if order not in {0, 1}:
        msg = f"Order must be 0 (nearest) or 1 (linear), got {order}"
        raise ValueError(msg)
    to_index = np.linalg.inv(volume.affine) @ affine
    measured = np.isfinite(volume.array)
    if measured.all():
        values = _sampled(volume.array, to_index, shape, order)
        weight = None
    else:
        values = _sampled(np.where(measured, volume.array, 0), to_index, shape, order)
        weight = _sampled(measured.astype(np.float32), to_index, shape, order)
        values = np.divide(values, weight, out=values, where=weight > HALF)
    known = _inside(to_index, volume.shape, shape)
    if weight is not None:
        known = known & (weight > HALF)
    return Volume(np.where(known, values, np.float32(outside)), affine, volume.kind)


def covered(volume: Volume, affine: Affine, shape: Shape) -> BoolArray:
    """Return which voxels of a grid lie within a volume, edges included."""
    to_index = np.linalg.inv(volume.affine) @ affine
    return np.broadcast_to(_inside(to_index, volume.shape, shape), shape)


def in_plane_grid(volume: Volume, size: int = 256) -> tuple[Affine, Shape]:
    """Lay square pixels over the slices of a volume.

    Args:
        volume: A volume in RAS orientation; its slices and its oblique angle are kept.
        size: Pixels along each side of a slice.

    Returns:
        Affine and shape `(size, size, slices)` of a grid with the same centre, whose
        side is the longer side of the volume.
    """
    columns, rows, slices = volume.shape
    width, height, _ = volume.spacing
    pixel = max(columns * width, rows * height) / size
    affine = volume.affine.copy()
    affine[:3, :2] *= [pixel / width, pixel / height]
    middle = volume.affine @ [(columns - 1) / 2, (rows - 1) / 2, 0, 1]
    affine[:, 3] = middle - affine @ [(size - 1) / 2, (size - 1) / 2, 0, 0]
    return affine, (size, size, slices)


def grid_over(
    volume: Volume, shown: BoolArray, size: int, margin: float = 0.03
) -> tuple[Affine, Shape]:
    """Lay square pixels over the box of what is shown of a volume, in all its slices.

    Args:
        volume: A volume in RAS orientation; its slices and its oblique angle are kept.
        shown: `(x, y, z)`, of the volume; it must hold something.
        size: Pixels along each side of a slice.
        margin: Share of the longer side of the box that is left free on each side.

    Returns:
        Affine and shape `(size, size, slices)` of a grid around the middle of the box.
    """
    along = [np.flatnonzero(shown.any(axes)) for axes in ((1, 2), (0, 2))]
    first, last = (np.array([ends[k] for ends in along]) for k in (0, -1))
    spacing = np.array(volume.spacing[:2])
    # A voxel more: masks are cut at half a voxel, and pixels are smaller.
    side = float(((last - first + 3) * spacing).max()) * (1 + 2 * margin)
    affine = volume.affine.copy()
    affine[:3, :2] *= side / size / spacing
    middle = volume.affine @ [*((first + last) / 2), 0, 1]
    affine[:, 3] = middle - affine @ [(size - 1) / 2, (size - 1) / 2, 0, 0]
    return affine, (size, size, volume.shape[2])


def grid_around(
    volume: Volume, brain: Volume, size: int, pixel_mm: float
) -> tuple[Affine, Shape]:
    """Lay square pixels of a given side over the slices of a volume, around the brain.

    Where the image ends plays no part: an edge between pixels in the middle of the grid
    lies on the edge between voxels that is nearest to the middle of the brain, so that
    the same head gets the same pixels whatever air is around it.

    Args:
        volume: A volume in RAS orientation; its slices and its oblique angle are kept.
        brain: Mask on any grid.
        size: Pixels along each side of a slice.
        pixel_mm: Side of a pixel.

    Returns:
        Affine and shape `(size, size, slices)`.
    """
    middle = np.linalg.inv(volume.affine) @ brain.affine @ _middle(brain)
    edge = np.rint(middle[:2] + 0.5) - 0.5
    affine = volume.affine.copy()
    affine[:3, :2] *= pixel_mm / np.array(volume.spacing[:2])
    half = size // 2 - 0.5
    affine[:, 3] = volume.affine @ [*edge, 0, 1] - affine @ [half, half, 0, 0]
    return affine, (size, size, volume.shape[2])


def respace(grid: tuple[Affine, Shape], spacing_mm: float) -> tuple[Affine, Shape]:
    """Take slices of a grid at another distance; the first stays where it is.

    Raises:
        DataError: If the distance is not positive.
    """
    if not (is_a(spacing_mm, Real) and 0 < spacing_mm < np.inf):
        msg = f"spacing must be a positive number of mm, got {spacing_mm}"
        raise DataError(msg)
    affine, (x, y, n) = grid[0].copy(), grid[1]
    step = spacing_mm / float(np.linalg.norm(affine[:3, 2]))
    affine[:3, 2] *= step
    return affine, (x, y, int((n - 1) / step + _ROUNDING) + 1)


def common_grid(maps: Maps) -> dict[PerfusionMap, Volume]:
    """Reorient the maps of a patient to RAS, on the grid of the first.

    Raises:
        DataError: If there is no map.
    """
    if not maps:
        msg = "At least one perfusion map must be given, got none"
        raise DataError(msg)
    first, *others = ((name, reorient_ras(volume)) for name, volume in maps.items())
    affine, shape = first[1].affine, first[1].shape
    return {
        first[0]: first[1],
        **{
            name: volume
            if volume.shape == shape and np.allclose(volume.affine, affine, atol=1e-4)
            else resample(volume, affine, shape, outside=np.nan)
            for name, volume in others
        },
    }


def map_support(maps: Mapping[Any, Volume]) -> BoolArray:
    """Return where any map of one grid is finite and not 0, `(x, y, z)`."""
    held = [np.isfinite(v.array) & (v.array != 0) for v in maps.values()]
    anywhere: BoolArray = np.logical_or.reduce(held)
    return anywhere


def window_sides(inside: BoolArray, multiple: int) -> tuple[int, int]:
    """Sides of the least window of a slice that holds its brain with a margin.

    Args:
        inside: `(rows, columns)`, where there is brain; if nowhere, all counts.
        multiple: Of which each side is one, as far as the slice is wide enough.
    """
    wanted = [last - first + 1 + 2 * _MARGIN for first, last in _extents(inside)]
    rows, columns = (
        min(length, -(-side // multiple) * multiple)
        for side, length in zip(wanted, inside.shape, strict=True)
    )
    return rows, columns


def window_at(inside: BoolArray, sides: tuple[int, int]) -> tuple[slice, slice]:
    """Place a window of those sides about the brain of a slice, within the slice."""
    rows, columns = (
        slice(start, start + side)
        for (first, last), side, length in zip(
            _extents(inside), sides, inside.shape, strict=True
        )
        for start in [min(max(0, (first + last + 1 - side) // 2), length - side)]
    )
    return rows, columns


def _extents(inside: BoolArray) -> list[tuple[int, int]]:
    """First and last row and column with brain; of all if there is none."""
    held = inside if inside.any() else np.ones_like(inside)
    lines = (np.flatnonzero(held.any(axis)) for axis in (1, 0))
    return [(int(line[0]), int(line[-1])) for line in lines]


def _middle(mask: Volume) -> NDArray[np.float64]:
    """Index `(4,)` of the centre of mass of a mask; of the image if it is empty."""
    held = mask.array > HALF
    if not held.any():
        held = np.ones(mask.shape, np.bool_)
    others = ((1, 2), (0, 2), (0, 1))
    along = (held.sum(axes, dtype=np.float64) for axes in others)
    return np.array([*(n @ np.arange(len(n)) / n.sum() for n in along), 1.0])


def _sampled(
    array: FloatArray, to_index: Affine, shape: Shape, order: int
) -> FloatArray:
    matrix, offset = to_index[:3, :3], to_index[:3, 3]
    whole = np.rint(offset)
    if np.allclose(to_index[:3], np.column_stack([np.eye(3), whole]), atol=_SAME):
        return _shifted(array, whole.astype(int).tolist(), shape)
    along_axes = np.diagonal(matrix)
    if np.array_equal(matrix, np.diag(along_axes)):
        matrix = along_axes  # one axis after the other, which is faster
    sampled: FloatArray = ndimage.affine_transform(
        array, matrix, offset, shape, np.float32, order, "nearest", prefilter=False
    )
    return sampled


def _shifted(array: FloatArray, start: list[int], shape: Shape) -> FloatArray:
    """Cut a grid of the same voxels out of an array; its edges go on outside."""
    within, beyond = [], []
    for first, length, size in zip(start, shape, array.shape, strict=True):
        low, high = (min(max(end, 0), size - 1) for end in (first, first + length - 1))
        within.append(slice(low, high + 1))
        before = min(max(low - first, 0), length - 1)
        beyond.append((before, length - before - (high + 1 - low)))
    cut = array[tuple(within)]
    return np.pad(cut, beyond, mode="edge") if np.any(beyond) else cut.copy()


def _inside(to_index: Affine, source: Shape, shape: Shape) -> BoolArray:
    """Return which voxels of the grid lie within the source's, edges included."""
    grid = np.indices(shape, sparse=True)
    inside: BoolArray = np.ones((1, 1, 1), dtype=np.bool_)
    for row, length in zip(to_index[:3], source, strict=True):
        index = sum(step * axis for step, axis in zip(row, grid, strict=False) if step)
        index = index + row[3]
        near, far = -0.5 - _ROUNDING, length - 0.5 + _ROUNDING
        inside = inside & (index >= near) & (index <= far)
    return inside
