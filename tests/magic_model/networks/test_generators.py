from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from magic_model.maps import PerfusionMap
from magic_model.networks import build_generator
from magic_model.networks.branches import BranchGenerator
from magic_model.networks.context import CONTEXT_CHANNELS
from magic_model.networks.generator import central_volume_cbv
from magic_model.networks.norm import SharedBatchNorm
from magic_model.recipe import LossConfig
from magic_model.recipes.files import recipe_names

LISTS = [("ttp",), ("mtt", "cbf", "cbv"), ("tmax", "ttp", "mtt", "cbv", "cbf")]
FAMILIES = [
    {"family": "branches"},
    {"family": "branches", "shared": 0, "pilo": False},
    {"family": "branches", "shared": 2},
    {"family": "single", "pilo": False},
    {"family": "single"},
    {"family": "residual", "norm": "group"},
    {"family": "residual", "patch": 2, "mirror": True},
    {"family": "residual", "patch": 2, "fine": 3, "intervals": True},
]
LATE = {"family": "residual", "norm": "batch", "patch": 2, "late": 0.3}


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_gives_all_its_maps_in_range(narrow, draw, name):
    recipe = narrow(name)
    generator = build_generator(recipe).eval()
    with torch.inference_mode():
        maps = generator(draw(3, b=1, size=recipe.data.size))
    assert maps.shape == (1, len(recipe.maps), recipe.data.size, recipe.data.size)
    assert maps.abs().max() <= 1


@pytest.mark.parametrize("maps", LISTS)
@pytest.mark.parametrize("family", FAMILIES)
def test_any_list_of_maps_can_be_made(small, draw, maps, family):
    generator = small(maps, **family).train()
    assert generator.maps == maps
    assert generator(draw(3)).shape == (2, len(maps), 16, 16)


@pytest.mark.parametrize("norm", ["batch", "instance", "by_batch_size", "group"])
@pytest.mark.parametrize("shared", [0, 2, 4])
def test_a_single_pixel_is_never_normalised(small, draw, norm, shared):
    """16 pixels halved four times; it would be 0 whatever it was, or an error."""
    generator = small(levels=4, shared=shared, norm=norm).train()
    assert torch.isfinite(generator(draw(3, b=1))).all()


def test_the_maps_of_branches_are_in_the_order_of_the_recipe(small, draw):
    """A branch whose last bias is large makes its own channel large."""
    generator = small(("mtt", "cbf", "cbv"), pilo=False)
    with torch.no_grad():
        generator.branches["cbf"].up[-1][1].bias.fill_(9.0)
        maps = generator(draw(3))
    assert (maps[:, 1] > 0.9).all()
    assert (maps[:, 0] < 0.9).all()
    assert (maps[:, 2] < 0.9).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_generating_is_deterministic(small, draw, family):
    """Dropout belongs to training; the same slice always gives the same maps."""
    generator, ncct = small(**family), draw(3)
    with torch.inference_mode():
        assert torch.equal(generator(ncct), generator(ncct))


def test_training_drops_features_of_the_three_innermost_decoders(narrow, draw):
    recipe = narrow("paper")
    generator = build_generator(recipe)
    for branch in generator.branches.values():
        rates = [m.p for up in branch.up for m in up if isinstance(m, nn.Dropout)]
        kinds = [type(up[3]) for up in branch.up]
        assert rates == [0.5] * 3
        assert kinds == [nn.Dropout] * 3 + [nn.Identity] * 5
    ncct = draw(3, size=256)
    assert not torch.equal(generator(ncct), generator(ncct))


def test_the_paper_normalises_batches_above_1_and_instances_at_1(narrow):
    def norms(batch_size):
        recipe = narrow("paper")
        generator = BranchGenerator(recipe.generator, recipe.maps, batch_size)
        kinds = (SharedBatchNorm, nn.InstanceNorm2d)
        return [[isinstance(m, k) for m in generator.modules()].count(1) for k in kinds]

    # All encoders but the first and the last, all decoders but the last: 3 + 4 (3 + 7).
    assert norms(8) == [43, 0]
    assert norms(1) == [0, 43]


