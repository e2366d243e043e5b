import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, binomtest, norm

from analysis.intervals import normal_quantile, proportion_interval

METHODS = ("wilson", "wald", "agresti_coull", "clopper_pearson", "jeffreys")
proportions = st.integers(1, 400).flatmap(
    lambda n: st.tuples(st.integers(0, n), st.just(n))
)


@pytest.mark.parametrize("method", METHODS)
@given(proportions, st.sampled_from([0.5, 0.9, 0.95, 0.999]))
def test_intervals_match_scipy_and_the_formulas_of_brown_cai_and_dasgupta(
    method, successes_of, level
):
    x, n = successes_of
    interval = proportion_interval(x, n, level, method)
    low, high = expected(x, n, level, method)
    assert interval.low == pytest.approx(low, rel=1e-8, abs=1e-10)
    assert interval.high == pytest.approx(high, rel=1e-8, abs=1e-10)


def expected(x, n, level, method):
    if method in {"wilson", "clopper_pearson"}:
        name = "wilson" if method == "wilson" else "exact"
        return binomtest(x, n).proportion_ci(level, name)
    if method == "jeffreys":
        tails = (1 - level) / 2, (1 + level) / 2
        low, high = beta.ppf(tails, x + 0.5, n - x + 0.5)
        return (0 if x == 0 else low), (1 if x == n else high)
    z = norm.ppf((1 + level) / 2)
    n, x = (n, x) if method == "wald" else (n + z**2, x + z**2 / 2)
    margin = z * math.sqrt(x / n * (1 - x / n) / n)
    return max(0, x / n - margin), min(1, x / n + margin)


@pytest.mark.parametrize("method", METHODS)
def test_no_or_only_successes_have_0_or_1_as_limit(method):
    # Of Jeffreys statsmodels itself gives the quantiles 0.00001 and more.
    assert proportion_interval(0, 20, method=method).low == 0
    assert proportion_interval(20, 20, method=method).high == 1


@pytest.mark.parametrize("method", METHODS)
@given(proportions)
def test_intervals_are_symmetric_and_hold_the_estimate(method, successes_of):
    x, n = successes_of
    one = proportion_interval(x, n, 0.95, method)
    other = proportion_interval(n - x, n, 0.95, method)
    assert 0 <= one.low <= x / n <= one.high <= 1
    assert one.low == pytest.approx(1 - other.high, abs=1e-12)


# Newcombe RG. Stat Med 1998;17:857, Table I: 81/263, 15/148, 0/20, 1/29.
@pytest.mark.parametrize(
    ("x", "n", "method", "low", "high"),
    [
        (81, 263, "wilson", 0.2553, 0.3662),
        (15, 148, "wilson", 0.0624, 0.1605),
        (0, 20, "wilson", 0.0000, 0.1611),
        (1, 29, "wilson", 0.0061, 0.1718),
        (81, 263, "clopper_pearson", 0.2527, 0.3676),
        (0, 20, "clopper_pearson", 0.0000, 0.1684),
        (15, 148, "wald", 0.0527, 0.1500),
    ],
)
def test_newcombes_examples(x, n, method, low, high):
    interval = proportion_interval(x, n, method=method)
    assert interval.low == pytest.approx(low, abs=5e-5)
    assert interval.high == pytest.approx(high, abs=5e-5)


def test_no_trials_give_a_reason():
    interval = proportion_interval(0, 0)
    assert math.isnan(interval.low)
    assert interval.caution == "there are no pairs"


def test_impossible_input_is_refused():
    with pytest.raises(ValueError, match="between 0 and n = 5, got 6"):
        proportion_interval(6, 5)
    with pytest.raises(ValueError, match="one of wilson, wald"):
        proportion_interval(1, 5, method="exact")
    with pytest.raises(ValueError, match="must be between 0 and 1, got 95"):
        normal_quantile(95)
