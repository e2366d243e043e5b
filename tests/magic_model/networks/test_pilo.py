import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from magic_model.errors import DataError
from magic_model.maps import PerfusionMap
from magic_model.networks.pilo import anatomy_of
from magic_model.ratio import Balance, ratio_of, shares

ratios = st.floats(1e-300, 1e300)


@given(ratios)
def test_shares_have_the_ratio_and_add_up_to_2(ratio):
    perfusion, anatomy = shares(ratio)
    assert perfusion + anatomy == pytest.approx(2)
    assert perfusion == pytest.approx(ratio * anatomy)


@pytest.mark.parametrize("ratio", [5e-324, 1e-308, 1.0, 1.7e308])
def test_shares_are_finite_up_to_the_ends(ratio):
    assert all(0 <= share <= 2 for share in shares(ratio))


def test_a_ratio_of_1_is_the_layer_as_trained(pilo, draw):
    feature, ncct = draw(1), draw(3, seed=1)
    trained = pilo.mix(torch.cat([feature, ncct], dim=1))
    assert torch.equal(pilo(feature, ncct), trained)
    assert torch.equal(pilo(feature, ncct, 1.0), trained)
    # The formula agrees at 1: nothing jumps there.
    assert shares(1.0) == (1, 1)
    assert torch.allclose(pilo(feature, ncct, 1 + 1e-6), trained, atol=1e-5)


@pytest.mark.parametrize("ratio", [0.01, 0.5, 2.0, 4.0, 100.0])
def test_a_ratio_scales_map_and_all_three_ncct_channels(pilo, draw, ratio):
    feature, ncct = draw(1), draw(3, seed=1)
    anatomy = -0.2 * ncct[:, :1] + 0.3 * ncct[:, 1:2] + 0.5 * ncct[:, 2:]
    factor = 2 * ratio / (1 + ratio), 2 / (1 + ratio)
    expected = factor[0] * 0.7 * feature + factor[1] * anatomy + 0.1
    assert torch.allclose(pilo(feature, ncct, ratio), expected, atol=1e-6)


def test_the_output_goes_from_the_ncct_to_the_map(pilo, draw):
    feature, ncct = draw(1), draw(3, seed=1)
    steps = [1e-9, 0.1, 0.5, 1.0, 2.0, 10.0, 1e9]
    with torch.no_grad():
        outputs = torch.stack([pilo(feature, ncct, ratio) for ratio in steps])
        only_map = pilo(2 * feature, torch.zeros_like(ncct))
        only_ncct = pilo(torch.zeros_like(feature), 2 * ncct)
    assert torch.allclose(outputs[0], only_ncct, atol=1e-5)
    assert torch.allclose(outputs[-1], only_map, atol=1e-5)
    # Every pixel moves one way only.
    moves = outputs.diff(dim=0) * (only_map - only_ncct).sign()
    assert (moves > -1e-6).all()


def test_trained_weights_are_only_read(small, draw):
    generator, ncct = small(), draw(3)
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    with torch.inference_mode():
        trained = generator(ncct)
        for ratio in (0.2, 5.0, {PerfusionMap.CBF: 3.0}):
            assert not torch.equal(generator(ncct, ratio), trained)
        assert torch.equal(generator(ncct), trained)
    for name, value in generator.state_dict().items():
        assert torch.equal(value, before[name])


@pytest.mark.parametrize("ratio", [0.0, -1.0, math.inf, -math.inf, math.nan])
def test_a_ratio_that_is_not_positive_and_finite_is_refused(small, pilo, draw, ratio):
    message = f"perfusion information ratio must be positive, got {ratio}"
    with pytest.raises(DataError, match=message):
        pilo(draw(1), draw(3), ratio)
    with pytest.raises(DataError, match=message):
        small()(draw(3), {PerfusionMap.TTP: ratio})


def test_a_map_that_is_not_named_stays_as_trained():
    chosen = {PerfusionMap.CBF: 2.0}
    assert ratio_of(chosen, PerfusionMap.CBF) == 2
    assert ratio_of(chosen, PerfusionMap.TTP) == 1
    assert ratio_of(0.5, PerfusionMap.TTP) == 0.5


def correlation(one, other):
    return float(torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1])


