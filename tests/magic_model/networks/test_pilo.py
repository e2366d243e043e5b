import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from magic_model.errors import DataError
from magic_model.maps import PerfusionMap
from magic_model.ratio import ratio_of, shares

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
