from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from reader_study.blinding_audit import permutation
from reader_study.blinding_audit.cues import cross_validated_auc
from reader_study.blinding_audit.permutation import (
    auc,
    auc_association,
    distance_chances,
    order_association,
    rank_association,
)

RNG = np.random.default_rng(0)


def labels(n_reference, n_test):
    return np.array([False] * n_reference + [True] * n_test)


@pytest.mark.slow
@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=5),
    st.lists(st.integers(0, 4), min_size=1, max_size=5),
)
def test_exact_p_is_the_share_of_all_labellings(reference, test):
    values = np.array(reference + test, dtype=float)
    is_test = labels(len(reference), len(test))
    found = auc_association(values, is_test, RNG)

    away = []
    for chosen in combinations(range(len(values)), len(test)):
        flags = np.zeros(len(values), dtype=bool)
        flags[list(chosen)] = True
        away.append(abs(auc(values, flags) - 0.5))
    seen = abs(auc(values, is_test) - 0.5)
    assert found.p_value == pytest.approx(np.mean(np.array(away) >= seen - 1e-9))
    assert found.how == "exact"


def test_without_ties_p_is_that_of_the_mann_whitney_test():
    values = np.random.default_rng(3).normal(size=40)
    values[20:] += 0.7
    found = auc_association(values, labels(20, 20), RNG)
    # scipy 1.17: mannwhitneyu(..., method="exact")
    expected = mannwhitneyu(values[20:], values[:20], method="exact")

    assert found.value == pytest.approx(expected.statistic / 400)
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-6)


def test_complete_separation_of_20_and_20_has_the_smallest_p():
    found = auc_association(np.arange(40.0), labels(20, 20), RNG)

    # Two of the 137,846,528,820 ways to choose 20 of 40.
    assert found.p_value == pytest.approx(2 / 137_846_528_820, rel=1e-6)
    assert found.value == 1.0


def test_orders_count_whichever_method_is_first():
    found = order_association([labels(6, 14), ~labels(7, 13)])

    # Two of the 38,760 and of the 77,520 ways to choose 6 and 7 of 20.
    assert found.p_value == pytest.approx(4 / (38_760 * 77_520), rel=1e-6)
    assert found.value == 1.0
    assert order_association([labels(4, 0)]).p_value == 1


def test_chances_of_many_orders_are_those_multiplied_out(monkeypatch):
    sizes = [(30, 15), (30, 14), (30, 15), (29, 15), (1, 0)]
    expected = distance_chances(sizes)
    monkeypatch.setattr(permutation, "_SMALL", 0)
    found = distance_chances(sizes)

    assert expected.sum() == pytest.approx(1)
    np.testing.assert_allclose(found, expected, atol=1e-14)


@given(st.integers(0, 9), st.integers(0, 9))
def test_distances_of_one_order_are_counted_one_by_one(n_test, others):
    n = n_test + others
    sums = [sum(chosen) for chosen in combinations(range(1, n + 1), n_test)]
    away = np.abs(2 * np.array(sums) - n_test * (n + 1))

    found = distance_chances([(n, n_test)])
    np.testing.assert_allclose(found, np.bincount(away) / len(sums), rtol=1e-12)


def test_one_order_has_the_p_of_its_auc():
    is_test = np.random.default_rng(4).random(20) < 0.5
    expected = auc_association(np.arange(20.0), is_test, RNG)

    assert order_association([is_test]).p_value == pytest.approx(expected.p_value)


def test_what_is_always_the_same_tells_nothing():
    found = auc_association(np.full(40, 7.0), labels(20, 20), RNG)

    assert (found.value, found.p_value) == (0.5, 1.0)


def test_above_a_hundred_values_p_is_drawn():
    rng = np.random.default_rng(0)
    values = np.random.default_rng(3).normal(size=120)
    values[60:] += 0.3
    found = auc_association(values, labels(60, 60), rng)
    expected = mannwhitneyu(values[60:], values[:60], method="exact").pvalue

    assert found.how == "49,999 permutations"
    # Standard error of 49,999 draws at p = 0.5 is 0.0022 at most.
    assert found.p_value == pytest.approx(expected, abs=0.01)


def test_a_rank_correlation_of_one_has_the_smallest_p():
    series = np.arange(20.0)
    found = rank_association([(series, series**3)], np.random.default_rng(0))
    against = rank_association([(series, -series)], np.random.default_rng(0))
    positive = rank_association(
        [(series, -series)], np.random.default_rng(0), positive_only=True
    )

    assert found.value == pytest.approx(1)
    assert found.p_value == against.p_value == pytest.approx(1 / 50_000)
    assert positive.value == pytest.approx(-1)
    assert positive.p_value == 1


def test_constant_series_do_not_correlate():
    found = rank_association([(np.ones(9), np.arange(9.0))], np.random.default_rng(0))

    assert (found.value, found.p_value) == (0, 1)


def test_the_classifier_finds_what_several_features_tell_together():
    rng = np.random.default_rng(0)
    cases = [str(i // 2) for i in range(40)]
    is_test = np.arange(40) % 2 == 1
    noise = rng.normal(size=(40, 6))
    telling = noise + 0.8 * is_test[:, None]

    assert cross_validated_auc(noise, is_test, cases, rng).p_value > 0.05
    found = cross_validated_auc(telling, is_test, cases, rng)
    assert found.value > 0.8
    assert found.p_value < 0.002


@pytest.mark.slow
def test_p_values_of_what_tells_nothing_are_uniform():
    rng = np.random.default_rng(0)
    cases = [str(i // 2) for i in range(40)]
    is_test = np.arange(40) % 2 == 1
    drawn = []
    for _ in range(30):
        features = rng.normal(size=(40, 5))
        drawn.append(
            (
                auc_association(features[:, 0], is_test, rng).p_value,
                rank_association([(features[:20, 0], features[20:, 0])], rng).p_value,
                cross_validated_auc(features, is_test, cases, rng).p_value,
            )
        )

    # 30 uniform numbers: 15 below a half, standard deviation 2.7.
    assert all(5 <= below <= 25 for below in (np.array(drawn) < 0.5).sum(axis=0))
    assert (np.array(drawn) > 1e-4).all()
