"""A picture after each epoch: NCCT, measured maps and generated maps of a slice."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from magic_model.colours import colour_map, grey_ncct
from magic_model.data.normalise import NCCT_WINDOW, unscale_hounsfield, unscale_map
from magic_model.data.slice_cache import SliceCache
from magic_model.data.split import Split
from magic_model.data.volume import FloatArray
from magic_model.networks import Generator
from magic_model.training.batches import load_batch

FOLDER = "samples"
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
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.vstack(rows)).save(folder / FOLDER / f"epoch-{epoch:04}.png")


def _coloured(
    cache: SliceCache, maps: FloatArray, mask: FloatArray
) -> list[np.ndarray]:
    return [
        colour_map(unscale_map(image, name, limits), name) * (mask[0, ..., None] > 0)
        for image, (name, limits) in zip(maps, cache.maps.items(), strict=True)
    ]
