"""Random flips, rotations and shifts, alike for NCCT, maps and mask (paper 2.1.1)."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from magic_model.data.volume import FloatArray

BoolArray = NDArray[np.bool_]

MAX_DEGREES = 10.0
MAX_SHIFT = 30.0  # pixels


@dataclass(frozen=True)
class RigidChange:
    """A change of an image about its centre; flip, then rotation, then shift.

    Attributes:
        flip: Whether left and right are swapped.
        degrees: Rotation, counterclockwise as displayed.
        down: Shift in pixels along the rows.
        right: Shift in pixels along the columns.
    """

    flip: bool = False
    degrees: float = 0.0
    down: float = 0.0
    right: float = 0.0

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Self:
        """Draw one as the paper does: each part evenly over its range."""
        return cls(
            flip=bool(rng.random() < 0.5),
            degrees=float(rng.uniform(-MAX_DEGREES, MAX_DEGREES)),
            down=float(rng.uniform(-MAX_SHIFT, MAX_SHIFT)),
            right=float(rng.uniform(-MAX_SHIFT, MAX_SHIFT)),
        )

    def apply(
        self, image: FloatArray, *, order: int = 1, outside: float = 0.0
    ) -> FloatArray:
        """Change one image `(h, w)`.

        Args:
            image: The image.
            order: 0 for the nearest pixel, 1 for linear interpolation.
            outside: Value of pixels that come from outside the image.
        """
        centre = (np.array(image.shape) - 1) / 2
        angle = np.radians(self.degrees)
        turn = [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
        # From where a pixel goes to where it comes from.
        matrix = np.diag([1.0, -1.0 if self.flip else 1.0]) @ turn
        offset = centre - matrix @ (centre + np.array([self.down, self.right]))
        changed: FloatArray = ndimage.affine_transform(
            image, matrix, offset, order=order, cval=outside, prefilter=False
        )
        return changed


def augment(
    ncct: FloatArray,
    maps: FloatArray,
    mask: BoolArray,
    *,
    rng: np.random.Generator,
    ncct_outside: float = 0.0,
    maps_outside: float = 0.0,
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Change a sample at random, all its images alike.

    Args:
        ncct: `(3, h, w)`.
        maps: `(m, h, w)`.
        mask: `(h, w)`.
        rng: Source of chance; four numbers are drawn.
        ncct_outside: Value of NCCT pixels that come from outside the image: the lower
            end of the window in HU, or -1 for images that are scaled already.
        maps_outside: The same for the maps: 0 in units, -1 scaled.

    Returns:
        NCCT and maps interpolated linearly, the mask by nearest pixel.
    """
    change = RigidChange.drawn(rng)
    return (
        _each(change, ncct, ncct_outside),
        _each(change, maps, maps_outside),
        change.apply(mask.astype(np.float32), order=0) > 0.5,
    )


def _each(change: RigidChange, images: FloatArray, outside: float) -> FloatArray:
    changed = np.empty_like(images)
    for image, target in zip(images, changed, strict=True):
        target[:] = change.apply(image, outside=outside)
    return changed
