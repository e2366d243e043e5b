"""The voxels of a phantom, and smooth fields on them.

Whatever changes slowly in space (displacement, depth below the skull, lesion, regional
flow) is worked out at every fourth voxel and interpolated between, which costs
little. Sums run in a fixed order, so that the same numbers come on any number of
threads.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from magic_model.data.volume import Affine, FloatArray

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


Size = Literal["slab", "full"]

PIXELS = 256
PIXEL_MM = 0.9
_STRIDE = 4  # voxels between the points where smooth fields are worked out
_ORIGIN_MM = -PIXEL_MM * (PIXELS - 1) / 2  # the middle of the frame is at 0


@dataclass(frozen=True)
class Grid:
    """Planes of the NCCT, 1 mm apart, and those of them on which maps are made.

    Attributes:
        bottom_mm: Height of the lowest NCCT plane.
        n_planes: Number of NCCT planes.
        first_map: Index of the lowest plane with maps.
        map_step: Planes from one map to the next.
        n_maps: Number of planes with maps.
    """

    bottom_mm: float
    n_planes: int
    first_map: int
    map_step: int
    n_maps: int

    @classmethod
    def of(cls, size: Size, *, shift_mm: float = 0.0) -> "Grid":
        """Return 101 NCCT planes with ten maps 10 mm apart, or 160 with maps on all.

        The slab reaches from the temporal lobes to the convexity.

        Args:
            size: "slab" or "full".
            shift_mm: How much higher than usual it lies.
        """
        if size == "slab":
            return cls(-33 + shift_mm, 101, first_map=5, map_step=10, n_maps=10)
        return cls(-72 + shift_mm, 160, first_map=0, map_step=1, n_maps=160)

    @property
    def map_planes(self) -> list[int]:
        """Indices of the NCCT planes with maps."""
        return [self.first_map + i * self.map_step for i in range(self.n_maps)]

    @property
    def ncct_affine(self) -> Affine:
        """From NCCT indices to mm in RAS+."""
        return _affine(self.bottom_mm, 1.0)

    @property
    def map_affine(self) -> Affine:
        """From map indices to mm in RAS+."""
        return _affine(self.bottom_mm + self.first_map, float(self.map_step))

    @property
    def node_axes_mm(self) -> list[FloatArray]:
        """For each axis, distances of the nodes of smooth fields from the first one."""
        in_plane = np.arange(0, PIXELS + _STRIDE, _STRIDE, dtype=np.float32) * PIXEL_MM
        through = np.arange(0, self.n_planes + _STRIDE, _STRIDE, dtype=np.float32)
        return [in_plane, in_plane, through]

    def node_coordinates(self) -> list[FloatArray]:
        """Return x, y and z of the nodes in mm, shaped to broadcast."""
        x, y, z = np.meshgrid(*self.node_axes_mm, indexing="ij", sparse=True)
        return [x + _ORIGIN_MM, y + _ORIGIN_MM, z + self.bottom_mm]

    @property
    def map_voxel_ml(self) -> float:
        """Volume of a voxel of the maps in mL."""
        return PIXEL_MM**2 * self.map_step / 1000

    @property
    def frame(self) -> "Box":
        """All voxels."""
        return Box(slice(0, PIXELS), slice(0, PIXELS), range(self.n_planes))

    def on_maps(self, nodes: FloatArray) -> FloatArray:
        """Interpolate a smooth field from the nodes to the maps."""
        frame = self.frame
        return self.finer(nodes, Box(frame.x, frame.y, self.map_planes))

    def finer(self, nodes: FloatArray, box: "Box") -> FloatArray:
        """Interpolate a smooth field from the nodes to NCCT planes within a box."""
        wanted = [range(box.x.start, box.x.stop), range(box.y.start, box.y.stop)]
        positions: list[FloatArray] = [
            np.asarray(voxels, dtype=np.float32) / np.float32(_STRIDE)
            for voxels in (*wanted, box.planes)
        ]
        return interpolate(nodes, positions)

    def box_around(self, nodes: NDArray[np.bool_]) -> "Box":
        """Return the columns and rows that hold all nodes that are true."""
        x, y = (_span(np.any(nodes, axis=others)) for others in ((1, 2), (0, 2)))
        return Box(x, y, range(self.n_planes))


@dataclass(frozen=True)
class Box:
    """A part of the grid.

    Attributes:
        x: Columns.
        y: Rows.
        planes: NCCT planes.
    """

    x: slice
    y: slice
    planes: Sequence[int]

    @property
    def in_plane(self) -> tuple[slice, slice]:
        """Columns and rows, to index with."""
        return self.x, self.y


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


def _span(nodes: NDArray[np.bool_]) -> slice:
    """Voxels from one node before the first true one to one after the last."""
    hit = np.flatnonzero(nodes)
    first, last = int(hit[0]) - 1, int(hit[-1]) + 1
    return slice(max(0, first * _STRIDE), min(PIXELS, last * _STRIDE))


def _affine(bottom_mm: float, step_mm: float) -> Affine:
    affine = np.diag([PIXEL_MM, PIXEL_MM, step_mm, 1.0])
    affine[:3, 3] = _ORIGIN_MM, _ORIGIN_MM, bottom_mm
    return affine
