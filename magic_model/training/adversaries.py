"""Both networks with their optimisers."""

from dataclasses import dataclass

import torch
from torch import nn

from magic_model.networks import (
    Discriminator,
    Generator,
    build_discriminator,
    build_generator,
)
from magic_model.recipe import Recipe


@dataclass(frozen=True)
class Adversaries:
    """Both networks with their optimisers.

    Attributes:
        recipe: What they were built from.
        generator: Makes maps.
        discriminator: Tells them from measured ones; None if the recipe needs none.
        generator_adam: Optimiser of the generator.
        discriminator_adam: Optimiser of the discriminator.
    """

    recipe: Recipe
    generator: Generator
    discriminator: Discriminator | None
    generator_adam: torch.optim.Adam
    discriminator_adam: torch.optim.Adam | None

    @classmethod
    def built(cls, recipe: Recipe, device: torch.device, seed: int) -> "Adversaries":
        """Build both with weights drawn by a seed, as pix2pix draws them."""
        torch.manual_seed(seed)
        generator = build_generator(recipe)
        discriminator = build_discriminator(recipe) if recipe.loss.adversarial else None
        for network in (generator, discriminator):
            if network is not None:
                _draw_weights(network)
                network.to(device)
                if device.type == "cuda":
                    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return cls(
            recipe,
            generator,
            discriminator,
            _adam(generator, recipe),
            _adam(discriminator, recipe) if discriminator else None,
        )

    def set_learning_rate(self, rate: float) -> None:
        """Set the learning rate of both optimisers."""
        for adam in (self.generator_adam, self.discriminator_adam):
            for group in adam.param_groups if adam else ():
                group["lr"] = rate


def _draw_weights(network: nn.Module) -> None:
    """Normal weights of spread 0.02, as in pix2pix (Isola 2017, appendix 6.2)."""
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(module.weight, 0.0, 0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def _adam(network: nn.Module, recipe: Recipe) -> torch.optim.Adam:
    settings = recipe.training
    return torch.optim.Adam(
        network.parameters(),
        lr=settings.learning_rate,
        betas=settings.betas,
        fused=True,
    )
