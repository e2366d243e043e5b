from dataclasses import replace

import pytest
import torch

from magic_model.networks import build_generator
from magic_model.networks.pilo import Pilo
from magic_model.recipes.files import load_recipe, recipe_from_table


def narrowed(name, width=4, **changes):
    """A shipped recipe, narrow: of the same shape, and quick."""
    recipe = load_recipe(name)
    return replace(
        recipe,
        generator=replace(recipe.generator, width=width),
        adversarial=replace(recipe.adversarial, width=width),
        **changes,
    )


def small_generator(maps=("cbf", "cbv", "mtt", "ttp"), **generator):
    """A generator for 16 x 16 pixels."""
    shared = {} if generator.get("family") == "residual" else {"shared": 1}
    table = {
        "name": "small",
        "maps": list(maps),
        "data": {"size": 16},
        "generator": {"levels": 2, "width": 4, **shared, **generator},
        "loss": {
            "adversarial": 0,
            "multimodal": 0,
            "lateness": 1 if generator.get("late") else 0,
        },
    }
    torch.manual_seed(0)
    return build_generator(recipe_from_table(table)).eval()


def images(channels, *, b=2, size=16, seed=0):
    draw = torch.Generator().manual_seed(seed)
    return 2 * torch.rand(b, channels, size, size, generator=draw) - 1


@pytest.fixture
def narrow():
    return narrowed


@pytest.fixture
def small():
    return small_generator


@pytest.fixture
def draw():
    return images


@pytest.fixture
def pilo():
    """A module with weights that can be told apart."""
    layer = Pilo()
    weights = torch.tensor([0.7, -0.2, 0.3, 0.5]).reshape(1, 4, 1, 1)
    with torch.no_grad():
        layer.mix.weight.copy_(weights)
        layer.mix.bias.fill_(0.1)
    return layer
