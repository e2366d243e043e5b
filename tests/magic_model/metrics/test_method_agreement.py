import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from magic_model.metrics import bland_altman, intraclass_correlation

# Shrout and Fleiss 1979, Table 2: six subjects, four judges. Their Table 4 prints
# ICC(2,1) = .29; the limits 0.019 and 0.761 are those of psych::ICC in R.
JUDGES = [
    [9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7],
]  # fmt: skip

# Bland and Altman 1986, Table 1: peak expiratory flow in L/min, first reading of the
# Wright and of the mini Wright meter. Printed: mean difference -2.1, standard
# deviation 38.8, limits -79.7 and 75.5; 95 % interval of the bias -22.0 to 17.8.
WRIGHT = [
    494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427,
]  # fmt: skip
MINI = [
    512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451,
]  # fmt: skip


def test_icc_of_shrout_and_fleiss():
    result = intraclass_correlation(JUDGES)
    assert result.estimate == pytest.approx(0.29, abs=5e-3)
    # Their Table 3: mean squares 11.24 between targets, 32.49 judges, 1.02 residual.
    squares = (result.subjects, result.methods, result.error)
    assert squares == pytest.approx((11.24, 32.49, 1.02), abs=5e-3)
    interval = result.confidence_interval()
    assert interval.low == pytest.approx(0.019, abs=1e-3)
    assert interval.high == pytest.approx(0.761, abs=1e-3)
    narrower = result.confidence_interval(0.8)
    assert interval.low < narrower.low < narrower.high < interval.high


def test_a_bias_lowers_absolute_agreement():
    values = np.array([[1.0, 1.1], [5.0, 5.2], [9.0, 8.9], [4.0, 4.1]])
    biased = values + np.array([0, 3])
    close = intraclass_correlation(values).estimate
    assert intraclass_correlation(biased).estimate < close


def test_exact_agreement_has_no_interval_and_one_value_no_icc():
    exact = intraclass_correlation([[1, 1], [2, 2], [7, 7]])
    assert exact.estimate == 1
    assert math.isnan(exact.confidence_interval().low)
    same = intraclass_correlation(np.ones((3, 2)))
    assert math.isnan(same.estimate)
    assert math.isnan(same.confidence_interval().high)
    opposite = intraclass_correlation([[2, 2], [1, 3]])
    assert math.isfinite(opposite.estimate)
    shifted = intraclass_correlation([[1, 2], [1, 2], [1, 2]])
    assert shifted.estimate == 0
    assert math.isnan(shifted.confidence_interval().low)


def test_bland_altman_1986():
    result = bland_altman(MINI, WRIGHT)
    assert result.n == 17
    assert result.bias == pytest.approx(-2.1, abs=0.05)
    assert result.standard_deviation == pytest.approx(38.8, abs=0.05)
    # They round the standard deviation to 38.8 and 1.96 to 2.
    assert result.limits.low == pytest.approx(-2.1 - 1.96 * 38.8, abs=0.1)
    assert result.limits.high == pytest.approx(-2.1 + 1.96 * 38.8, abs=0.1)
    assert result.bias_interval().low == pytest.approx(-22.0, abs=0.1)
    assert result.bias_interval().high == pytest.approx(17.8, abs=0.1)


def test_one_pair_has_a_bias_and_no_limits():
    result = bland_altman([3.0], [5.0])
    assert result.bias == 2
    assert math.isnan(result.limits.low)
    assert math.isnan(result.bias_interval().high)


@given(st.lists(st.floats(0, 500), min_size=2, max_size=20))
def test_methods_swapped_have_the_opposite_bias(values):
    a, b = np.array(values), np.array(values[::-1]) + 1
    there, back = bland_altman(a, b), bland_altman(b, a)
    assert there.bias == pytest.approx(-back.bias)
    assert there.limits.low == pytest.approx(-back.limits.high)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bland_altman([], []), "one or more pairs"),
        (lambda: bland_altman([1], [1, 2]), "one or more pairs"),
        (lambda: bland_altman([1.0], [math.nan]), "must be finite"),
        (lambda: intraclass_correlation([[1, 2]]), "2 subjects and 2 methods"),
        (lambda: intraclass_correlation([1, 2]), "2 subjects and 2 methods"),
        (lambda: intraclass_correlation([[1, 2], [1, math.inf]]), "must be finite"),
    ],
)
def test_what_cannot_be_compared_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
