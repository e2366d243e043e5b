"""Slices as images, and their place in space."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from magic_model.data.grid import BoolArray
from magic_model.data.volume import Affine, FloatArray, Kind, Volume
from magic_model.maps import PerfusionMap

Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True, eq=False)
class SliceStack:
    """Slices of a patient, lowest first.

    Images are `(row, column)` in radiological display: row 0 is anterior, column 0 is
    the patient's right.

    Attributes:
        patient_id: Study-local name.
        ncct: `(n, 3, size, size)` HU below, at and above each slice; the lower end of
            the window outside the brain.
        maps: `(n, size, size)` each, in its unit; 0 where it holds no value.
        mask: `(n, size, size)` bool, where there are maps, brain and NCCT.
        affine: `(4, 4)` of the slab that `to_volume` gives.
        positions: `(n,)` slice of the slab that each belongs to.
    """

    patient_id: str
    ncct: FloatArray
    maps: Mapping[PerfusionMap, FloatArray]
    mask: BoolArray
    affine: Affine
    positions: NDArray[np.int64]

    @property
    def heights(self) -> NDArray[np.float64]:
        """`(n,)` mm in RAS+ (superior) of the middle of each slice."""
        _, rows, columns = self.mask.shape
        middle = self.affine @ [(columns - 1) / 2, (rows - 1) / 2, 0, 1]
        heights: NDArray[np.float64] = middle[2] + self.affine[2, 2] * self.positions
        return heights

    def to_volume(self, images: FloatArray, kind: Kind | str) -> Volume:
        """Put one image `(n, size, size)` per slice back in space; 0 between them."""
        _, height, width = images.shape
        array = np.zeros((width, height, int(self.positions[-1]) + 1), np.float32)
        array[:, :, self.positions] = from_display(images)
        return Volume(array, self.affine, kind)


def to_display(array: NDArray[Scalar]) -> NDArray[Scalar]:
    """Turn `(x, y, z)` in RAS into `(slice, row, column)` in radiological display."""
    return np.ascontiguousarray(array[::-1, ::-1].transpose(2, 1, 0))


def from_display(images: NDArray[Scalar]) -> NDArray[Scalar]:
    """Turn `(slice, row, column)` back into `(x, y, z)` in RAS."""
    return images.transpose(2, 1, 0)[::-1, ::-1]