@pytest.mark.parametrize("family", FAMILIES)
def test_features_are_computed_once_and_composed_again(small, draw, family):
    generator, ncct = small(**family), draw(3)
    with torch.inference_mode():
        features = generator.features(ncct)
        assert features.shape == (2, 4, 16, 16)
        assert torch.equal(generator.compose(features, ncct), generator(ncct))
        # Without a last layer that mixes, a ratio has nothing to weigh.
        same = torch.equal(generator(ncct, 3.0), generator(ncct))
    assert same == (family.get("pilo") is False)


def test_a_generator_that_sees_the_mirror_image_uses_it(small, draw):
    """Only then does a change on the right reach what lies far left of it."""
    ncct = draw(3, b=1, size=64)
    other = ncct.clone()
    other[..., -4:] += 1
    for mirror in (False, True):
        generator = small(family="residual", norm="batch", levels=1, mirror=mirror)
        with torch.inference_mode():
            change = (generator(other) - generator(ncct)).abs()
        # Columns 0 to 3 mirror those that changed.
        assert (change[..., :4].max() > 0) == mirror
        assert change[..., -4:].max() > 0


def test_a_fine_last_level_sees_single_pixels_of_the_ncct(small, draw):
    """Though the features that it starts from are of patches of 4 x 4 pixels."""
    ncct = draw(3, b=1, size=64)
    other = ncct.clone()
    other[..., 33, 30] += 1
    generator = small(family="residual", norm="batch", levels=2, patch=4, fine=3)
    with torch.inference_mode():
        generator.fine[0].weight[:, :-3] = 0  # features of patches
        change = (generator.features(other) - generator.features(ncct)).abs()
    rows, columns = change[0].amax(0).nonzero(as_tuple=True)
    # Two convolutions of 3 x 3 pixels reach two pixels to each side.
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (31, 35, 28, 32)


@pytest.mark.parametrize("fine", [0, 3])
def test_late_tissue_is_shown_from_a_probability_on(small, draw, fine):
    generator, ncct = small(**LATE, fine=fine), draw(3)
    nowhere, everywhere = torch.zeros(2, 1, 16, 16), torch.ones(2, 1, 16, 16)
    last = generator.doubt[-1]
    with torch.inference_mode():
        known = [generator(ncct, late=where) for where in (nowhere, everywhere)]
        usual, late = (maps[:, :-1] for maps in known)
        assert (usual - late).abs().amax((0, 2, 3)).min() > 3e-4  # in every map
        last.weight.zero_()
        for probability, expected in ((0.02, usual), (0.95, late)):
            logit = np.log(probability / (1 - probability))
            last.bias.fill_(logit)
            torch.testing.assert_close(generator(ncct), expected, atol=1e-4, rtol=0)
            told = generator(ncct, late=nowhere)[:, -1]
            torch.testing.assert_close(told, torch.full_like(told, logit))
        last.bias.fill_(np.log(0.3 / 0.7))  # as probable as it must be: half way
        features = generator.features(ncct)
        made, _ = generator._answers(ncct)
        torch.testing.assert_close(features, made[:, 0::2] + made[:, 1::2] / 2)


def test_weights_of_networks_before_late_tissue_was_apart_fit(small):
    """By the names and shapes that their checkpoints have."""
    before = {"family": "residual", "norm": "batch", "patch": 2, "fine": 3}
    shapes = {
        name: tuple(value.shape)
        for name, value in small(**before, context=True).state_dict().items()
    }
    assert shapes["stem.1.weight"] == (4, 3 * 4 + CONTEXT_CHANNELS, 3, 3)
    assert shapes["fine.0.weight"] == (3, 4 + 3, 3, 3)
    assert shapes["heads.ttp.3.weight"] == (1, 3, 1, 1)
    assert not [name for name in shapes if name.startswith("doubt")]
    plain = small(**before).state_dict()
    assert plain["stem.1.weight"].shape == (4, 3 * 4, 3, 3)


