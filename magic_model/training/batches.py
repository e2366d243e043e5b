"""Batches of slices, augmented, and the same whatever the number of processes."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from magic_model.data.grid import window_at, window_sides
from magic_model.data.slice_cache import SliceCache
from magic_model.distributed import World
from magic_model.errors import DataError
from magic_model.networks.generator import brain_seen
from magic_model.training.augmentation import RigidChange, augment_batch, drawn_bend


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
        bent: Share of changed slices that are bent (`drawn_bend`).
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
    bent: float = 0.0

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
            bends = self._bends(rng, len(batch), loaded.ncct)
            given = (mine, None if bends is None else bends[places])
            loaded = Batch(
                augment_batch(loaded.ncct, *given),
                augment_batch(loaded.maps, *given),
                (augment_batch(loaded.mask, *given, nearest=True)).clamp(min=0),
            )
            brain = augment_batch(brain, *given, nearest=True)
        return crop_to_brain(loaded, brain, self.crop) if self.crop else loaded

    def _bends(
        self, rng: np.random.Generator, n: int, images: Tensor
    ) -> NDArray[np.float64] | None:
        """Draw how each of n slices is bent; nothing is drawn where none may be."""
        if not self.bent:
            return None
        height, width = images.shape[2:]
        return np.stack(
            [
                drawn_bend(rng, height, width) * (rng.random() < self.bent)
                for _ in range(n)
            ]
        )
