"""An image with its place in space, its unit and its kind."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from magic_model.errors import DataError, Named, as_numbers

FloatArray = NDArray[np.float32]
Affine = NDArray[np.float64]


class Kind(Named):
    """Kind of an image: NCCT, a perfusion map, or a mask."""

    NCCT = "ncct"
    CBF = "cbf"
    CBV = "cbv"
    MTT = "mtt"
    TTP = "ttp"
    TMAX = "tmax"
    BRAIN_MASK = "brain_mask"
    CORE_MASK = "core_mask"
    PENUMBRA_MASK = "penumbra_mask"


MASKS = frozenset({Kind.BRAIN_MASK, Kind.CORE_MASK, Kind.PENUMBRA_MASK})
"""Kinds whose values are 0 and 1 and take no average."""

UNITS: dict[Kind, str] = {
    Kind.NCCT: "HU",
    Kind.CBF: "mL/100g/min",
    Kind.CBV: "mL/100g",
    Kind.MTT: "s",
    Kind.TTP: "s",
    Kind.TMAX: "s",
    Kind.BRAIN_MASK: "1",
    Kind.CORE_MASK: "1",
    Kind.PENUMBRA_MASK: "1",
}

_ORTHOGONAL = 1e-3  # cosine between axes


@dataclass(frozen=True, eq=False)
class Volume:
    """A three-dimensional image in physical units.

    Once constructed it has three axes and an invertible affine; a step that needs
    finite values asks for them with `require_finite`.

    Attributes:
        array: `(x, y, z)` float32 in the unit of its kind; indices as in NIfTI.
        affine: `(4, 4)` from indices to mm in RAS+ (right, anterior, superior).
        kind: What it shows; `UNITS[kind]` is its unit.
        notes: What was assumed or changed when it was read.

    Raises:
        DataError: If the array has not three axes or the affine is not invertible.
    """

    array: FloatArray
    affine: Affine
    kind: Kind
    notes: tuple[str, ...] = ()

    def __init__(
        self,
        array: ArrayLike,
        affine: ArrayLike,
        kind: Kind | str,
        notes: tuple[str, ...] = (),
    ) -> None:
        values = _float32(array)
        matrix = as_numbers(affine, "An affine").copy()
        if values.ndim != 3 or 0 in values.shape:
            msg = f"A volume must have three axes, got shape {values.shape}"
            raise DataError(msg)
        if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
            msg = f"An affine must be 4 x 4 finite numbers, got {matrix.tolist()}"
            raise DataError(msg)
        if abs(np.linalg.det(matrix[:3, :3])) < 1e-9:
            msg = "An affine must be invertible, got one that flattens the image"
            raise DataError(msg)
        object.__setattr__(self, "array", values)
        object.__setattr__(self, "affine", matrix)
        object.__setattr__(self, "kind", Kind(kind))
        object.__setattr__(self, "notes", notes)

    @property
    def unit(self) -> str:
        """Unit of the values."""
        return UNITS[self.kind]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels along each axis."""
        x, y, z = self.array.shape
        return x, y, z

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Distance between voxels along each axis, in mm."""
        x, y, z = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(x), float(y), float(z)

    @property
    def voxel_ml(self) -> float:
        """Volume of a voxel in mL."""
        return abs(float(np.linalg.det(self.affine[:3, :3]))) / 1000

    @property
    def is_orthogonal(self) -> bool:
        """Return whether the axes stand at right angles (no gantry tilt, no shear)."""
        axes = self.affine[:3, :3] / np.linalg.norm(self.affine[:3, :3], axis=0)
        off_diagonal = axes.T @ axes - np.eye(3)
        return bool(np.abs(off_diagonal).max() < _ORTHOGONAL)

    def require_finite(self) -> Self:
        """Return itself, or refuse NaN and infinite values.

        Raises:
            DataError: Saying how many voxels are not finite.
        """
        bad = int((~np.isfinite(self.array)).sum())
        if bad:
            msg = f"{self.kind} must be finite, {bad} voxels are NaN or infinite"
            raise DataError(msg)
        return self

    def with_array(self, array: ArrayLike, kind: Kind | str | None = None) -> "Volume":
        """Return another image at the same place.

        Raises:
            DataError: If the shape differs.
        """
        values = _float32(array)
        if values.shape != self.array.shape:
            msg = f"Expected an array of shape {self.array.shape}, got {values.shape}"
            raise DataError(msg)
        return Volume(values, self.affine, self.kind if kind is None else kind)


def _float32(array: ArrayLike) -> FloatArray:
    try:
        return np.asarray(array, dtype=np.float32)
    except (TypeError, ValueError) as error:
        msg = f"A volume must be numbers, got {type(array).__name__} ({error})"
        raise DataError(msg) from error
