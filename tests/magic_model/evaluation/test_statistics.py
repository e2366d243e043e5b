import math
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from magic_model.data.cohort import Patient
from magic_model.data.split import Split
from magic_model.evaluation.metric import Metric
from magic_model.evaluation.predictors import BASELINES, BLACK, MEASURED
from magic_model.evaluation.scores import Key, ScoreTable
from magic_model.evaluation.statistics import (
    bootstrap_intervals,
    compare,
    holm,
    patient_groups,
    severity_of,
    signed_rank_p,
    volume_agreement,
)
from magic_model.maps import PerfusionMap
from magic_model.severity import Severity

NAN = math.nan


def patient(number, severity=Severity.NONE, ratio=0.0):
    return Patient(f"p{number}", Split.TEST, severity, 0.0, 0.0, ratio)


def table(columns, metric=Metric.MAE, name=PerfusionMap.CBF):
    values = np.column_stack([np.asarray(v, float) for v in columns.values()])
    keys = [Key(method, name, metric) for method in columns]
    return ScoreTable([patient(i) for i in range(len(values))], keys, values, [])


def test_intervals_agree_with_scipy():
    values = np.random.default_rng(2).gamma(2, 3, (40, 2))
    limits = bootstrap_intervals(values, np.random.default_rng(0), resamples=20_000)
    for column, (low, high) in zip(values.T, limits.T, strict=True):
        expected = stats.bootstrap(
            (column,),
            np.mean,
            n_resamples=20_000,
            method="percentile",
            rng=np.random.default_rng(1),
        ).confidence_interval
        assert (low, high) == pytest.approx(tuple(expected), abs=0.06)


def test_undefined_values_are_left_out_and_few_have_no_interval():
    values = np.array([[1, NAN, 1], [2, NAN, 2], [3, 3, 3], [4, 4, NAN]])
    limits = bootstrap_intervals(values, np.random.default_rng(0))
    assert np.isnan(limits[:, 1]).all()
    assert 1 <= limits[0, 2] <= 2 <= limits[1, 2] <= 3
    assert np.isnan(bootstrap_intervals(values[:2], np.random.default_rng(0))).all()
    with pytest.raises(ValueError, match="between 0 and 1, got 95"):
        bootstrap_intervals(values, np.random.default_rng(0), confidence_level=95)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=12), st.integers(0, 99))
def test_an_interval_lies_within_the_values(values, seed):
    column = np.array(values)[:, None]
    low, high = bootstrap_intervals(column, np.random.default_rng(seed), resamples=50)
    assert min(values) - 1e-6 <= low[0] <= high[0] <= max(values) + 1e-6


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_agrees_with_statsmodels(values):
    with patch("gc.collect"):  # which it calls each time, in a large process
        expected = multipletests(values, method="holm")[1]
    assert holm(np.array(values)) == pytest.approx(expected)


def test_holm_leaves_missing_tests_out():
    found = holm(np.array([0.01, NAN, 0.04]))
    assert found[[0, 2]] == pytest.approx([0.02, 0.04])
    assert math.isnan(found[1])


# Hollander and Wolfe, depression scale factor: the exact two-sided p of nine patients
# is 0.03906 in R, wilcox.test(x, y, paired = TRUE).
def test_signed_rank_of_hollander_and_wolfe():
    x = np.array([1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30])
    y = np.array([0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29])
    assert signed_rank_p(x - y) == pytest.approx(0.03906, abs=5e-6)
    assert math.isnan(signed_rank_p(np.zeros(5)))
    assert math.isnan(signed_rank_p(np.array([1.0, 2.0])))
    assert 0 < signed_rank_p(np.array([0.0, 0.0, 1.0])) <= 1
    assert 0 < signed_rank_p(np.array([1.0, 1.0, 1.0, -1.0])) <= 1


def test_methods_are_compared_with_each_other_and_with_trivial_predictors():
    rng = np.random.default_rng(3)
    base = rng.uniform(5, 6, 8)
    scores = table({"a": base, "b": base + 1, **dict.fromkeys(BASELINES, base + 4)})
    found = compare(scores, ["a", "b"], np.random.default_rng(0))
    pairs = [(c.first, c.second) for c in found]
    assert pairs == [
        ("a", "b"),
        *(("a", n) for n in BASELINES),
        *(("b", n) for n in BASELINES),
    ]
    first = found[0]
    assert first.difference == pytest.approx(-1)
    assert first.interval.low == pytest.approx(first.interval.high)
    assert first.p_value == pytest.approx(2 / 2**8)
    assert first.p_holm == pytest.approx(7 * 2 / 2**8)
    assert first.reason is None


def test_equal_methods_have_no_test():
    column = [1.0, 2.0, 3.0]
    scores = table({"a": column, **dict.fromkeys(BASELINES, column)})
    found = compare(scores, ["a"], np.random.default_rng(0))
    assert found[0].reason == "No test: the methods do not differ in any patient"
    assert found[0].difference == 0
    assert math.isnan(found[0].p_holm)


def test_volumes_say_why_agreement_is_missing():
    def found(measured, generated):
        columns = {MEASURED: measured, BLACK: generated}
        return volume_agreement(table(columns, Metric.CORE_ML, None), [])[0]

    assert found([1, 2], [1, 2]).reason == "ICC needs 3 patients or more, got 2"
    same = found([0, 0, 0], [0, 0, 0])
    assert same.reason == "ICC is undefined: every volume is the same"
    exact = found([1, 2, 3], [1, 2, 3])
    assert exact.icc == 1
    assert exact.reason == "ICC has no interval: no variance to estimate it from"
    assert found([1, 2, 3], [2, 1, 3]).reason is None
    some = found([1, 2, 3, 4, NAN], [2, 1, 3, NAN, 5])  # those known in both
    assert (some.differences.n, some.icc) == (3, found([1, 2, 3], [2, 1, 3]).icc)
    none = found([NAN, 1, 2], [3, NAN, NAN])
    assert (none.differences.n, math.isnan(none.differences.bias)) == (0, True)
    assert none.reason == "ICC needs 3 patients or more, got 0"


def test_unknown_severity_is_in_no_class():
    patients = [
        patient(1, None, NAN),
        patient(2, None, 0.7),
        patient(3, Severity.NONE),
    ]
    assert severity_of(patients[1]) is Severity.SEVERE
    groups = patient_groups(patients)
    assert groups["all"].tolist() == [True, True, True]
    assert groups["ratio > 0"].tolist() == [False, True, False]
    assert groups["ratio = 0"].tolist() == [False, False, True]
