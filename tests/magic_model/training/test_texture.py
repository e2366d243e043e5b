"""Texture is learnt of maps as shown, whatever a network learns beyond."""

import numpy as np
import pytest
import torch
from torch import nn

from magic_model.data.slice_cache import SliceCache
from magic_model.data.split import Split
from magic_model.training.texture import learn_texture

FLOW = slice(0, 2)  # CBF and CBV


class Blurred(nn.Module):
    """A generator that gives the NCCT for every map, at half the contrast."""

    def forward(self, ncct):
        return 0.5 * ncct[:, 1:2].expand(-1, 4, -1, -1)


class Wide(Blurred):
    """The same in units, with CBF and CBV learnt to twice their ranges."""

    def forward(self, ncct):
        made = super().forward(ncct)
        return torch.cat([halved(made[:, FLOW]), made[:, 2:]], 1)


def halved(images):
    """Bring what stood for 60 mL/100g/min, 1, to where it lies now, 0."""
    return (images + 1) / 2 - 1


def changed(cache, change):
    """Change CBF and CBV of a cache."""
    maps = np.load(cache.folder / "maps.npy").astype(np.float32)
    maps[:, FLOW] = change(maps[:, FLOW])
    np.save(cache.folder / "maps.npy", maps)
    return SliceCache.open(cache.folder)


def learnt(generator, cache):
    return learn_texture(generator, cache, cache.of_split(Split.TRAIN)).to_dict()


def assert_alike(found, expected):
    for name in ("detail", "spectrum", "levels", "gains", "patchy", "mixes"):
        assert np.array(found[name]) == pytest.approx(np.array(expected[name]), 1e-3)


def test_it_is_the_same_whatever_is_learnt_beyond(cache_maker):
    plain = cache_maker("train")
    wide = changed(cache_maker("train", reach=2.0), halved)
    assert_alike(learnt(Wide(), wide), learnt(Blurred(), plain))


def test_vessels_beyond_the_range_count_as_its_end(cache_maker):
    wide = cache_maker("train", reach=2.0)
    expected = learnt(Blurred(), wide)
    bright = changed(wide, lambda maps: np.where(maps > 0, 1, maps))
    assert_alike(learnt(Blurred(), bright), expected)
