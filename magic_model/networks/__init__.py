"""The networks: generators, the physician-in-the-loop module, discriminators."""

from torch import nn

from magic_model.networks.branches import BranchGenerator
from magic_model.networks.discriminator import Discriminator
from magic_model.networks.generator import Generator
from magic_model.networks.residual import ResidualGenerator
from magic_model.recipe import Family, Recipe

__all__ = [
    "Discriminator",
    "Generator",
    "build_discriminator",
    "build_generator",
    "count_parameters",
]


def build_generator(recipe: Recipe) -> Generator:
    """Build the generator of a recipe, its weights drawn from torch's generator."""
    residual = recipe.generator.family is Family.RESIDUAL
    kind = ResidualGenerator if residual else BranchGenerator
    return kind(recipe.generator, recipe.maps, recipe.training.batch_size)


def build_discriminator(recipe: Recipe) -> Discriminator:
    """Build the discriminator of a recipe, its weights drawn from torch's generator."""
    return Discriminator(recipe.adversarial, recipe.maps, recipe.training.batch_size)


def count_parameters(module: nn.Module) -> int:
    """Count all weights and biases.

    Examples:
        >>> count_parameters(nn.Linear(2, 3))
        9
    """
    return sum(parameter.numel() for parameter in module.parameters())
