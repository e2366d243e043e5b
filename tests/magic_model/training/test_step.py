from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.cuda.amp import common as amp_common

from magic_model.distributed import World
from magic_model.losses import adversarial_loss, discriminator_loss, l1_loss
from magic_model.networks.norm import SharedBatchNorm
from magic_model.recipe import LossConfig
from magic_model.recipes.files import load_recipe
from magic_model.training.adversaries import Adversaries
from magic_model.training.batches import Batch, load_batch
from magic_model.training.step import TrainStep, frozen

CPU = torch.device("cpu")
KINDS = ("branches", "residual", "late", "single")


def stepper_of(recipe, seed=0):
    return TrainStep.distributed(
        Adversaries.from_recipe(recipe, CPU, seed), World(), CPU
    )


def weights_of(network):
    return {name: p.detach().clone() for name, p in network.named_parameters()}


def followed_by_norm(network):
    """Biases that a normalisation takes away again, so that nothing can learn them."""
    names, modules = zip(*network.named_modules(), strict=True)
    kinds = (SharedBatchNorm, nn.InstanceNorm2d)
    return {
        f"{names[place - 1]}.bias"
        for place, module in enumerate(modules)
        if isinstance(module, kinds)
    }


def assert_all_learn(nets):
    for network in filter(None, (nets.generator, nets.discriminator)):
        without = followed_by_norm(network)
        for name, parameter in network.named_parameters():
            assert parameter.grad is not None, name
            assert torch.isfinite(parameter.grad).all(), name
            assert name in without or parameter.grad.abs().max() > 0, name


def random_batch(recipe, b=2):
    size = recipe.data.size
    draw = torch.Generator().manual_seed(0)
    shape = (b, 3 + len(recipe.maps), size, size)
    images = 2 * torch.rand(shape, generator=draw) - 1
    return Batch(images[:, :3], images[:, 3:], torch.ones(b, 1, size, size))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["paper", "magic", "tiny", "pix2pix", "small"])
def test_no_parameter_is_dead(name):
    """Narrow, but of the same layers as the recipe."""
    recipe = load_recipe(name)
    recipe = replace(
        recipe,
        generator=replace(recipe.generator, width=4),
        adversarial=replace(recipe.adversarial, width=4),
    )
    stepper = stepper_of(recipe)
    stepper.train(random_batch(recipe))
    assert_all_learn(stepper.nets)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["paper", "magic"])
def test_no_parameter_is_dead_at_full_width(name):
    recipe = load_recipe(name)
    stepper = stepper_of(recipe)
    stepper.train(random_batch(recipe))
    assert_all_learn(stepper.nets)


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_changes_every_weight(cache, recipe, kind):
    stepper = stepper_of(recipe(kind))
    nets = stepper.nets
    networks = [n for n in (nets.generator, nets.discriminator) if n is not None]
    before = [weights_of(network) for network in networks]
    stepper.train(load_batch(cache, np.arange(4)))
    for network, old in zip(networks, before, strict=True):
        for name, new in weights_of(network).items():
            assert name in followed_by_norm(network) or not torch.equal(new, old[name])


def test_losses_are_those_before_the_step(cache, recipe):
    """With the discriminator improved already when it judges for the generator."""
    wanted = recipe("residual", loss={"masked": False})
    stepper, nets = stepper_of(wanted), Adversaries.from_recipe(wanted, CPU, 0)
    batch = load_batch(cache, np.arange(4))
    made = nets.generator(batch.ncct)
    fresh = discriminator_loss(
        nets.discriminator(batch.ncct, batch.maps), nets.discriminator(batch.ncct, made)
    )
    loss, judged = stepper.train(batch)
    assert judged.item() == pytest.approx(fresh.item())
    assert loss.terms["l1"].item() == pytest.approx(l1_loss(made, batch.maps).item())
    improved = stepper.nets.discriminator(batch.ncct, made)
    shares = [part.item() for part in loss.terms.values()]
    assert shares[0] == pytest.approx(adversarial_loss(improved).item())
    expected = shares[0] + 100 * sum(shares[1:])
    assert loss.total.item() == pytest.approx(expected)


def test_the_generator_does_not_move_the_discriminator(cache, recipe):
    """Its step leaves the discriminator's weights, and lets them learn afterwards."""
    stepper = stepper_of(recipe("branches"))
    stepper.nets.generator_adam.param_groups[0]["lr"] = 0.0
    batch = load_batch(cache, np.arange(4))
    frozen_generator = weights_of(stepper.nets.generator)
    stepper.train(batch)
    for name, value in weights_of(stepper.nets.generator).items():
        assert torch.equal(value, frozen_generator[name])
    assert all(p.requires_grad for p in stepper.nets.discriminator.parameters())


def test_a_frozen_network_passes_gradients_on_and_keeps_none():
    network, image = nn.Linear(2, 1), torch.ones(1, 2, requires_grad=True)
    with pytest.raises(ZeroDivisionError), frozen(network):
        network(image).sum().backward(torch.tensor(1 / 0))
    with frozen(network):
        network(image).sum().backward()
    assert image.grad is not None
    assert network.weight.grad is None
    assert all(p.requires_grad for p in network.parameters())


def test_losses_without_weight_are_not_computed(cache, recipe):
    stepper = stepper_of(recipe("single"))
    assert stepper.discriminator is None
    loss, judged = stepper.train(load_batch(cache, np.arange(4)))
    assert judged.item() == 0
    assert list(loss.terms) == ["l1"]
    assert loss.total.item() == pytest.approx(100 * loss.terms["l1"].item())


