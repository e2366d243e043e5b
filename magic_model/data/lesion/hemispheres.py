"""The two halves of a brain: the plane between them, and what lies opposite to what."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from magic_model.data.grid import BoolArray
from magic_model.data.volume import FloatArray

_WIDE = 0.5
"""Of the widest row of voxels from right to left; narrower ones tell little."""

_STEEPEST = 0.36
"""Slope of the plane, 20 degrees; more is no head that was turned but a bad fit."""

_FEWEST_ROWS = 12
_ROUNDS = 5


@dataclass(frozen=True)
class MidPlane:
    """The plane x = x0 + slope_y y + slope_z z, in mm along the axes of a RAS grid.

    Attributes:
        x0: Where it meets the x axis.
        slope_y: A head turned to its side (yaw).
        slope_z: A head leaning to its shoulder (roll).
        spacing: Distance between voxels along each axis in mm.
    """

    x0: float
    slope_y: float
    slope_z: float
    spacing: tuple[float, float, float]

    def is_left(self, shape: tuple[int, ...]) -> BoolArray:
        """Return which voxels lie on the side of the patient's left."""
        x, y, z = (
            step * axis
            for step, axis in zip(
                self.spacing, np.indices(shape, sparse=True), strict=True
            )
        )
        left: BoolArray = x < self.x0 + self.slope_y * y + self.slope_z * z
        return left

    def mirror(self, array: NDArray[Any]) -> FloatArray:
        """Return what lies opposite to each voxel, 0 where nothing does.

        Args:
            array: `(x, y, z)`, interpolated linearly; a mask becomes a share.
        """
        normal = np.array([1.0, -self.slope_y, -self.slope_z])
        length = float(np.linalg.norm(normal))
        normal /= length
        reflection = np.eye(3) - 2 * np.outer(normal, normal)
        spacing = np.array(self.spacing)
        mirrored: FloatArray = ndimage.affine_transform(
            array.astype(np.float32),
            reflection * spacing / spacing[:, None],
            2 * self.x0 / length * normal / spacing,
            order=1,
            mode="grid-constant",
        )
        return mirrored


def find_mid_plane(tissue: BoolArray, spacing: tuple[float, float, float]) -> MidPlane:
    """Fit the plane through the middles of the rows of voxels from right to left.

    Rows whose middle lies far off, such as beside a defect, are left out. Where the
    rows are few, the plane stands upright in the middle of the tissue.

    Args:
        tissue: `(x, y, z)` in RAS orientation, not empty.
        spacing: Distance between voxels along each axis in mm.
    """
    y, z = np.nonzero(tissue.any(axis=0))
    first = tissue.argmax(axis=0)[y, z]
    last = len(tissue) - 1 - tissue[::-1].argmax(axis=0)[y, z]
    middle = (first + last) / 2 * spacing[0]
    wide = last - first >= _WIDE * (last - first).max()
    at = np.stack([y * spacing[1], z * spacing[2]], axis=1)[wide]
    slopes, x0 = _fit(at, middle[wide])
    if np.abs(slopes).max() > _STEEPEST or wide.sum() < _FEWEST_ROWS:
        per_column = tissue.sum(axis=(1, 2))
        indices = np.arange(len(per_column))
        slopes = np.zeros(2)
        x0 = float(np.average(indices, weights=per_column)) * spacing[0]
    return MidPlane(x0, float(slopes[0]), float(slopes[1]), spacing)


def _fit(
    at: NDArray[np.float64], middle: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Least squares, again and again without the rows that lie farthest off."""
    kept = np.ones(len(middle), dtype=np.bool_)
    slopes, x0 = np.zeros(2), float(np.median(middle))
    for _ in range(_ROUNDS):
        centre = at[kept].mean(axis=0)
        height = float(middle[kept].mean())
        slopes = np.linalg.lstsq(at[kept] - centre, middle[kept] - height)[0]
        x0 = height - float(slopes @ centre)
        off = np.abs(at @ slopes + x0 - middle)
        kept = off <= max(1.0, 2 * float(np.median(off[kept])))
    return slopes, x0
