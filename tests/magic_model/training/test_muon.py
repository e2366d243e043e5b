"""Muon against PyTorch's own, which takes matrices alone, and against the SVD."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from magic_model.recipes.files import load_recipe
from magic_model.training.adversaries import Adversaries
from magic_model.training.muon import MOMENTUM, Muon, orthogonal

CPU = torch.device("cpu")


def drawn(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("shape", [(16, 24, 3, 3), (64, 16, 1, 1), (8, 8, 3, 3)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_steps_are_those_of_pytorch(shape, layout):
    """To the bfloat16 in which PyTorch computes them."""
    gradients = drawn(4, *shape)
    weight = nn.Parameter(torch.zeros(shape).to(memory_format=layout))
    matrix = nn.Parameter(torch.zeros(shape).flatten(1))
    one = Muon([weight], lr=0.1)
    other = torch.optim.Muon([matrix], lr=0.1, weight_decay=0.0, momentum=MOMENTUM)
    for gradient in gradients:
        weight.grad, matrix.grad = (
            gradient.to(memory_format=layout),
            gradient.flatten(1),
        )
        one.step()
        other.step()
    assert weight.is_contiguous(memory_format=layout)
    apart = (weight.detach().flatten(1) - matrix.detach()).norm() / matrix.norm()
    assert apart < 0.02


@pytest.mark.parametrize("shape", [(3, 8, 40), (3, 40, 8), (1, 12, 12)])
def test_a_matrix_keeps_its_directions_and_gets_singular_values_near_1(shape):
    matrices = 1e-3 * drawn(*shape)
    left, values, right = torch.linalg.svd(matrices.double(), full_matrices=False)
    found = left.mT @ orthogonal(matrices).double() @ right.mT
    lengths = found.diagonal(dim1=-2, dim2=-1)
    torch.testing.assert_close(found, torch.diag_embed(lengths), rtol=0, atol=1e-3)
    seen = lengths[values > 0.1 * values.amax(dim=-1, keepdim=True)]
    assert seen.min() > 0.6
    assert seen.max() < 1.25


def test_a_weight_without_gradient_stays():
    still, moved = nn.Parameter(drawn(8, 8)), nn.Parameter(drawn(8, 8))
    before = still.detach().clone()
    moved.grad = drawn(8, 8)
    Muon([still, moved], lr=0.1).step()
    assert torch.equal(still, before)
    assert not torch.equal(moved, before)


def test_muon_trains_convolutions_and_adam_what_is_left():
    """Each weight by one of them; what leads to a map's value by Adam."""
    nets = Adversaries.from_recipe(load_recipe("small"), CPU, 0)
    names = {id(p): name for name, p in nets.generator.named_parameters()}
    by_muon, by_adam = (
        {names[id(p)] for p in optimiser.param_groups[0]["params"]}
        for optimiser in (nets.generator_muon, nets.generator_adam)
    )
    assert by_muon | by_adam == set(names.values())
    assert not by_muon & by_adam
    assert {"stem.1.weight", "down.3.0.weight", "up.0.narrow.weight"} <= by_muon
    assert {"pilo.cbf.mix.weight", "heads.mtt.3.weight", "stem.2.weight"} <= by_adam
    weights = dict(nets.generator.named_parameters())
    assert all(weights[name].ndim == 4 for name in by_muon)


def test_a_last_layer_is_adam_s_where_it_is_transposed_too():
    """Its first dimension is of the channels that come in."""
    recipe = load_recipe("unet")
    training = replace(recipe.training, muon=0.05)
    generator = replace(recipe.generator, width=8, levels=3, shared=1)
    recipe = replace(recipe, training=training, generator=generator)
    nets = Adversaries.from_recipe(recipe, CPU, 0)
    by_muon = nets.generator_muon.param_groups[0]["params"]
    transposed = [
        module.weight
        for module in nets.generator.modules()
        if isinstance(module, nn.ConvTranspose2d)
    ]
    chosen = [any(weight is one for one in by_muon) for weight in transposed]
    gives = [weight.shape[1] for weight in transposed]
    assert chosen == [channels >= 8 for channels in gives]
    assert len(set(chosen)) == 2


def test_both_rates_rise_and_fall_together():
    nets = Adversaries.from_recipe(load_recipe("small"), CPU, 0)
    full = nets.recipe.training.learning_rate
    for share in (1.0, 0.25):
        nets.set_learning_rate(share * full)
        assert nets.learning_rate == pytest.approx(share * full)
        rate = nets.generator_muon.param_groups[0]["lr"]
        assert rate == pytest.approx(share * nets.recipe.training.muon)


def test_without_it_adam_trains_all():
    recipe = load_recipe("small")
    recipe = replace(recipe, training=replace(recipe.training, muon=0.0))
    nets = Adversaries.from_recipe(recipe, CPU, 0)
    assert nets.generator_muon is None
    weights = nets.generator_adam.param_groups[0]["params"]
    assert len(weights) == len([*nets.generator.parameters()])
