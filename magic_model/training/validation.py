"""Errors on patients that the network does not train on."""

import numpy as np
import torch
from numpy.typing import NDArray

from magic_model.data.normalise import shown_end
from magic_model.data.slice_cache import SliceCache
from magic_model.distributed import World, mean_over_processes
from magic_model.maps import MAP_SPECS, PerfusionMap
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

    Of maps as shown, so that errors compare whatever a recipe learns beyond. Slices are
    dealt out to all processes, and each gets the mean over all.

    Returns:
        Error of each map in its unit.
    """
    generator.eval()
    shown = [shown_end(name, limits) for name, limits in cache.maps.items()]
    ends = torch.tensor(shown, device=device).view(-1, 1, 1)
    sums = torch.zeros(len(cache.maps) + 1, dtype=torch.float64, device=device)
    mine = indices[world.part(len(indices))]
    with torch.inference_mode():
        for start in range(0, len(mine), _AT_ONCE):
            batch = load_batch(cache, mine[start : start + _AT_ONCE]).to(device)
            made = generator(batch.ncct).float().minimum(ends)
            wrong = (made - batch.maps.minimum(ends)).abs() * batch.mask
            counted = batch.mask.sum((2, 3)).clamp(min=1)
            sums[:-1] += (wrong.sum((2, 3)) / counted).sum(0).double()
            sums[-1] += len(batch.ncct)
    shared = mean_over_processes(sums, world)
    errors = (shared[:-1] / shared[-1]).tolist()
    return {
        name: error * (high - low) / 2
        for (name, (low, high)), error in zip(cache.maps.items(), errors, strict=True)
    }


def score(errors: dict[PerfusionMap, float]) -> float:
    """One number to choose the best epoch by: mean error as a share of the range."""
    spans = {name: MAP_SPECS[name].value_range for name in errors}
    shares = [errors[name] / (high - low) for name, (low, high) in spans.items()]
    return float(np.mean(shares))
