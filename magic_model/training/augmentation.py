"""Slices changed at random, as heads lie and brains are shaped otherwise."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import grid_sample, interpolate

_MAX_DEGREES = 10.0
_MAX_SHIFT = 30.0  # pixels
_BEND = 2.0  # pixels, spread of how far a point of the lattice moves
_LATTICE = 32  # pixels between its points at most
_STRETCH = 0.05  # spread of the share by which a brain is larger or smaller


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
    def drawn(cls, rng: np.random.Generator, turned: float = 1.0) -> Self:
        """Draw one as the paper does: each part evenly over its range.

        Args:
            rng: Source of chance.
            turned: Chance of that; else it is a flip and a shift by whole pixels, after
                which no pixel is a mean of others.
        """
        drawn = cls(
            flip=bool(rng.random() < 0.5),
            degrees=float(rng.uniform(-_MAX_DEGREES, _MAX_DEGREES)),
            down=float(rng.uniform(-_MAX_SHIFT, _MAX_SHIFT)),
            right=float(rng.uniform(-_MAX_SHIFT, _MAX_SHIFT)),
        )
        if turned == 1 or rng.random() < turned:
            return drawn
        return cls(drawn.flip, 0.0, float(round(drawn.down)), float(round(drawn.right)))


def drawn_bend(
    rng: np.random.Generator, height: int, width: int
) -> NDArray[np.float64]:
    """Draw another size and shape of a brain.

    Args:
        rng: Source of chance.
        height: Rows of the image.
        width: Its columns.

    Returns:
        `(2, rows, columns)`, how many pixels further down and right each point of a
        lattice over the image comes from.
    """
    shape = (height // _LATTICE + 2, width // _LATTICE + 2)
    sides = [
        np.linspace((1 - side) / 2, (side - 1) / 2, n)
        for side, n in zip((height, width), shape, strict=True)
    ]
    away = np.stack(np.meshgrid(*sides, indexing="ij"))
    return rng.normal(0, _BEND, away.shape) + rng.normal(0, _STRETCH) * away


def augment_batch(
    images: Tensor,
    changes: Sequence[RigidChange],
    bends: NDArray[np.float64] | None = None,
    *,
    nearest: bool = False,
) -> Tensor:
    """Flip, rotate, shift and perhaps bend each image of a batch.

    Args:
        images: `(b, channels, h, w)` in [-1, 1]; what comes from outside is -1.
        changes: One per image.
        bends: `(b, 2, rows, columns)` of `drawn_bend`, 0 where an image keeps its
            shape; none is bent without.
        nearest: Take the nearest pixel, for masks; else interpolate linearly.
    """
    height, width = images.shape[2:]
    theta = torch.tensor(
        np.stack([_theta(change, height, width) for change in changes]),
        dtype=images.dtype,
        device=images.device,
    )
    grid = torch.nn.functional.affine_grid(
        theta, list(images.shape), align_corners=False
    )
    if bends is not None:
        # From (down, right) in pixels to (x, y) in half images.
        moved = torch.as_tensor(bends, dtype=images.dtype, device=images.device)
        moved = interpolate(
            moved.flip(1), size=(height, width), mode="bilinear", align_corners=True
        )
        half = moved.new_tensor([width / 2, height / 2])
        grid = grid + moved.permute(0, 2, 3, 1) / half
    mode = "nearest" if nearest else "bilinear"
    # Zeros come from outside: -1 becomes 0 first, and comes back after.
    return grid_sample(images + 1, grid, mode=mode, align_corners=False) - 1


def _theta(change: RigidChange, height: int, width: int) -> np.ndarray:
    """Map of output to input places, in torch's (x, y) from -1 to 1 over an image."""
    angle = np.radians(change.degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    rows_columns = np.diag([1.0, -1.0 if change.flip else 1.0]) @ turn
    offset = -rows_columns @ [change.down, change.right]
    # From (row, column) in pixels to (x, y) in half images.
    swap = np.array([[0.0, 1.0], [1.0, 0.0]])
    scale = np.diag([2 / width, 2 / height])
    matrix = scale @ swap @ rows_columns @ swap @ np.linalg.inv(scale)
    return np.column_stack([matrix, scale @ swap @ offset])
