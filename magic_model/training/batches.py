"""Batches of slices, augmented, and the same whatever the number of processes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import grid_sample

from magic_model.data.grid import window_at, window_sides
from magic_model.data.slice_cache import SliceCache
from magic_model.distributed import World
from magic_model.errors import DataError
from magic_model.networks.generator import brain_seen

_MAX_DEGREES = 10.0
_MAX_SHIFT = 30.0  # pixels


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


def augment_batch(
    images: Tensor, changes: Sequence[RigidChange], *, nearest: bool = False
) -> Tensor:
    """Flip, rotate and shift each image of a batch.

    Args:
        images: `(b, channels, h, w)` in [-1, 1]; what comes from outside is -1.
        changes: One per image.
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


@dataclass(frozen=True)
class Batch:
    """Slices to train on.

    Attributes:
        ncct: `(b, 3, h, w)` in [-1, 1].
        maps: `(b, maps, h, w)` in [-1, 1].
        mask: `(b, 1, h, w)`, 1 where there are maps and brain.
    """

    ncct: Tensor
    maps: Tensor
    mask: Tensor

    def to(self, device: torch.device) -> "Batch":
        """Move it to a device."""
        return Batch(
            *(
                part.to(device, non_blocking=True)
                for part in (self.ncct, self.maps, self.mask)
            )
        )

    def channels_last(self) -> "Batch":
        """Lay it out as convolutions on a GPU like it."""
        layout = torch.channels_last
        return Batch(
            self.ncct.contiguous(memory_format=layout),
            self.maps.contiguous(memory_format=layout),
            self.mask,
        )


def crop_to_brain(batch: Batch, brain: Tensor, stride: int) -> Batch:
    """Cut the slices of a batch to their brains, all to one size.

    Air around a brain teaches nothing and takes half of the time. The size is the least
    that holds every brain of the batch with a margin, a multiple of the stride of the
    network.

    Args:
        batch: Whole slices.
        brain: `(b, 1, h, w)`, above 0 where they show brain, with maps or without.
        stride: Of the network.
    """
    held = (brain[:, 0] > 0).cpu().numpy()
    each = [window_sides(inside, stride) for inside in held]
    rows, columns = (max(sides) for sides in zip(*each, strict=True))
    windows = [window_at(inside, (rows, columns)) for inside in held]
    return Batch(
        *(
            torch.stack(
                [image[:, *at] for image, at in zip(part, windows, strict=True)]
            )
            for part in (batch.ncct, batch.maps, batch.mask)
        )
    )


def load_batch(cache: SliceCache, indices: NDArray[np.int64]) -> Batch:
    """Read slices of a cache."""
    ncct = cache.ncct[indices].astype(np.float32)
    maps = cache.map_values[indices].astype(np.float32)
    mask = cache.mask[indices].astype(np.float32)[:, None]
    return Batch(*(torch.from_numpy(part) for part in (ncct, maps, mask)))


@dataclass(frozen=True)
class TrainingBatches:
    """Batches of one run; each follows from seed, epoch and step alone.

    Attributes:
        cache: Slices.
        indices: Those to train on.
        batch_size: Slices per step over all processes.
        seed: Of the run.
        augment: Whether slices are changed at random.
        crop: Stride of the network if slices are cut to their brains, else 0.
        turned: Share of changed slices that are turned (`RigidChange.drawn`).
        world: Which part of each batch this process takes.
        device: Where batches go.

    Raises:
        DataError: If a batch cannot be dealt out evenly.
    """

    cache: SliceCache
    indices: NDArray[np.int64]
    batch_size: int
    seed: int
    augment: bool
    world: World
    device: torch.device
    crop: int = 0
    turned: float = 1.0

    def __post_init__(self) -> None:
        if self.batch_size % self.world.size:
            # Gradients are averaged over processes, so each must have as many slices.
            msg = (
                f"training.batch_size must be a multiple of the {self.world.size} "
                f"processes, got {self.batch_size}"
            )
            raise DataError(msg)

    @property
    def per_epoch(self) -> int:
        """Number of batches; slices that do not fill the last one wait for the next."""
        return max(1, len(self.indices) // self.batch_size)

    def of_epoch(self, epoch: int, first: int = 0) -> Iterator[Batch]:
        """Yield this process's part of each batch of an epoch, from step `first` on."""
        order = np.random.default_rng([self.seed, epoch]).permutation(self.indices)
        whole = np.resize(order, self.per_epoch * self.batch_size)
        for step in range(first, self.per_epoch):
            batch = whole[step * self.batch_size :][: self.batch_size]
            places = np.arange(len(batch))[self.world.part(len(batch))]
            yield self._drawn(batch, places, [self.seed, epoch, step])

    def _drawn(
        self, batch: NDArray[np.int64], places: NDArray[np.int64], key: list[int]
    ) -> Batch:
        loaded = load_batch(self.cache, batch[places]).to(self.device)
        brain = brain_seen(loaded.ncct)
        if self.augment:
            # Every process draws the changes of all, and uses those of its part.
            rng = np.random.default_rng(key)
            drawn = [RigidChange.drawn(rng, self.turned) for _ in batch]
            mine = [drawn[place] for place in places]
            loaded = Batch(
                augment_batch(loaded.ncct, mine),
                augment_batch(loaded.maps, mine),
                (augment_batch(loaded.mask, mine, nearest=True)).clamp(min=0),
            )
            brain = augment_batch(brain, mine, nearest=True)
        return crop_to_brain(loaded, brain, self.crop) if self.crop else loaded


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
