"""One test of three methods or more, readers and cases random."""

import math

import numpy as np
import pytest
from scipy.stats import f as f_distribution
from scipy.stats import friedmanchisquare
from statsmodels.stats.contingency_tables import cochrans_q

from analysis.multireader.clusters import Clusters
from analysis.multireader.estimate import mean_of
from analysis.questions.overall import compare_methods, crossed_f
from benchmarks.overall import drawn


def readings(size, k, *, seed=1, apart=0.0):
    return drawn(size, k, np.random.default_rng(seed), apart=apart)


def test_of_two_methods_it_is_the_t_test():
    values, reader, case = readings((5, 12), 2)

    statistic, df = crossed_f(values, Clusters(reader, case))

    t = mean_of(values[:, 1] - values[:, 0], reader, case)
    assert statistic == pytest.approx((t.estimate / t.standard_error) ** 2)
    assert df == pytest.approx((1, t.df))


def test_of_a_complete_design_it_is_the_analysis_of_variance():
    """Quasi F of Clark (1973): MS_M / (MS_MR + MS_MC - MS_MRC).

    Clark HH. J Verbal Learn Verbal Behav 1973;12:335.
    """
    k, n_readers, n_cases = 3, 6, 25
    rng = np.random.default_rng(4)
    cube = (
        rng.standard_normal((n_readers, n_cases, k))
        + rng.standard_normal((n_readers, 1, k))
        + rng.standard_normal((1, n_cases, k))
    )
    reader, case = np.divmod(np.arange(n_readers * n_cases), n_cases)

    statistic, df = crossed_f(cube.reshape(-1, k), Clusters(reader, case))

    x = cube - cube.mean(axis=2, keepdims=True)
    of_method = x.mean(axis=(0, 1))
    of_reader = x.mean(axis=1) - of_method
    of_case = x.mean(axis=0) - of_method
    rest = x - of_method - of_reader[:, None] - of_case[None]
    ms_m = n_readers * n_cases * (of_method**2).sum() / (k - 1)
    ms_r = n_cases * (of_reader**2).sum() / ((k - 1) * (n_readers - 1))
    ms_c = n_readers * (of_case**2).sum() / ((k - 1) * (n_cases - 1))
    ms_rest = (rest**2).sum() / ((k - 1) * (n_readers - 1) * (n_cases - 1))
    assert statistic == pytest.approx(ms_m / (ms_r + ms_c - ms_rest))
    assert 1 <= df[0] <= k - 1


def test_customary_tests_are_those_of_others():
    values, reader, case = readings((4, 15), 3)
    names = ("a", "b", "c")
    steps = compare_methods(values, reader, case, names, "steps")
    shares = compare_methods((values > 2.0) * 1.0, reader, case, names, "share")

    assert steps.customary == pytest.approx(tuple(friedmanchisquare(*values.T)))
    q = cochrans_q((values > 2.0) * 1.0)
    assert shares.customary == pytest.approx((q.statistic, q.pvalue))
    assert steps.p_value == f_distribution.sf(steps.statistic, *steps.df)
    assert [pair for pair, _ in steps.pairs] == [("a", "b"), ("a", "c"), ("b", "c")]


def test_no_pair_is_claimed_that_all_at_once_do_not_show():
    for seed in range(6):
        values, reader, case = readings((4, 15), 4, seed=seed, apart=0.2)
        found = compare_methods(values, reader, case, tuple("abcd"), "steps")
        own = [one.p_value(0.0) for _, one in found.pairs]
        assert min(found.adjusted) >= max(found.p_value, min(own))


def test_what_cannot_be_tested_says_so():
    one = np.ones((6, 3))
    reader, case = np.divmod(np.arange(6), 3)
    alike = compare_methods(one, reader, case, tuple("abc"), "share")
    assert math.isnan(alike.p_value)
    assert all(math.isnan(p) or p == 1 for p in alike.adjusted)
    assert "needs two readers" in compare_methods(
        one, np.zeros(6, int), np.arange(6), tuple("abc"), "share"
    )


@pytest.mark.slow
def test_what_is_not_there_is_seldom_claimed():
    """Below 6.5 % of 300 studies of 6 x 40, which Cochran's Q exceeds by far."""
    rng, claims = np.random.default_rng(2), np.zeros(2)
    for _ in range(300):
        values, reader, case = drawn((6, 40), 3, rng, liking=0.3)
        values = (values > 2.0) * 1.0
        statistic, df = crossed_f(values, Clusters(reader, case))
        claims += (
            f_distribution.sf(statistic, *df) < 0.05,
            cochrans_q(values).pvalue < 0.05,
        )
    crossed, customary = claims / 300
    assert crossed <= 0.065
    assert customary > 0.2
