"""Two ways to do a training step: this project's, and with two passes."""

from collections.abc import Callable
from dataclasses import replace

import torch

from magic_model.distributed import World
from magic_model.losses import adversarial_loss, discriminator_loss
from magic_model.recipes.files import load_recipe
from magic_model.training.adversaries import Adversaries
from magic_model.training.batches import Batch
from magic_model.training.step import TrainStep


def paper_step(*, two_passes: bool, bfloat16: bool = False) -> Callable[[], object]:
    """Give a step of the paper's recipe at batch 1, ready to be called."""
    recipe = load_recipe("paper")
    training = replace(recipe.training, batch_size=1, bfloat16=bfloat16)
    recipe = replace(recipe, training=training)
    place = torch.device("cpu")
    nets = Adversaries.from_recipe(recipe, place, 0)
    batch = drawn_batch(1, recipe.data.size, place)
    if two_passes:
        return lambda: plain_step(nets, batch)
    stepper = TrainStep.distributed(nets, World(), place)
    return lambda: stepper.train(batch)


def drawn_batch(size: int, pixels: int, device: torch.device) -> Batch:
    """Draw slices with four maps to train on."""
    rng = torch.Generator().manual_seed(0)

    def drawn(channels: int) -> torch.Tensor:
        images = torch.rand(size, channels, pixels, pixels, generator=rng)
        return (images * 2 - 1).to(device)

    return Batch(drawn(3), drawn(4), torch.ones(size, 1, pixels, pixels, device=device))


def plain_step(nets: Adversaries, batch: Batch) -> None:
    """The scheme of the authors' public code, in this project's terms.

    The generator runs once for each network, its graph is kept while the discriminator
    learns, and gradients reach weights that are not being trained.
    """
    critic, critic_adam = nets.discriminator, nets.discriminator_adam
    if critic is None or critic_adam is None:
        return
    logits = nets.recipe.adversarial.logits
    made = nets.generator(batch.ncct)
    real, fake = critic(batch.ncct, batch.maps), critic(batch.ncct, made)
    critic_adam.zero_grad()
    discriminator_loss(real, fake, logits=logits).backward(retain_graph=True)
    critic_adam.step()
    made = nets.generator(batch.ncct)
    judged = critic(batch.ncct, made)
    loss = adversarial_loss(judged, logits=logits)
    loss = loss + 100 * (made - batch.maps).abs().mean()
    nets.generator_adam.zero_grad()
    loss.backward()
    nets.generator_adam.step()
