"""Losses against the paper's equations, written anew in numpy."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import gradcheck

from magic_model.losses import (
    FLAT,
    TERMS,
    GeneratorLoss,
    LossInputs,
    LossTerm,
    adversarial_loss,
    central_volume_factor,
    discriminator_loss,
    extrema_loss,
    generator_loss,
    l1_loss,
    multimodal_loss,
)
from magic_model.maps import MAP_SPECS, PAPER_MAPS, PerfusionMap
from magic_model.recipe import LossConfig
from magic_model.recipes.files import recipe_from_table

seeds = st.integers(0, 2**32 - 1)
masked = pytest.mark.parametrize("masked", [False, True])


def images(seed=0, shape=(2, 4, 5, 6)):
    """Generated and measured maps, and a mask, in double precision."""
    rng = np.random.default_rng(seed)
    generated, measured = rng.uniform(-1, 1, (2, *shape))
    mask = rng.random((shape[0], 1, *shape[2:])) < 0.6
    mask[:, :, 2, 2:4] = True  # never empty
    return [
        torch.from_numpy(part.astype(float)) for part in (generated, measured, mask)
    ]


def mean_of_images(pixels, mask=None):
    """1/N sum over maps of E over slices: mean of each image, then of all."""
    pixels = pixels.numpy()
    if mask is None:
        return np.mean([image.mean() for slice_ in pixels for image in slice_])
    return np.mean(
        [
            image[inside[0].numpy() > 0].mean()
            for slice_, inside in zip(pixels, mask, strict=True)
            for image in slice_
        ]
    )


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize("logits", [True, False])
def test_adversarial_losses_are_equation_1(logits):
    real, fake = (part.numpy() * 4 for part in images()[:2])
    # -(E log D(PM) + E log(1 - D(G(x)))); the generator gets -E log D(G(x)).
    judged = -np.log(sigmoid(real)).mean() - np.log(1 - sigmoid(fake)).mean()
    given_ = [torch.from_numpy(part) for part in (real, fake)]
    assert discriminator_loss(*given_, logits=logits).item() == pytest.approx(judged)
    fooled = -np.log(sigmoid(fake)).mean()
    assert adversarial_loss(given_[1], logits=logits).item() == pytest.approx(fooled)


def test_adversarial_loss_of_an_undecided_discriminator_is_ln_2():
    undecided = torch.zeros(2, 4, 30, 30)
    assert adversarial_loss(undecided).item() == pytest.approx(np.log(2))
    loss = discriminator_loss(undecided, undecided, logits=False)
    assert loss.item() == pytest.approx(2 * np.log(2))


@given(seeds)
def test_logits_give_what_sigmoid_and_logarithm_give(seed):
    real, fake = (4 * part.float() for part in images(seed)[:2])
    assert adversarial_loss(fake).item() == pytest.approx(
        adversarial_loss(fake, logits=False).item(), abs=1e-6
    )
    assert discriminator_loss(real, fake).item() == pytest.approx(
        discriminator_loss(real, fake, logits=False).item(), abs=1e-6
    )


def test_logits_keep_a_gradient_where_sigmoid_has_lost_it():
    sure = torch.full((1,), -200.0, requires_grad=True)
    adversarial_loss(sure).backward()
    assert sure.grad.item() == -1
    lost = torch.full((1,), -200.0, requires_grad=True)
    adversarial_loss(lost, logits=False).backward()
    assert lost.grad.item() == 0


@masked
def test_l1_is_equation_2(masked):
    generated, measured, mask = images()
    mask = mask if masked else None
    expected = mean_of_images((measured - generated).abs(), mask)
    assert l1_loss(generated, measured, mask).item() == pytest.approx(expected)


@masked
def test_multimodal_is_equation_4(masked):
    generated, measured, mask = images(shape=(3, 3, 5, 6))
    mask = mask if masked else None
    cbf, mtt, cbv = generated[:, :1], generated[:, 1:2], measured[:, 2:]
    # In units: |CBF x MTT / 60 - CBV|, as a share of the range of CBV (paper 2.1.2).
    product = 60 * (cbf + 1) / 2 * 12 * (mtt + 1) / 2 / 60
    expected = mean_of_images((product - 4 * (cbv + 1) / 2).abs() / 4, mask)
    loss = multimodal_loss(cbf, mtt, cbv, 3.0, mask)
    assert loss.item() == pytest.approx(expected)


def test_maps_that_keep_the_central_volume_principle_lose_nothing():
    # CBF 30 mL/100g/min, MTT 4 s: CBV 2 mL/100g.
    cbf, mtt, cbv = (
        torch.full((1, 1, 2, 2), 2 * value / highest - 1)
        for value, highest in ((30, 60), (4, 12), (2, 4))
    )
    assert multimodal_loss(cbf, mtt, cbv, 3.0).item() == pytest.approx(0, abs=1e-7)


def test_central_volume_factor_of_the_paper_is_3():
    highest = [
        MAP_SPECS[name].value_range[1]
        for name in (PerfusionMap.CBF, PerfusionMap.CBV, PerfusionMap.MTT)
    ]
    assert central_volume_factor(*highest) == 3
    assert central_volume_factor(100, 10, 20) == pytest.approx(100 * 20 / 600)


def stretched(image, inside):
    low, high = image[inside].min(), image[inside].max()
    return (image - low) / (high - low)


@masked
def test_extrema_is_equations_5_to_7(masked):
    generated, measured, mask = images()
    inside = mask > 0 if masked else torch.ones_like(mask, dtype=torch.bool)
    pixels = torch.empty_like(generated)
    for index in np.ndindex(*generated.shape[:2]):
        here = inside[index[0], 0]
        target = stretched(measured[index], here)
        weight = (target - 0.5) ** 2
        pixels[index] = weight * (stretched(generated[index], here) - target) ** 2
    expected = mean_of_images(pixels, mask if masked else None)
    loss = extrema_loss(generated, measured, mask if masked else None)
    assert loss.item() == pytest.approx(expected)


@pytest.mark.parametrize("logits", [True, False])
def test_what_is_not_a_number_stays_visible(logits):
    broken = torch.tensor([torch.nan])
    assert adversarial_loss(broken, logits=logits).isnan()
    assert discriminator_loss(broken, broken, logits=logits).isnan()


def test_extrema_weighs_the_extreme_pixel_and_not_the_middle_one():
    measured = torch.tensor([[[[0.0, 0.5, 1.0, 0.5]]]]) * 2 - 1
    wrong_middle = torch.tensor([[[[0.0, 0.9, 1.0, 0.5]]]]) * 2 - 1
    assert extrema_loss(wrong_middle, measured).item() == pytest.approx(0, abs=1e-12)
    wrong_high = torch.tensor([[[[0.0, 1.0, 0.5, 0.5]]]]) * 2 - 1
    # (1 - 0.5)^2 x (0.5 - 1)^2 at one of four pixels.
    assert extrema_loss(wrong_high, measured).item() == pytest.approx(0.0625 / 4)


@given(seeds, st.floats(0.01, 1), st.floats(-0.5, 0.5))
def test_extrema_does_not_depend_on_the_scale_of_what_is_generated(seed, scale, shift):
    generated, measured, mask = images(seed)
    loss = extrema_loss(generated, measured, mask)
    again = extrema_loss(scale * generated + shift, measured, mask)
    assert again.item() == pytest.approx(loss.item(), rel=1e-9)


@masked
@pytest.mark.parametrize("which", ["l1", "extrema", "multimodal"])
def test_gradients_are_the_numerical_ones(which, masked):
    """Also through minimum and maximum: every pixel is moved, the extreme ones too."""
    generated, measured, mask = images(shape=(2, 2, 3, 4))
    mask = mask if masked else None
    generated.requires_grad_(requires_grad=True)
    if which == "multimodal":

        def loss(made):
            return multimodal_loss(made[:, :1], made[:, 1:], measured[:, :1], 3.0, mask)

    else:
        function = {"l1": l1_loss, "extrema": extrema_loss}[which]

        def loss(made):
            return function(made, measured, mask)

    assert gradcheck(loss, (generated,), eps=1e-7, atol=1e-6)
    (gradient,) = torch.autograd.grad(loss(generated), generated)
    if masked:
        assert gradient[(mask == 0).expand_as(gradient)].abs().max() == 0
    assert gradient.abs().max() > 0


@pytest.mark.parametrize("logits", [True, False])
def test_gradients_of_adversarial_losses_are_the_numerical_ones(logits):
    real, fake = (part.requires_grad_() for part in images(shape=(1, 1, 3, 3))[:2])
    assert gradcheck(lambda a, b: discriminator_loss(a, b, logits=logits), (real, fake))
    assert gradcheck(lambda a: adversarial_loss(a, logits=logits), (fake,))


def test_extrema_teaches_the_extreme_pixels():
    """The least and the largest generated pixel get a gradient of their own."""
    generated, measured, _ = images(seed=3, shape=(1, 1, 5, 6))
    generated.requires_grad_(requires_grad=True)
    extrema_loss(generated, measured).backward()
    gradient = generated.grad.flatten()
    for place in (generated.argmin(), generated.argmax()):
        assert gradient[place] != 0
    # Neither a shift nor a scale changes the loss, so the gradient is across both.
    assert gradient.sum().item() == pytest.approx(0, abs=1e-12)
    along = (gradient * generated.detach().flatten()).sum().item()
    assert along == pytest.approx(0, abs=1e-12)


@masked
def test_extrema_of_a_flat_generated_map_is_finite(masked):
    _, measured, mask = images(shape=(1, 1, 5, 6))
    generated = torch.full_like(measured, 0.3).requires_grad_()
    loss = extrema_loss(generated, measured, mask if masked else None)
    loss.backward()
    assert 0 < loss.item() < 1
    assert torch.isfinite(generated.grad).all()
    # It leads away from flatness: up where the measured map is high, down where low.
    inside = mask > 0 if masked else torch.ones_like(mask, dtype=torch.bool)
    low, high = measured[inside].min(), measured[inside].max()
    gradient = generated.grad
    assert gradient[(measured == high) & inside].item() < 0
    assert gradient[(measured == low) & inside].item() > 0
    assert gradient.abs().max().item() < 1 / FLAT


@masked
def test_extrema_of_a_flat_measured_map_counts_nothing(masked):
    generated, measured, mask = images(shape=(2, 1, 5, 6))
    measured[0] = -1.0
    generated.requires_grad_(requires_grad=True)
    mask = mask if masked else None
    loss = extrema_loss(generated, measured, mask)
    alone = extrema_loss(
        generated[1:], measured[1:], None if mask is None else mask[1:]
    )
    assert loss.item() == pytest.approx(alone.item() / 2)
    loss.backward()
    assert torch.isfinite(generated.grad).all()
    assert generated.grad[0].abs().max() == 0


@pytest.mark.parametrize("function", [l1_loss, extrema_loss])
def test_an_empty_mask_counts_nothing(function):
    generated, measured, mask = images(shape=(1, 2, 5, 6))
    generated.requires_grad_(requires_grad=True)
    loss = function(generated, measured, torch.zeros_like(mask))
    loss.backward()
    assert loss.item() == 0
    assert generated.grad.abs().max() == 0


@given(seeds)
def test_pixels_outside_the_mask_do_not_count(seed):
    generated, measured, mask = images(seed)
    noise = torch.from_numpy(np.random.default_rng(seed).normal(size=generated.shape))
    other = generated + noise * (1 - mask)
    elsewhere = measured + noise * (1 - mask)
    for function in (l1_loss, extrema_loss):
        assert torch.equal(
            function(other, elsewhere, mask), function(generated, measured, mask)
        )


@given(seeds, st.booleans())
def test_the_mean_over_the_parts_of_a_batch_is_the_loss_of_the_batch(seed, masked):
    generated, measured, mask = images(seed, (4, 3, 5, 6))

    def losses(part):
        made, real = generated[part], measured[part]
        inside = mask[part] if masked else None
        return np.array(
            [
                l1_loss(made, real, inside),
                extrema_loss(made, real, inside),
                multimodal_loss(made[:, :1], made[:, 1:2], real[:, 2:], 3.0, inside),
                adversarial_loss(made),
                discriminator_loss(real, made),
            ]
        )

    parts = np.mean([losses(slice(0, 2)), losses(slice(2, 4))], axis=0)
    assert losses(slice(0, 4)) == pytest.approx(parts)


@given(seeds)
def test_a_perfect_map_loses_nothing(seed):
    _, measured, mask = images(seed)
    assert l1_loss(measured, measured, mask).item() == 0
    assert extrema_loss(measured, measured, mask).item() == 0


def test_the_total_is_equation_8():
    values = {"adversarial": 2.0, "l1": 3.0, "extrema": 5.0, "multimodal": 7.0}
    terms = {name: torch.tensor(value) for name, value in values.items()}
    weights = LossConfig(adversarial=1, l1=100, extrema=10, multimodal=0.5).weights
    assert GeneratorLoss(terms, weights).total.item() == 2 + 300 + 50 + 3.5


def test_flow_and_times_have_losses_of_their_own():
    """Wherever their channels are; a map that is not there has none."""
    generated, measured, mask = images()
    maps = (PerfusionMap.TTP, PerfusionMap.CBV, PerfusionMap.MTT, PerfusionMap.CBF)
    difference = (generated - measured).numpy()
    for where in (mask, None):
        inputs = LossInputs(maps, generated, measured, where)
        flow, times = (TERMS[n].compute(inputs) for n in ("l1_flow", "squared_times"))
        pixels = torch.from_numpy(difference)
        expected = mean_of_images(pixels[:, [1, 3]].abs(), where)
        assert flow.item() == pytest.approx(expected)
        expected = mean_of_images(pixels[:, [0, 2]].square(), where)
        assert times.item() == pytest.approx(expected)
    lone = LossInputs((PerfusionMap.TTP,), generated[:, :1], measured[:, :1])
    assert TERMS["l1_flow"].compute(lone).item() == 0
    lone = LossInputs((PerfusionMap.CBF,), generated[:, :1], measured[:, :1])
    assert TERMS["squared_times"].compute(lone).item() == 0


def test_late_tissue_has_a_loss_of_its_own():
    """Later than the median of the brain by 4.5 s of TTP, of whatever sign an error."""
    generated, measured, mask = images()
    maps = (PerfusionMap.CBF, PerfusionMap.CBV, PerfusionMap.MTT, PerfusionMap.TTP)
    times = measured[:, 3].clone()
    times[mask[:, 0] > 0] = 0.0  # 12.5 s
    late = torch.zeros_like(mask)
    late[:, :, 3:6, 3:6] = mask[:, :, 3:6, 3:6]
    times += torch.where(late[:, 0] > 0, 0.37, 0.35) * (times == 0)  # 4.6 and 4.4 s
    times -= 0.35 * (late[:, 0] == 0) * mask[:, 0]
    measured = torch.cat([measured[:, :3], times[:, None]], 1)
    inputs = LossInputs(maps, generated, measured, mask)
    expected = mean_of_images((generated - measured).abs() * late, mask)
    found = TERMS["l1_late"].compute(inputs).item()
    assert found == pytest.approx(expected, rel=1e-5)
    assert found > 0
    early = torch.cat([measured[:, :3], measured[:, 3:] - 0.02 * late], 1)
    inputs = LossInputs(maps, generated, early, mask)
    assert TERMS["l1_late"].compute(inputs).item() == 0
    lone = LossInputs((PerfusionMap.CBF,), generated[:, :1], measured[:, :1])
    assert TERMS["l1_late"].compute(lone).item() == 0


def test_the_probability_of_late_tissue_is_judged_by_its_cross_entropy():
    _, measured, mask = images()
    times = measured[:, -1:].clone()
    times[...] = 0.0
    late = torch.zeros_like(mask)
    late[:, :, 2:5, 2:5] = mask[:, :, 2:5, 2:5]
    times += 0.4 * late  # 5 s
    measured = torch.cat([measured[:, :3], times], 1)
    logit = torch.linspace(-3, 3, mask.numel(), dtype=times.dtype).reshape(mask.shape)
    given = LossInputs(PAPER_MAPS, measured, measured, mask, lateness=logit)
    share = 1 / (1 + np.exp(-logit.numpy()))
    wrong = -np.log(np.where(late.numpy() > 0, share, 1 - share))
    expected = mean_of_images(torch.from_numpy(wrong), mask)
    found = TERMS["lateness"].compute(given).item()
    assert found == pytest.approx(float(expected), rel=1e-5)
    untold = LossInputs(PAPER_MAPS, measured, measured, mask)
    assert TERMS["lateness"].compute(untold).item() == 0


def test_a_term_is_added_in_one_place(monkeypatch):
    """A recipe weighs it by its name, and the generator minimises it."""
    squares = LossTerm(0.0, lambda x: (x.generated - x.measured).square().mean())
    monkeypatch.setitem(TERMS, "squares", squares)
    table = {"name": "own", "loss": {"squares": 3, "l1": 0, "adversarial": 0}}
    table["loss"] |= {"extrema": 0, "multimodal": 0}
    recipe = recipe_from_table(table)
    assert recipe_from_table(recipe.to_dict()) == recipe
    generated, measured, _ = images()
    given = LossInputs(PAPER_MAPS, generated, measured)
    loss = generator_loss(given, recipe.loss.weights)
    assert set(loss.terms) == {"l1", "squares"}  # L1 is told, whatever it weighs
    assert loss.total.item() == pytest.approx(
        3 * (generated - measured).square().mean().item()
    )
