"""Texture is sampled: it must not touch what a network said, nor depend on the view."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from magic_model.data.lesion import find_lesion
from magic_model.data.slices import SliceStack
from magic_model.data.volume import Kind
from magic_model.errors import DataError
from magic_model.maps import MAP_SPECS, PAPER_MAPS, PerfusionMap
from magic_model.metrics.spectrum import power_ratios
from magic_model.texture import (
    TextureFit,
    TextureModel,
    low_band,
    texture_of,
)

CBF, TTP = PerfusionMap.CBF, PerfusionMap.TTP
SIZE, PIXEL = 128, 1.6


def stack_of(n=2, spacing=10.0, size=SIZE):
    """Slices of a round head about the origin, in a field of that many pixels."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    inside = np.hypot(x / 42, y / 50) < 1
    mask = np.broadcast_to(inside, (n, size, size)).copy()
    affine = np.diag([PIXEL, PIXEL, spacing, 1.0])
    affine[:3, 3] = -PIXEL * (size - 1) / 2, -PIXEL * (size - 1) / 2, 12.0
    return SliceStack(
        "P1", np.zeros((n, 3, size, size), np.float32), {}, mask, affine, np.arange(n)
    )


def smooth_maps(stack, *, late=False):
    """What an error-first network gives: hardly any detail, and maybe a lesion."""
    height, width = stack.mask.shape[1:]
    rows, columns = np.mgrid[:height, :width]
    where = np.hypot(rows - height / 2, columns - width / 2 + 20) < 14
    ill = ndimage.gaussian_filter((where if late else where * 0).astype(float), 2)
    values = {
        CBF: 42 - 36 * ill,
        PerfusionMap.CBV: 2.6 - 1.8 * ill,
        PerfusionMap.MTT: 4.0 + 4.5 * ill,
        TTP: 13.0 + 7.5 * ill,
    }
    return {
        name: np.where(stack.mask, value, 0).astype(np.float32)
        for name, value in values.items()
    }


def learn(patchy=0.0):
    """Learn from speckle of 10 % at low and 4 % of the range at high CBF.

    Its strength varies log-normally within a slice where it is patchy.
    """
    rng = np.random.default_rng(0)
    fit = TextureFit(PAPER_MAPS, PIXEL)
    inside = stack_of().mask[0]
    ramp = np.broadcast_to(np.linspace(0.2, 0.8, SIZE), (SIZE, SIZE))
    smooth = np.stack([ramp] * 4)
    for _ in range(6):
        noise = speckle(rng)
        patches = ndimage.gaussian_filter(rng.normal(size=(SIZE, SIZE)), 6)
        uneven = np.exp(patchy * patches / patches.std() - patchy**2)
        amplitude = np.stack([0.12 - 0.1 * ramp, *[np.full_like(ramp, 0.03)] * 3])
        fit.see(smooth, smooth + uneven * amplitude * noise, inside)
    return TextureModel.from_dict(fit.model().to_dict())


def speckle(rng):
    """Unit noise of four maps, the same in CBF and CBV."""
    shared = rng.normal(size=(SIZE, SIZE))
    noise = np.stack([shared, shared, *rng.normal(size=(2, SIZE, SIZE))])
    noise = ndimage.gaussian_filter(noise, (0, 0.8, 0.8))
    return noise / noise.std((1, 2), keepdims=True)


@pytest.fixture(scope="module")
def model():
    return learn()


def flat_maps(stack, level):
    return {
        name: np.where(stack.mask, level * MAP_SPECS[name].value_range[1], 0)
        for name in PAPER_MAPS
    }


