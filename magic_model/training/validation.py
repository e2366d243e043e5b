"""Errors and pictures of patients that the network does not train on."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from magic_model.colours import colour_map, grey_ncct
from magic_model.data.normalise import NCCT_WINDOW, unscale_hounsfield, unscale_map
from magic_model.data.slice_cache import SliceCache
from magic_model.data.split import Split
from magic_model.data.volume import FloatArray
from magic_model.distributed import World, mean_over_processes
from magic_model.maps import PerfusionMap
from magic_model.networks import Generator
from magic_model.training.batches import load_batch

_FOLDER = "samples"
_SHOWN = 3


def draw_samples(
    generator: Generator, cache: SliceCache, folder: Path, epoch: int
) -> None:
    """Draw slices of unseen patients (of training ones if there are none).

    Two rows a slice: the NCCT and the measured maps; below, the generated maps.
    """
    unseen = cache.of_split(Split.VAL)
    indices = unseen if len(unseen) else cache.of_split(Split.TRAIN)
    chosen = indices[np.linspace(0, len(indices) - 1, _SHOWN).astype(int)]
    device = next(generator.parameters()).device
    batch = load_batch(cache, chosen).to(device)
    generator.eval()
    with torch.inference_mode():
        made = generator(batch.ncct).float().cpu().numpy()
    ncct, maps, mask = (
        part.cpu().numpy() for part in (batch.ncct, batch.maps, batch.mask)
    )
    rows = []
    for number in range(len(chosen)):
        scan = grey_ncct(unscale_hounsfield(ncct[number, 1]), NCCT_WINDOW)
        black = np.zeros_like(scan)
        rows.append(np.hstack([scan, *_coloured(cache, maps[number], mask[number])]))
        rows.append(np.hstack([black, *_coloured(cache, made[number], mask[number])]))
    (folder / _FOLDER).mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.vstack(rows)).save(folder / _FOLDER / f"epoch-{epoch:04}.png")


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


def _coloured(
    cache: SliceCache, maps: FloatArray, mask: FloatArray
) -> list[np.ndarray]:
    return [
        colour_map(unscale_map(image, name, limits), name) * (mask[0, ..., None] > 0)
        for image, (name, limits) in zip(maps, cache.maps.items(), strict=True)
    ]