def test_outside_the_mask_nothing_counts_and_nothing_is_judged(cache, recipe):
    batch = load_batch(cache, np.arange(4))
    noise = torch.rand_like(batch.maps) * (1 - batch.mask)
    other = Batch(batch.ncct, batch.maps + noise, batch.mask)
    losses = []
    for given in (batch, other):
        loss, judged = stepper_of(recipe("residual")).train(given)
        losses.append([loss.total.item(), judged.item()])
    assert losses[0] == losses[1]


@pytest.mark.parametrize(("threshold", "shown"), [(0.25, 0.6), (0.6, 0.0)])
def test_late_tissue_is_shown_where_it_is_likely_enough(recipe, threshold, shown):
    """Where two pixels in five are late, and the median of the times is not."""
    plain = recipe("residual", loss={"adversarial": 0, "multimodal": 0, "extrema": 0})
    wanted = replace(
        plain,
        generator=replace(plain.generator, norm="batch", late=threshold),
        loss=LossConfig(**plain.loss.weights | {"lateness": 10.0}, masked=True),
    )
    stepper = stepper_of(wanted)
    stepper.nets.set_learning_rate(0.02)
    draw = torch.Generator().manual_seed(1)
    for _ in range(60):
        dark, chance = torch.rand(2, 4, 1, 32, 32, generator=draw)
        late = (dark < 0.5) & (chance < 0.4)
        ncct = torch.where(dark < 0.5, -0.5, 0.5).expand(-1, 3, -1, -1)
        maps = torch.where(late, 0.6, 0.0).expand(-1, 4, -1, -1)
        stepper.train(Batch(ncct, maps, torch.ones_like(late).float()))
    with torch.inference_mode():
        found = stepper.nets.generator.eval()(ncct)
    at_dark = (dark < 0.5).expand(-1, 4, -1, -1)
    assert found[at_dark].median().item() == pytest.approx(shown, abs=0.06)
    assert found[~at_dark].median().item() == pytest.approx(0.0, abs=0.06)


def test_the_multimodal_loss_finds_its_maps_in_any_order(cache, recipe):
    """The same maps in another order, by a generator that makes them all alike."""
    orders = (("cbf", "cbv", "mtt", "ttp"), ("ttp", "mtt", "cbv", "cbf"))
    losses = []
    for maps in orders:
        stepper = stepper_of(recipe("branches", maps))
        for parameter in stepper.nets.generator.parameters():
            nn.init.zeros_(parameter)
        places = [orders[0].index(name) for name in maps]
        batch = load_batch(cache, np.arange(4))
        loss, _ = stepper.train(Batch(batch.ncct, batch.maps[:, places], batch.mask))
        losses.append(loss.terms["multimodal"].item())
    # All maps are 0, half their range: CBF x MTT / 60 is 3/4 of the range of CBV.
    cbv = load_batch(cache, np.arange(4)).maps[:, 1]
    assert losses[0] == pytest.approx((0.75 - (cbv + 1) / 2).abs().mean().item())
    assert losses[1] == pytest.approx(losses[0])


def test_weights_follow_from_the_seed(recipe):
    nets = [Adversaries.from_recipe(recipe(), CPU, seed) for seed in (3, 3, 4)]
    same, again, other = [weights_of(n.generator) for n in nets]
    assert all(torch.equal(same[name], again[name]) for name in same)
    assert not all(torch.equal(same[name], other[name]) for name in same)


def test_weights_are_drawn_as_in_pix2pix(recipe):
    generator = Adversaries.from_recipe(load_recipe("compact"), CPU, 0).generator
    drawn = torch.cat(
        [
            m.weight.flatten()
            for m in generator.modules()
            if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d))
        ]
    )
    assert drawn.mean().item() == pytest.approx(0, abs=1e-4)
    assert drawn.std().item() == pytest.approx(0.02, rel=1e-2)


@pytest.mark.parametrize("kind", ["branches", "single"])
def test_both_optimisers_get_the_learning_rate(recipe, kind):
    nets = Adversaries.from_recipe(recipe(kind), CPU, 0)
    nets.set_learning_rate(0.125)
    adams = [adam for adam in (nets.generator_adam, nets.discriminator_adam) if adam]
    assert [adam.param_groups[0]["lr"] for adam in adams] == [0.125] * len(adams)
    assert adams[0].param_groups[0]["betas"] == (0.5, 0.999)


def test_on_a_gpu_convolutions_run_in_bfloat16(recipe, monkeypatch):
    monkeypatch.setattr(amp_common, "amp_definitely_not_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    stepper = stepper_of(recipe())
    on_gpu = replace(stepper, device=torch.device("cuda"))
    assert not isinstance(stepper._precision(), torch.autocast)
    context = on_gpu._precision()
    assert isinstance(context, torch.autocast)
    assert (context.device, context.fast_dtype) == ("cuda", torch.bfloat16)


@pytest.mark.parametrize("able", [True, False])
def test_on_a_cpu_that_can_a_recipe_may_ask_for_bfloat16(recipe, monkeypatch, able):
    told = {"avx512_bf16": able, "amx_bf16": False}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: told)
    whole = recipe()
    half = replace(whole, training=replace(whole.training, bfloat16=True))
    assert not isinstance(stepper_of(whole)._precision(), torch.autocast)
    context = stepper_of(half)._precision()
    assert isinstance(context, torch.autocast) is able
    if able:
        assert (context.device, context.fast_dtype) == ("cpu", torch.bfloat16)
    # Layers in the order that bfloat16 likes; float32 is quicker in the other.
    nets = stepper_of(half).nets
    weights = [w for w in nets.generator.parameters() if w.ndim > 1 and w.shape[1] > 1]
    assert all(
        w.is_contiguous(memory_format=torch.channels_last) is able
        for w in weights
        if min(w.shape[2:]) > 1
    )
