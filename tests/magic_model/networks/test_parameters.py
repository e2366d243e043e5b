"""Parameters of the paper's networks, layer by layer.

Paper 2.2.1 with Figures S.1 and S.2; the totals are those that the paper reports.
"""

from itertools import pairwise

import pytest
import torch

from magic_model.networks import (
    build_discriminator,
    build_generator,
    count_parameters,
)
from magic_model.recipes.files import load_recipe, recipe_names

GENERATOR, DISCRIMINATOR = 209_352_408, 11_063_044
WIDTHS = [3, 64, 128, 256, 512, 512, 512, 512, 512]
# Inputs of decoders are twice as wide where a skip joins them.
DECODERS = [
    (512, 512),
    (1024, 512),
    (1024, 512),
    (1024, 512),
    (1024, 256),
    (512, 128),
    (256, 64),
    (128, 1),
]


def convolutions(pairs, kernel=4):
    """Weights and biases of convolutions from and to so many channels."""
    return [kernel**2 * n_in * n_out + n_out for n_in, n_out in pairs]


ENCODERS = convolutions(pairwise(WIDTHS))
BRANCH = [*ENCODERS[4:], *convolutions(DECODERS)]
PILO = convolutions([(1 + 3, 1)], kernel=1)
PATCH_GAN = convolutions(pairwise([1 + 3, 64, 128, 256, 512, 1]))


def built(name):
    recipe = load_recipe(name)
    with torch.device("meta"):  # counts need no memory
        return build_generator(recipe), build_discriminator(recipe)


def layers(module):
    """Parameters of each layer that has some, in order."""
    counts = [
        sum(p.numel() for p in part.parameters(recurse=False))
        for part in module.modules()
    ]
    return [count for count in counts if count]


def test_the_arithmetic_of_the_paper():
    assert sum(ENCODERS[:4]) + 4 * sum([*BRANCH, *PILO]) == GENERATOR
    assert 4 * sum(PATCH_GAN) == DISCRIMINATOR


@pytest.mark.parametrize("name", ["paper", "no_multimodal", "no_extrema", "no_both"])
def test_the_paper_and_its_ablations_have_the_reported_parameters(name):
    generator, discriminator = built(name)
    assert count_parameters(generator) == GENERATOR
    assert count_parameters(discriminator) == DISCRIMINATOR


def test_each_layer_of_the_paper_is_as_large_as_it_says():
    generator, discriminator = built("paper")
    assert layers(generator.shared) == ENCODERS[:4]
    assert list(generator.branches) == ["cbf", "cbv", "mtt", "ttp"]
    for branch in generator.branches.values():
        assert layers(branch) == BRANCH
    assert layers(generator.pilo) == PILO * 4
    assert layers(discriminator) == PATCH_GAN * 4


def test_pix2pix_is_a_u_net_for_each_map():
    generator, discriminator = built("pix2pix")
    assert layers(generator) == (ENCODERS + convolutions(DECODERS)) * 4
    assert count_parameters(discriminator) == DISCRIMINATOR


def test_u_net_has_a_channel_for_each_map():
    generator, _ = built("unet")
    assert layers(generator) == ENCODERS + convolutions([*DECODERS[:-1], (128, 4)])


def test_smaller_recipes_are_smaller():
    count = {name: count_parameters(built(name)[0]) for name in recipe_names()}
    assert count["tiny"] < count["magic"] < count["paper"]
    assert count["compact"] < count["magic"]
