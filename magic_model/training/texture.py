"""Texture learnt from the slices that a network was trained on."""

import numpy as np
import torch
from numpy.typing import NDArray

from magic_model.data.normalise import shown_end
from magic_model.data.slice_cache import SliceCache
from magic_model.networks import Generator
from magic_model.texture import TextureFit, TextureModel
from magic_model.training.batches import load_batch

_MOST = 120  # slices; more tell nothing new of a few dozen numbers
_AT_ONCE = 4


def learn_texture(
    generator: Generator, cache: SliceCache, indices: NDArray[np.int64]
) -> TextureModel:
    """Learn what detail a trained network leaves out of the maps it was trained on.

    Of maps as shown: few vessels beyond the range would decide what all tissue gets.

    Args:
        generator: As trained, on the CPU.
        cache: Slices.
        indices: Those that it was trained on.

    Raises:
        DataError: If no slice holds enough brain.
    """
    generator.eval()
    shown = [shown_end(name, limits) for name, limits in cache.maps.items()]
    ends = 1 + np.array(shown)[:, None, None]
    fit = TextureFit(list(cache.maps), cache.sampling.pixel_mm)
    chosen = indices[:: max(1, -(-len(indices) // _MOST))]
    for start in range(0, len(chosen), _AT_ONCE):
        batch = load_batch(cache, chosen[start : start + _AT_ONCE])
        with torch.inference_mode():
            made = generator(batch.ncct).float()
        shares = ((one.double().numpy() + 1) / ends for one in (made, batch.maps))
        cut = (one.clip(max=1) for one in shares)
        for predicted, measured, mask in zip(*cut, batch.mask.numpy(), strict=True):
            fit.see(predicted, measured, mask[0] > 0)
    return fit.model()
