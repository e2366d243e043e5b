"""The paper's augmentation on the device, whole batches at a time (paper 2.1.1)."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from magic_model.data.augment import RigidChange


def changed(
    images: Tensor, changes: Sequence[RigidChange], *, nearest: bool = False
) -> Tensor:
    """Flip, rotate and shift each image of a batch.

    Args:
        images: `(b, channels, h, w)` in [-1, 1]; what comes from outside is -1.
        changes: One per image, as `magic_model.data.augment` draws and defines them.
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
