"""Training on a GPU: half precision there, the same run otherwise."""

import numpy as np
import pytest
import torch

from magic_model.checkpoint import LAST, read_header
from magic_model.distributed import World
from magic_model.inference.model import TorchBackend
from magic_model.training.adversaries import Adversaries
from magic_model.training.batches import load_batch
from magic_model.training.step import TrainStep
from magic_model.training.trainer import train

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
CPU, GPU = torch.device("cpu"), torch.device("cuda")
KINDS = pytest.mark.parametrize("kind", ["branches", "residual", "single"])


@KINDS
def test_a_step_finds_the_losses_of_the_cpu(cache, recipe, kind):
    """bfloat16 has 8 bits: losses agree within some per cent."""
    wanted = recipe(kind, augment=False, dropout=0.0)
    found = []
    for device in (CPU, GPU):
        nets = Adversaries.from_recipe(wanted, CPU, 1)
        for network in (nets.generator, nets.discriminator):
            if network is not None:
                network.to(device)
        batch = load_batch(cache, np.arange(4)).to(device)
        loss, judged = TrainStep.distributed(nets, World(), device).train(batch)
        parts = (*loss.terms.values(), judged)
        found.append([float(part.detach()) for part in parts])
    assert found[1] == pytest.approx(found[0], rel=0.05, abs=1e-3)


@KINDS
def test_the_loss_falls(cache, recipe, settings, lines_of, kind):
    wanted = recipe(kind, epochs=10, learning_rate=2e-2, augment=False)
    train(wanted, cache, settings(device=GPU))
    steps, _ = lines_of(settings().folder)
    before, after = (
        np.mean([x["l1"] for x in part]) for part in (steps[:3], steps[-3:])
    )
    assert after < 0.9 * before


def test_a_run_that_was_stopped_ends_as_one_that_was_not(cache, recipe, settings):
    """Up to the order of sums on a GPU, which is not the same each time."""
    wanted = recipe("residual", epochs=4)

    def stop(done, *_):
        if done == 8:
            raise KeyboardInterrupt

    whole = train(wanted, cache, settings("whole", device=GPU))
    with pytest.raises(KeyboardInterrupt):
        train(wanted, cache, settings(device=GPU, save_every=1, progress=stop))
    assert read_header(settings().folder / LAST).epoch == 2
    resumed = train(wanted, cache, settings(device=GPU))
    assert resumed.epoch == 4
    assert resumed.validation == pytest.approx(whole.validation, rel=0.02)


def test_a_checkpoint_serves_a_cpu(cache, recipe, settings):
    train(recipe("residual", epochs=2), cache, settings(device=GPU))
    path = settings().folder / LAST
    ncct = cache.ncct[:3].astype(np.float32)
    maps = [TorchBackend(path, device).predict(ncct) for device in (CPU, GPU)]
    np.testing.assert_allclose(*maps, atol=0.01)
