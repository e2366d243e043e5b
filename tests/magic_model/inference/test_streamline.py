import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from magic_model.inference.model import ParityUp, optimize_for_inference
from magic_model.recipes.files import recipe_names
from tests.magic_model.inference.tiny import (
    drawn_generator,
    narrowed,
    slices_of,
    small_recipe,
)

NORMS = ("batch", "instance", "group", "by_batch_size")
DEEP = {"levels": 4, "shared": 2}  # at 16 pixels down to a single one


def largest_difference(generator, size, *, n=2):
    ncct = torch.from_numpy(slices_of(n, size)).to(next(generator.parameters()))
    lean = optimize_for_inference(generator, size)
    with torch.inference_mode():
        return float((lean(ncct, 2.0) - generator(ncct, 2.0)).abs().max())


@pytest.mark.parametrize("size", [16, 32])
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("family", ["branches", "single", "residual"])
def test_output_is_equal(family, norm, size):
    # An instance of a single pixel cannot be normalised, which residual blocks would.
    shape = {"levels": 3} if family == "residual" else DEEP
    recipe = small_recipe(family=family, norm=norm, size=size, **shape)
    generator = drawn_generator(recipe)
    assert largest_difference(generator, size) < 1e-5
    # Exact but for rounding: in double precision hardly anything is left.
    assert largest_difference(generator.double(), size) < 1e-13


@pytest.mark.parametrize(
    "options",
    [
        {"shared": 0},
        {"shared": 4},  # nothing of the encoder is a branch's own
        {"family": "single", "shared": 4, "pilo": False},
        {"batch_size": 1},  # instances in place of batches
        {"family": "residual", "levels": 2, "patch": 4, "mirror": True},
        {"family": "residual", "norm": "batch", "derive_cbv": True},
        {"derive_cbv": True},
        {"pilo": False},
        {"maps": ["ttp"]},
    ],
    ids=str,
)
def test_output_is_equal_whatever_the_recipe(options):
    deep = {"levels": 4} if options.get("family") == "residual" else DEEP
    generator = drawn_generator(small_recipe(**{"size": 16, **deep, **options}))
    assert largest_difference(generator, 16) < 1e-5


@pytest.mark.parametrize("name", recipe_names())
def test_output_of_shipped_recipes_is_equal(name):
    recipe = narrowed(name)
    generator = drawn_generator(recipe)
    assert largest_difference(generator, recipe.data.size, n=1) < 1e-5


@pytest.mark.slow
@settings(max_examples=25)
@given(
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(1, 5),
    st.integers(1, 5),
    st.booleans(),
)
def test_four_small_convolutions_are_one_transposed(n_in, n_out, height, width, bias):
    transposed = nn.ConvTranspose2d(n_in, n_out, 4, stride=2, padding=1, bias=bias)
    x = torch.rand(2, n_in, height, width)
    with torch.inference_mode():
        torch.testing.assert_close(ParityUp(transposed)(x), transposed(x))


def test_the_original_is_left_as_it_is():
    generator = drawn_generator(small_recipe(size=16, norm="batch", **DEEP)).train()
    before = copy.deepcopy(generator.state_dict())
    shown = repr(generator)
    lean = optimize_for_inference(generator, 16)
    for parameter in lean.parameters():
        parameter.fill_(7)
    assert repr(generator) == shown
    assert generator.training
    assert all(p.requires_grad for p in generator.parameters())
    for name, tensor in generator.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_there_is_less_to_compute():
    generator = drawn_generator(small_recipe(size=16, norm="batch", **DEEP))
    lean = optimize_for_inference(generator, 16)
    kinds = {type(module) for module in lean.modules()}
    assert not [kind for kind in kinds if issubclass(kind, nn.BatchNorm2d)]
    assert nn.ConvTranspose2d not in kinds
    assert not lean.training
    assert not any(parameter.requires_grad for parameter in lean.parameters())
    # At a single pixel four of sixteen taps are left, one place before and one after.
    for branch in lean.branches.values():
        assert branch.down[-1][1].weight.shape == (32, 16, 2, 2)
        assert branch.up[0][1][0].weight.shape == (4 * 16, 32, 1, 1)


def test_statistics_that_are_not_kept_are_not_folded():
    """Batch norm without running statistics normalises each batch; it stays."""
    generator = drawn_generator(small_recipe(family="residual"))
    generator.stem[2] = nn.BatchNorm2d(4, affine=False, track_running_stats=False)
    assert largest_difference(generator, 32) < 1e-5
