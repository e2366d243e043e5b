"""A run whose losses or weights are no longer numbers stops, and says so."""

import itertools
import math

import pytest

from magic_model.checkpoint import LAST, read_header
from magic_model.errors import DataError
from magic_model.training.step import TrainStep
from magic_model.training.trainer import train


@pytest.mark.slow
def test_a_run_that_diverges_says_where(cache, recipe, settings):
    wanted = recipe("residual", learning_rate=1e30)
    message = "Training diverged: .* at step 1 of epoch 1; last good checkpoint: none$"
    with pytest.raises(DataError, match=message):
        train(wanted, cache, settings())
    assert not (settings().folder / LAST).exists()


@pytest.mark.slow
def test_a_run_that_diverges_names_the_last_good_checkpoint(
    cache, recipe, settings, same_tensors, monkeypatch
):
    wanted = recipe("branches", epochs=2)
    train(recipe("branches", epochs=1), cache, settings("good"))
    train_step = TrainStep.train
    count = itertools.count(1)

    def diverging(self, batch):
        if next(count) == 5:
            for parameter in self.nets.generator.parameters():
                parameter.data *= math.nan
        return train_step(self, batch)

    monkeypatch.setattr(TrainStep, "train", diverging)
    last = settings().folder / LAST
    message = f"total is nan at step 2 of epoch 2; last good checkpoint: {last}"
    with pytest.raises(DataError, match=message):
        train(wanted, cache, settings())
    assert read_header(last).epoch == 1
    assert same_tensors(last, settings("good").folder / LAST)
    # From there one can go on.
    monkeypatch.setattr(TrainStep, "train", train_step)
    assert train(wanted, cache, settings()).epoch == 2


@pytest.mark.parametrize("splits", [("train",), ("train", "val")])
def test_weights_that_are_not_numbers_are_never_kept(
    cache_maker, recipe, settings, monkeypatch, splits
):
    """The loss of the last step is finite, what it leaves behind is not."""
    train_step = TrainStep.train

    def diverging(self, batch):
        told = train_step(self, batch)
        for parameter in self.nets.generator.parameters():
            parameter.data *= math.nan
        return told

    monkeypatch.setattr(TrainStep, "train", diverging)
    broken = "validation/cbf" if "val" in splits else r"generator\.\S+"
    message = f"Training diverged: {broken} is nan at step 1 of epoch 1; last good"
    with pytest.raises(DataError, match=message):
        train(recipe(epochs=1), cache_maker(*splits), settings())
    assert not list(settings().folder.glob("*.safetensors"))