def balance_of(output, ncct):
    middle = anatomy_of(ncct)
    spreads = (float(image.std(correction=0)) for image in (output, middle))
    sd, ncct_sd = spreads
    alike = correlation(output, middle)
    return Balance(float(output.mean()), sd, float(middle.mean()), ncct_sd, alike)


@pytest.fixture
def pale(pilo, draw):
    """A layer whose feature holds anatomy, and whose NCCT weights are tiny.

    As networks learn it: of their own, ratios move little but the contrast.
    """
    ncct, perfusion = draw(3, seed=1), draw(1, seed=2)
    with torch.no_grad():
        pilo.mix.weight.mul_(torch.tensor([1, 0.01, 0.01, 0.01]).reshape(1, 4, 1, 1))
    feature = 1.5 * anatomy_of(ncct) + perfusion + 0.8
    return pilo, feature.detach(), ncct, perfusion


def test_without_a_balance_a_low_ratio_is_a_pale_map(pale):
    pilo, feature, ncct, _ = pale
    with torch.no_grad():
        trained, low = (pilo(feature, ncct, ratio) for ratio in (1.0, 1 / 8))
    assert correlation(low, trained) > 0.99
    assert low.std() < 0.4 * trained.std()


def test_a_balance_moves_a_map_between_anatomy_and_perfusion(pale):
    pilo, feature, ncct, perfusion = pale
    with torch.no_grad():
        trained = pilo(feature, ncct)
        pilo.balance = balance_of(trained, ncct)
        ratios = [1 / 8, 1 / 2, 1.0, 2.0, 8.0]
        made = [pilo(feature, ncct, ratio) for ratio in ratios]
    assert torch.equal(made[2], trained)  # bit by bit
    anatomy = [correlation(image, anatomy_of(ncct)) for image in made]
    assert anatomy == sorted(anatomy, reverse=True)
    assert anatomy[0] > 0.97
    assert abs(anatomy[-1]) < 0.3
    assert correlation(made[-1], perfusion) > 0.9 > correlation(trained, perfusion)
    for image in made:  # neither brighter nor darker, and never pale
        assert float(image.mean()) == pytest.approx(float(trained.mean()), abs=0.02)
        assert 0.7 < float(image.std() / trained.std()) < 2
    # Nothing jumps at 1, and the ends are those of the formula.
    with torch.no_grad():
        assert torch.allclose(pilo(feature, ncct, 1 + 1e-6), trained, atol=1e-4)
        alone = pilo.balance.slope * (anatomy_of(ncct) - pilo.balance.ncct_mean)
        low = pilo(feature, ncct, 1e-9)
    raised = 2 * pilo.balance.lift * alone
    assert torch.allclose(low, pilo.balance.mean + raised, atol=1e-4)


@pytest.mark.parametrize("alike", [0.3, -0.3, 0.01, 0.0, -1.0])
def test_where_anatomy_tells_little_it_is_raised_to_the_spread_of_the_map(alike):
    known = Balance(0.1, 0.5, -0.2, 0.25, alike)
    spread = 2 * known.lift * abs(known.slope) * known.ncct_sd
    assert spread == pytest.approx(0.5 * max(1, 2 * abs(alike)))
    assert (known.slope < 0) == (alike < 0)


def test_a_generator_gives_each_map_its_own_balance(small, draw):
    generator, ncct = small(), draw(3)
    with torch.inference_mode():
        trained, before = generator(ncct), generator(ncct, 0.2)
        generator.balance_by({PerfusionMap.CBF: Balance(0.0, 0.5, 0.1, 0.2, 0.6)})
        after = generator(ncct, 0.2)
        assert torch.equal(generator(ncct), trained)
    changed = [not torch.equal(after[:, i], before[:, i]) for i in range(4)]
    assert changed == [name is PerfusionMap.CBF for name in generator.maps]


def test_anatomy_is_a_mean_over_brain_alone():
    ncct = torch.full((1, 3, 5, 5), -1.0)
    ncct[0, 1, 1:4, 1:3] = torch.tensor([[0.1, 0.4], [0.2, 0.5], [0.3, 0.6]])
    around = anatomy_of(ncct)[0, 0]
    assert float(around[2, 1]) == pytest.approx(0.35)  # all six
    assert float(around[1, 2]) == pytest.approx((0.1 + 0.4 + 0.2 + 0.5) / 4)
