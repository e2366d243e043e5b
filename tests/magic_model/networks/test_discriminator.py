import pytest
import torch

from magic_model.maps import PAPER_MAPS
from magic_model.networks.discriminator import Discriminator
from magic_model.recipe import AdversarialConfig, Norm


def critic(maps=PAPER_MAPS, *, per_map=True, norm=Norm.BATCH):
    torch.manual_seed(0)
    config = AdversarialConfig(width=2, per_map=per_map, norm=norm)
    return Discriminator(config, maps, batch_size=8).eval()


def support(image):
    """First and last row and column that are not 0."""
    rows, columns = torch.nonzero(image, as_tuple=True)
    return [int(n) for n in (rows.min(), rows.max(), columns.min(), columns.max())]


def test_each_judgement_sees_70_x_70_pixels(draw):
    """70x70 PatchGAN (Isola 2017, appendix 6.1.2), by what has a gradient."""
    ncct, maps = draw(3, b=1, size=256), draw(4, b=1, size=256, seed=1)
    ncct.requires_grad_(requires_grad=True)
    maps.requires_grad_(requires_grad=True)
    judged = critic()(ncct, maps)
    judged[0, 2, 15, 12].backward()
    top, bottom, left, right = support(ncct.grad[0, 0])
    assert (bottom - top + 1, right - left + 1) == (70, 70)
    # One step of the output is 8 pixels of the input.
    assert (top - left) == 3 * 8
    assert support(maps.grad[0, 2]) == [top, bottom, left, right]
    # The discriminator of MTT sees no other map.
    assert not maps.grad[0, [0, 1, 3]].any()


@pytest.mark.parametrize("norm", list(Norm))
def test_256_pixels_give_30_x_30_judgements(draw, norm):
    judged = critic(norm=norm)(draw(3, size=256), draw(4, size=256))
    assert judged.shape == (2, 4, 30, 30)


@pytest.mark.parametrize("n_maps", [1, 3, 4])
def test_there_is_one_for_each_map_or_one_for_all(draw, n_maps):
    ncct, maps = draw(3, size=32), draw(n_maps, size=32)
    assert critic(PAPER_MAPS[:n_maps])(ncct, maps).shape == (2, n_maps, 2, 2)
    together = critic(PAPER_MAPS[:n_maps], per_map=False)
    assert together(ncct, maps).shape == (2, 1, 2, 2)


@pytest.mark.parametrize("per_map", [True, False])
def test_the_smallest_slice_gives_one_judgement(draw, per_map):
    judged = critic(per_map=per_map)(draw(3, size=24), draw(4, size=24))
    assert judged.shape == (2, 4 if per_map else 1, 1, 1)


def test_one_for_all_sees_every_map(draw):
    maps = draw(4, size=32).requires_grad_()
    critic(per_map=False)(draw(3, size=32), maps).sum().backward()
    assert maps.grad.abs().amax(dim=(0, 2, 3)).min() > 0
