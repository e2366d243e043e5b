"""The networks: generators, the physician-in-the-loop module, discriminators."""

from torch import nn

from magic_model.errors import DataError, is_a
from magic_model.networks.branches import BranchGenerator
from magic_model.networks.discriminator import Discriminator
from magic_model.networks.generator import Generator
from magic_model.networks.residual import ResidualGenerator
from magic_model.recipe import BranchConfig, ResidualConfig
from magic_model.recipes.files import RecipeSource, as_recipe

__all__ = [
    "Discriminator",
    "Generator",
    "build_discriminator",
    "build_generator",
    "count_parameters",
]


def build_generator(recipe: RecipeSource) -> Generator:
    """Build the generator of a recipe, its weights drawn from torch's generator.

    Args:
        recipe: A recipe, the name of a shipped one, or a TOML file.

    Raises:
        DataError: If there is no such recipe.
    """
    recipe = as_recipe(recipe)
    config, rest = recipe.generator, (recipe.maps, recipe.training.batch_size)
    generator: Generator
    if isinstance(config, ResidualConfig):
        generator = ResidualGenerator(config, *rest)
    elif isinstance(config, BranchConfig):
        generator = BranchGenerator(config, *rest)
    else:
        msg = f"A generator must be of a known family, got {type(config).__name__}"
        raise DataError(msg)
    generator.window = config.stride if recipe.training.crop else 0
    return generator


def build_discriminator(recipe: RecipeSource) -> Discriminator:
    """Build the discriminator of a recipe, its weights drawn from torch's generator.

    Args:
        recipe: A recipe, the name of a shipped one, or a TOML file.

    Raises:
        DataError: If there is no such recipe.
    """
    recipe = as_recipe(recipe)
    return Discriminator(recipe.adversarial, recipe.maps, recipe.training.batch_size)


def count_parameters(module: nn.Module) -> int:
    """Count all weights and biases.

    Raises:
        DataError: If it is no module of PyTorch.

    Examples:
        >>> count_parameters(nn.Linear(2, 3))
        9
    """
    if not is_a(module, nn.Module):
        msg = f"A network must be a torch.nn.Module, got {type(module).__name__}"
        raise DataError(msg)
    return sum(parameter.numel() for parameter in module.parameters())
