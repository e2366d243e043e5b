from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import nn

from magic_model.data.split import Split
from magic_model.training.texture import learn_texture


class Blurred(nn.Module):
    """A generator that gives the same maps again, smoothed, by their first slice."""

    def __init__(self, cache):
        super().__init__()
        self.known = {
            float(ncct.astype(np.float64).sum()): maps.astype(np.float32)
            for ncct, maps in zip(cache.ncct, cache.map_values, strict=True)
        }

    def forward(self, ncct):
        found = [self.known[float(one.double().sum())] for one in ncct]
        smooth = [ndimage.gaussian_filter(maps, (0, 3, 3)) for maps in found]
        return torch.from_numpy(np.stack(smooth))


@pytest.fixture
def rough(cache):
    """The same brains, large enough to hold texture, with maps of noise."""
    rng = np.random.default_rng(3)
    mask = np.zeros_like(cache.mask)
    mask[:, 2:-2, 2:-2] = True
    maps = rng.uniform(-0.9, 0.1, cache.map_values.shape).astype(np.float32)
    ncct = rng.uniform(-1, 1, cache.ncct.shape).astype(np.float32)
    return replace(cache, mask=mask, map_values=maps, ncct=ncct)


def test_texture_is_a_share_of_the_range_that_is_shown(rough):
    """Whatever headroom the slices have above it."""
    wider = replace(
        rough,
        maps={name: (low, 2 * high) for name, (low, high) in rough.maps.items()},
        map_values=(rough.map_values + 1) / 2 - 1,
    )
    learnt = [
        learn_texture(Blurred(each), each, each.of_split(Split.TRAIN))
        for each in (rough, wider)
    ]
    for name in ("levels", "gains"):
        one, other = (np.array(getattr(model, name)) for model in learnt)
        assert np.allclose(one, other, rtol=1e-3, atol=1e-5), name
    assert np.array(learnt[0].gains).max() > 0.05