def test_what_is_late_can_be_told_to_a_network_that_learns_it_alone(small, draw):
    plain = small(family="residual", norm="batch")
    with pytest.raises(ValueError, match=r"generator\.late"):
        plain(draw(3), late=torch.ones(2, 1, 16, 16))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_derived_cbv_keeps_the_central_volume_principle(small, draw, family):
    generator = small(("cbv", "mtt", "ttp", "cbf"), derive_cbv=True, **family)
    assert generator.made == ("mtt", "ttp", "cbf")
    ncct = draw(3)
    with torch.inference_mode():
        assert generator.features(ncct).shape == (2, 3, 16, 16)
        cbv, mtt, _, cbf = generator(ncct).double().unbind(dim=1)
    # mL/100g = mL/100g/min x s / 60, on the ranges of the paper.
    in_units = (60 * (cbf + 1) / 2) * (12 * (mtt + 1) / 2) / 60
    assert torch.allclose(4 * (cbv + 1) / 2, in_units, atol=1e-6)


def test_a_derived_cbv_may_leave_its_range():
    """60 mL/100g/min for 12 s are 12 mL/100g, three times the range."""
    highest = torch.ones(1, 1, 1, 1)
    assert central_volume_cbv(highest, highest).item() == 2 * 3 - 1
    assert central_volume_cbv(-highest, highest).item() == -1


def test_ratios_change_their_own_map_alone(small, draw):
    generator, ncct = small(), draw(3)
    with torch.inference_mode():
        trained = generator(ncct)
        changed = generator(ncct, {PerfusionMap.MTT: 5.0})
    differs = (trained != changed).any(dim=(0, 2, 3))
    assert differs.tolist() == [False, False, True, False]


def test_recipes_of_other_maps_build(narrow, draw):
    maps = (PerfusionMap.TMAX,)
    recipe = narrow("paper", maps=maps, loss=LossConfig(multimodal=0))
    with torch.inference_mode():
        made = build_generator(recipe).eval()(draw(3, b=1, size=256))
    assert made.shape == (1, 1, 256, 256)


def framed(brain, size, row, column):
    """A brain in a frame of air."""
    rows, columns = brain.shape[2:]
    frame = torch.full((len(brain), 3, size, size), -1.0)
    frame[:, :, row : row + rows, column : column + columns] = brain
    return frame


def test_a_brain_is_seen_as_in_training_wherever_it_lies(narrow, draw):
    """Trained on windows about brains: the frame, and the place in it, change nothing.

    A network that was trained on whole slices does change with them.
    """
    recipe = narrow("small")
    windowed = build_generator(recipe).eval()
    assert windowed.window == recipe.generator.stride
    whole = build_generator(
        replace(recipe, training=replace(recipe.training, crop=False))
    ).eval()
    whole.load_state_dict(windowed.state_dict())
    brain = draw(3, b=1, size=50)[..., :41]
    with torch.inference_mode():
        expected = whole(framed(brain, 64, 7, 12))[:, :, 7:57, 12:53]
        for size, row, column in ((64, 7, 12), (128, 30, 50), (128, 61, 37)):
            seen = framed(brain, size, row, column)
            inside = (..., slice(row, row + 50), slice(column, column + 41))
            assert (windowed(seen)[inside] - expected).abs().max() < 1e-5
            if size > 64:
                assert (whole(seen)[inside] - expected).abs().max() > 1e-4


def test_slices_of_several_windows_are_put_back_in_their_order(narrow, draw):
    generator = build_generator(narrow("small")).eval()
    slices = torch.cat(
        [
            framed(draw(3, b=1, size=side, seed=side), 128, 10, 20)
            for side in (40, 90, 30, 60)
        ]
    )
    slices = torch.cat([slices, torch.full((1, 3, 128, 128), -1.0)])  # and air alone
    with torch.inference_mode():
        together = generator(slices)
        for index in range(len(slices)):
            alone = generator(slices[index : index + 1])
            assert torch.allclose(together[index], alone[0], atol=1e-5)
