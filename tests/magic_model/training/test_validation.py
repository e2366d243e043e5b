import numpy as np
import pytest
import torch
from torch import nn

from magic_model.data.split import Split
from magic_model.distributed import World
from magic_model.training.validation import score, validation_errors

CPU = torch.device("cpu")
RANGES = np.array([60, 4, 12, 25])


class Guess(nn.Module):
    """A generator that gives the NCCT of the slice for every map."""

    def forward(self, ncct):
        return ncct[:, 1:2].expand(-1, 4, -1, -1)


def by_numpy(cache, indices):
    errors = []
    for index in indices:
        sample = cache[int(index)]
        wrong = np.abs(sample.ncct[1] - sample.maps)[:, sample.mask].mean(axis=1)
        errors.append(wrong * RANGES / 2)
    return np.mean(errors, axis=0)


@pytest.mark.parametrize("split", [Split.VAL, Split.TRAIN])
def test_it_is_the_mean_error_in_the_brain_in_units(cache, split):
    """4 slices at once, and 12 in two parts."""
    indices = cache.of_split(split)
    errors = validation_errors(Guess(), cache, indices, World(), CPU)
    assert list(errors) == ["cbf", "cbv", "mtt", "ttp"]
    expected = by_numpy(cache, indices)
    assert list(errors.values()) == pytest.approx(expected.tolist(), rel=1e-5)
    assert score(errors) == pytest.approx(np.mean(expected / RANGES), rel=1e-5)


def test_errors_are_those_of_maps_as_shown_whatever_is_learnt_beyond(cache_maker):
    """Twice the range: what is 60 mL/100g/min and 4 mL/100g lies at 0."""
    wide = cache_maker("val", reach=2.0)
    errors = validation_errors(Guess(), wide, wide.of_split(Split.VAL), World(), CPU)
    expected = []
    for index in wide.of_split(Split.VAL):
        sample = wide[int(index)]
        ends = np.array([120, 8, 12, 25])[:, None, None]
        made, measured = (
            np.minimum((image + 1) / 2 * ends, RANGES[:, None, None])
            for image in (sample.ncct[1], sample.maps)
        )
        expected.append(np.abs(made - measured)[:, sample.mask].mean(axis=1))
    found = np.mean(expected, axis=0)
    assert list(errors.values()) == pytest.approx(found.tolist(), rel=1e-5)
    assert score(errors) == pytest.approx(np.mean(found / RANGES), rel=1e-5)


def test_parts_of_processes_add_up(cache, monkeypatch):
    """Three processes, one after the other; their sums are added."""
    indices = cache.of_split(Split.TRAIN)[:10]
    sums = []
    monkeypatch.setattr(
        "magic_model.training.validation.mean_over_processes",
        lambda value, _: sums.append(value.clone()) or value,
    )
    for rank in range(3):
        validation_errors(Guess(), cache, indices, World(rank, 3), CPU)
    total = sum(sums)
    assert total[-1] == 10
    expected = by_numpy(cache, indices)
    errors = (total[:-1] / total[-1]).numpy() * RANGES / 2
    assert errors.tolist() == pytest.approx(expected.tolist(), rel=1e-5)


def test_it_leaves_dropout_out(cache, recipe):
    from magic_model.networks import build_generator

    generator = build_generator(recipe()).train()
    indices = cache.of_split(Split.VAL)
    once, again = (
        validation_errors(generator, cache, indices, World(), CPU) for _ in range(2)
    )
    assert once == again
