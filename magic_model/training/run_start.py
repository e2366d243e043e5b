"""What a run starts from, and what it must not start from."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from magic_model.checkpoint import CheckpointHeader
from magic_model.data.slice_cache import SliceCache
from magic_model.data.split import Split
from magic_model.distributed import World
from magic_model.errors import DataError
from magic_model.recipe import Recipe
from magic_model.training.adversaries import Adversaries
from magic_model.training.state import tensors_of

Progress = Callable[[int, int, dict[str, float]], None]
"""Called with steps done, of all, and the latest losses."""

AfterEpoch = Callable[[int, Adversaries], None]
"""Called with the number of epochs done."""


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """What a run needs beside recipe and slices.

    Attributes:
        folder: Where checkpoints and metrics go.
        seed: Of weights, order, augmentation and dropout.
        world: This process among all.
        device: Where the networks are.
        save_every: Steps between checkpoints; 0 for one per epoch.
        tensorboard: Whether to write TensorBoard's files too.
        progress: Told after each step.
        after_epoch: Called by the first process after each epoch.
    """

    folder: Path
    seed: int
    world: World = field(default_factory=World)
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    save_every: int = 0
    tensorboard: bool = False
    progress: Progress | None = None
    after_epoch: AfterEpoch | None = None


def not_finite(nets: Adversaries) -> dict[str, float]:
    """Name the tensors that are not finite, though the last losses still were."""
    tensors = tensors_of(nets)
    return {n: math.nan for n, t in tensors.items() if not t.isfinite().all()}


def same_run(
    found: CheckpointHeader, wanted: CheckpointHeader, path: Path
) -> CheckpointHeader:
    """Refuse to go on from a checkpoint of another run."""
    pairs = {
        "recipe": (found.recipe.fingerprint, wanted.recipe.fingerprint),
        "data": (found.data, wanted.data),
        "seed": (found.seed, wanted.seed),
    }
    other = [name for name, (a, b) in pairs.items() if a != b]
    if other:
        msg = (
            f"{path} is of a run with another {' and another '.join(other)}; "
            "train into another folder, or remove this one"
        )
        raise DataError(msg)
    return found


def training_indices(cache: SliceCache, recipe: Recipe) -> np.ndarray:
    """Slices to train on, which have the maps of the recipe."""
    if dict(cache.maps) != recipe.ranges:
        msg = f"{cache.folder}: slices must have the maps of recipe {recipe.name}"
        raise DataError(msg)
    indices = cache.of_split(Split.TRAIN)
    if not len(indices):
        msg = f"{cache.folder}: at least one patient must be in split train, got none"
        raise DataError(msg)
    return indices


def make_folder(folder: Path) -> None:
    """Make the folder of a run.

    Raises:
        DataError: If it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"{folder}: cannot be written to ({error.strerror})"
        raise DataError(msg) from error