def test_it_is_as_strong_and_as_shared_as_what_it_was_learnt_from(model):
    stack = stack_of(6)
    measured = speckle(np.random.default_rng(5))[0]
    for level, wanted in ((0.4, 0.08), (0.6, 0.06)):
        drawn = model.add(stack, flat_maps(stack, level), seed=1)
        share = np.where(stack.mask, drawn[CBF] / 60 - level, 0)
        reference = np.broadcast_to(wanted * measured, stack.mask.shape)
        ratios = power_ratios(share, reference, stack.mask)
        assert ratios[0] < 0.12  # the low band is the network's
        assert ratios[1:] == pytest.approx(1, abs=0.2)
        inside = stack.mask
        others = [drawn[m][inside] for m in (PerfusionMap.CBV, TTP)]
        alike, apart = (np.corrcoef(share[inside], x)[0, 1] for x in others)
        assert alike > 0.85
        assert abs(apart) < 0.1
    assert (drawn[CBF][~stack.mask] == 0).all()


def test_vessels_beyond_the_range_keep_their_values(model):
    """Noise about them goes either way; cut at the range, they would be 60 at most."""
    stack = stack_of(4)
    maps = flat_maps(stack, 1.5)
    drawn = model.add(stack, maps, seed=1)[CBF][stack.mask]
    assert drawn.mean() == pytest.approx(90, abs=0.5)
    assert drawn.std() > 1
    low = model.add(stack, flat_maps(stack, 0.02), seed=1)[CBF][stack.mask]
    assert low.min() == 0


def test_it_is_as_patchy_as_what_it_was_learnt_from(model):
    stack = stack_of(6)
    tails = []
    for learnt in (model, learn(patchy=0.4)):
        drawn = learnt.add(stack, flat_maps(stack, 0.5), seed=1)[TTP][stack.mask]
        apart = drawn - drawn.mean()
        tails.append((apart**4).mean() / (apart**2).mean() ** 2)
    assert tails[0] == pytest.approx(3, abs=0.1)  # normal noise
    assert tails[1] > 3.3


def test_detail_that_is_shown_too_faintly_is_strengthened_rather_than_drawn():
    rng = np.random.default_rng(0)
    inside = stack_of().mask[0]
    fit = TextureFit(PAPER_MAPS, PIXEL)
    for _ in range(3):
        detail = ndimage.gaussian_filter(rng.normal(size=(4, SIZE, SIZE)), (0, 2, 2))
        fit.see(0.5 + 0.9 * detail, 0.5 + detail, inside)
    learnt = fit.model()
    assert learnt.detail == pytest.approx(1 / 0.9, rel=1e-3)
    stack = stack_of(1)
    shown = 0.9 * detail[0]
    maps = flat_maps(stack, 0.5)
    maps[CBF] = np.where(stack.mask, 60 * (0.5 + shown), 0)
    added = (learnt.add(stack, maps, seed=1)[CBF] - maps[CBF])[0] / 60
    inner = ndimage.binary_erosion(inside, iterations=8)
    high = shown - low_band(shown, inside)
    assert np.corrcoef(added[inner], high[inner])[0, 1] > 0.97
    assert added[inner].std() == pytest.approx(high[inner].std() / 9, rel=0.15)


def test_the_border_of_the_brain_is_no_detail(model):
    silent = np.zeros_like(model.gains)
    sharpening = replace(model, detail=np.full(len(PAPER_MAPS), 1.25), gains=silent)
    stack = stack_of()
    maps = flat_maps(stack, 0.5)
    drawn = sharpening.add(stack, maps, seed=1)
    for name in PAPER_MAPS:
        span = MAP_SPECS[name].value_range[1]
        assert drawn[name] == pytest.approx(maps[name], abs=5e-4 * span)


def test_the_low_band_is_the_networks(model):
    stack = stack_of()
    for late in (False, True):
        maps = smooth_maps(stack, late=late)
        drawn = model.add(stack, maps, seed=3)
        for name in PAPER_MAPS:
            span = MAP_SPECS[name].value_range[1]
            for before, after, inside in zip(
                maps[name], drawn[name], stack.mask, strict=True
            ):
                added = (after - before)[inside] / span
                moved = (low_band(after, inside) - low_band(before, inside)) / span
                assert added.std() > 0.015
                inner = ndimage.binary_erosion(inside, iterations=8)
                assert moved[inner].std() < 0.2 * added.std()
    ratios = power_ratios(drawn[TTP], maps[TTP], stack.mask)  # of the one with a lesion
    assert ratios[0] == pytest.approx(1, abs=0.05)
    assert ratios[3] > 2


