"""The balance of perfusion and anatomy in what a network made of its own slices."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from magic_model.data.slice_cache import SliceCache
from magic_model.maps import PerfusionMap
from magic_model.networks import Generator
from magic_model.networks.pilo import anatomy_of
from magic_model.ratio import Balance
from magic_model.training.batches import load_batch

_MOST = 60  # slices; more tell nothing new of five numbers
_AT_ONCE = 4
_FLAT = 1e-6  # a smaller spread is rounding


def learn_balance(
    generator: Generator,
    cache: SliceCache,
    indices: NDArray[np.int64],
    device: torch.device,
) -> dict[PerfusionMap, Balance]:
    """Measure how far the trained maps follow the CT numbers of their own pixels.

    Args:
        generator: As trained, with PILO.
        cache: Slices.
        indices: Those that it was trained on.
        device: Where to compute.

    Returns:
        The balance of each map; none of a map that is flat, or of a flat NCCT.
    """
    generator.to(device).eval()
    chosen = indices[:: max(1, -(-len(indices) // _MOST))]
    outputs, seen = [], []
    for start in range(0, len(chosen), _AT_ONCE):
        batch = load_batch(cache, chosen[start : start + _AT_ONCE]).to(device)
        inside = batch.mask[:, 0] > 0
        with torch.inference_mode():
            features = generator.features_of(batch.ncct)
            mixed = [
                module(features[:, index : index + 1], batch.ncct)[:, 0][inside]
                for index, module in enumerate(generator.pilo.values())
            ]
        outputs.append(torch.stack(mixed).double().cpu())
        seen.append(anatomy_of(batch.ncct)[:, 0][inside].double().cpu())
    ncct = torch.cat(seen)
    found = zip(generator.made, torch.cat(outputs, 1), strict=True)
    balances = {name: _balance(output, ncct) for name, output in found}
    return {name: known for name, known in balances.items() if known is not None}


def _balance(output: Tensor, ncct: Tensor) -> Balance | None:
    if len(ncct) == 0:
        return None
    apart, places = output - output.mean(), ncct - ncct.mean()
    sd, ncct_sd = apart.square().mean().sqrt(), places.square().mean().sqrt()
    if not (sd > _FLAT and ncct_sd > _FLAT):
        return None
    alike = (apart * places).mean() / (sd * ncct_sd)
    values = output.mean(), sd, ncct.mean(), ncct_sd, alike
    return Balance(*(round(float(value), 6) for value in values))
