"""Degenerate tables give a value and a reason, never a warning or a bare NaN."""

import itertools
import math

import numpy as np
import pytest

from analysis.agreement import (
    brennan_prediger,
    cohen_kappa,
    gwet_ac,
    krippendorff_alpha,
    maximum_kappa,
    percent_agreement,
    scott_pi,
)
from analysis.bangdiwala import bangdiwala_b
from analysis.tables import ContingencyTable

EMPTY = np.zeros((3, 3), dtype=int)
ONE_PAIR = np.array([[0, 1, 0], [0, 0, 0], [0, 0, 0]])
ONE_AGREEING_PAIR = np.diag([1, 0, 0])
ONE_ANSWER = np.diag([140, 0, 0])
PERFECT = np.diag([3, 43, 23])
CONSTANT_REFERENCE = np.array([[133, 7, 0], [0, 0, 0], [0, 0, 0]])
CONSTANT_TEST = CONSTANT_REFERENCE.T
BOTH_CONSTANT_DIFFERENT = np.array([[0, 9, 0], [0, 0, 0], [0, 0, 0]])
TABLES = {
    name: value for name, value in globals().items() if isinstance(value, np.ndarray)
}
COEFFICIENTS = [
    cohen_kappa,
    scott_pi,
    gwet_ac,
    brennan_prediger,
    bangdiwala_b,
    maximum_kappa,
]


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize(
    ("function", "weights"),
    list(itertools.product(COEFFICIENTS, [None, "linear", "quadratic"])),
)
def test_no_nan_without_a_reason(name, function, weights):
    result = function(ContingencyTable(TABLES[name]), weights)
    interval = result.confidence_interval()
    if math.isnan(result.estimate):
        assert result.undefined_reason
    if math.isnan(interval.low) or interval.low == interval.high:
        assert interval.caution


def test_a_constant_method_makes_kappa_zero_and_says_so():
    for table, method in ((CONSTANT_REFERENCE, "reference"), (CONSTANT_TEST, "test")):
        result = cohen_kappa(ContingencyTable(table, ("good", "fair", "poor")))
        interval = result.confidence_interval()
        assert (result.estimate, result.standard_error) == (0, 0)
        assert (interval.low, interval.high) == (0, 0)
        assert f"the {method} method always drew the answer good" in interval.caution


def test_one_answer_only_is_undefined():
    for function in (cohen_kappa, scott_pi, maximum_kappa):
        result = function(ContingencyTable(ONE_ANSWER))
        assert math.isnan(result.estimate)
        assert "same one answer" in result.undefined_reason
    assert gwet_ac(ContingencyTable(ONE_ANSWER)).estimate == 1
    assert brennan_prediger(ContingencyTable(ONE_ANSWER)).estimate == 1


def test_both_methods_constant_but_different():
    table = ContingencyTable(BOTH_CONSTANT_DIFFERENT)
    assert cohen_kappa(table).estimate == 0
    assert scott_pi(table).estimate == -1
    assert gwet_ac(table).estimate == pytest.approx(-1 / 3)
    assert "no category was drawn by both" in bangdiwala_b(table).undefined_reason


def test_perfect_agreement_has_a_value_and_no_informative_interval():
    result = cohen_kappa(ContingencyTable(PERFECT))
    assert result.estimate == 1
    assert "every pair agrees" in result.confidence_interval().caution


def test_without_pairs_everything_is_undefined():
    table = ContingencyTable(EMPTY)
    assert percent_agreement(table).undefined_reason == "there are no pairs"
    assert math.isnan(percent_agreement(table).estimate)
    assert percent_agreement(table).confidence_interval().caution
    assert cohen_kappa(table).undefined_reason == "there are no pairs"


def test_alpha_of_nothing_to_compare():
    nothing = krippendorff_alpha([[1, math.nan], [math.nan, 2]])
    assert math.isnan(nothing.estimate)
    assert nothing.undefined_reason == "no case has two ratings"
    assert nothing.confidence_interval().caution


@pytest.mark.parametrize("level", [0, 1, 95, -0.5, math.nan])
def test_a_level_outside_0_to_1_is_refused(level):
    with pytest.raises(ValueError, match="must be between 0 and 1, got"):
        cohen_kappa(ContingencyTable(PERFECT)).confidence_interval(level)