@pytest.mark.slow
@pytest.mark.parametrize("late", [False, True])
def test_it_paints_no_lesion_and_hides_none(model, late):
    stack = stack_of(4)
    brain = stack.to_volume(stack.mask.astype(np.float32), Kind.BRAIN_MASK)
    plain = smooth_maps(stack, late=late)
    found = []
    for maps in (plain, *(model.add(stack, plain, seed) for seed in (1, 2))):
        volumes = {n: stack.to_volume(x, Kind(n)) for n, x in maps.items()}
        found.append(find_lesion(volumes, brain))
    before, *after = found
    assert (before.penumbra_ml > 20) is late
    for lesion in after:
        assert lesion.penumbra_ml == pytest.approx(before.penumbra_ml, rel=0.05)
        assert lesion.core_ml == pytest.approx(before.core_ml, rel=0.1, abs=0.1)


@pytest.mark.slow
def test_it_is_fixed_in_the_patient(model):
    """At another spacing, field of view and order, and drawn alone, it is the same."""
    stack = stack_of(3, spacing=4.0)
    maps = smooth_maps(stack)
    whole = model.add(stack, maps, seed=1)[CBF]
    for number in (2, 0):
        lone = replace(
            stack,
            mask=stack.mask[number : number + 1],
            positions=stack.positions[number : number + 1],
        )
        part = {name: image[number : number + 1] for name, image in maps.items()}
        assert model.add(lone, part, seed=1)[CBF][0] == pytest.approx(whole[number])
    wide = stack_of(2, spacing=8.0, size=SIZE + 32)
    other = model.add(wide, smooth_maps(wide), seed=1)[CBF]
    inner = (slice(16, -16), slice(16, -16))
    assert (wide.mask[0][inner] == stack.mask[0]).all()
    assert other[0][inner] == pytest.approx(whole[0], abs=1e-3)
    assert other[1][inner] == pytest.approx(whole[2], abs=1e-3)
    apart = model.add(stack, maps, seed=2)[CBF]
    someone = model.add(replace(stack, patient_id="P2"), maps, seed=1)[CBF]
    for changed in (apart, someone):
        both = np.stack([x[stack.mask] for x in (changed, whole)])
        assert abs(np.corrcoef(both)[0, 1]) < 0.1


def test_what_is_not_there_is_said(model):
    assert texture_of(False, None, "net") is None
    with pytest.raises(DataError, match="net: the recipe asks for texture"):
        texture_of(True, None, "net")
    plain = model.to_dict()
    assert texture_of(True, plain, "net").maps == PAPER_MAPS
    with pytest.raises(DataError, match="must be"):
        TextureModel.from_dict({**plain, "levels": plain["levels"][:2]})
    earlier = {name: plain[name] for name in ("maps", "pixel_mm", "levels", "gains")}
    with pytest.raises(
        DataError, match="net: its texture was learnt by an earlier version"
    ):
        texture_of(True, earlier, "net")
    fit = TextureFit(PAPER_MAPS, PIXEL)
    fit.see(np.zeros((4, 9, 9)), np.zeros((4, 9, 9)), np.ones((9, 9), bool))
    with pytest.raises(DataError, match="learnt from slices with brain, got none"):
        TextureFit(PAPER_MAPS, PIXEL).model()
    extra = {PerfusionMap.TMAX: np.ones((2, SIZE, SIZE), np.float32)}
    stack = stack_of()
    drawn = model.add(stack, smooth_maps(stack) | extra, seed=1)
    assert (drawn[PerfusionMap.TMAX] == 1).all()
