"""Errors on patients that the network does not train on."""

import numpy as np
import torch
from numpy.typing import NDArray

from magic_model.data.slice_cache import SliceCache
from magic_model.distributed import World, mean_over_processes
from magic_model.maps import PerfusionMap
from magic_model.networks import Generator
from magic_model.training.batches import load_batch

_AT_ONCE = 8


def validation_errors(
    generator: Generator,
    cache: SliceCache,
    indices: NDArray[np.int64],
    world: World,
    device: torch.device,
) -> dict[PerfusionMap, float]:
    """Mean absolute error inside the brain: of each slice, then over the slices.

    Slices are dealt out to all processes, and each gets the mean over all.

    Returns:
        Error of each map in its unit.
    """
    generator.eval()
    sums = torch.zeros(len(cache.maps) + 1, dtype=torch.float64, device=device)
    mine = indices[world.part(len(indices))]
    with torch.inference_mode():
        for start in range(0, len(mine), _AT_ONCE):
            batch = load_batch(cache, mine[start : start + _AT_ONCE]).to(device)
            wrong = (generator(batch.ncct).float() - batch.maps).abs() * batch.mask
            counted = batch.mask.sum((2, 3)).clamp(min=1)
            sums[:-1] += (wrong.sum((2, 3)) / counted).sum(0).double()
            sums[-1] += len(batch.ncct)
    shared = mean_over_processes(sums, world)
    errors = (shared[:-1] / shared[-1]).tolist()
    return {
        name: error * (high - low) / 2
        for (name, (low, high)), error in zip(cache.maps.items(), errors, strict=True)
    }


def score(errors: dict[PerfusionMap, float], cache: SliceCache) -> float:
    """One number to choose the best epoch by: mean error as a share of the range."""
    shares = [errors[name] / (high - low) for name, (low, high) in cache.maps.items()]
    return float(np.mean(shares))
