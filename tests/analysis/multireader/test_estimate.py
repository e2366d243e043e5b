"""Limits and p-values."""

import math

import numpy as np
import pytest
from scipy import stats

from analysis.multireader import Bootstrap, ClusteredEstimate, clustered_kappa, mean_of
from analysis.multireader.estimate import BootstrapEstimate


def estimate(**changes):
    given = {
        "estimate": 0.4,
        "standard_error": 0.1,
        "df": 12.5,
        "n": 140,
        "n_readers": 7,
        "n_cases": 20,
        "variance": "crossed",
    }
    return ClusteredEstimate(**(given | changes))


def test_limits_and_p_value_are_those_of_student():
    interval = estimate().confidence_interval(0.9)
    low, high = stats.t.interval(0.9, 12.5, loc=0.4, scale=0.1)

    assert (interval.low, interval.high) == pytest.approx((low, high), rel=1e-12)
    assert estimate().p_value(0.5) == pytest.approx(2 * stats.t.sf(1, 12.5))


def test_infinite_degrees_of_freedom_are_the_normal_distribution():
    interval = estimate(df=math.inf).confidence_interval()
    low, high = stats.norm.interval(0.95, 0.4, 0.1)

    assert (interval.low, interval.high) == pytest.approx((low, high), rel=1e-12)
    assert estimate(df=math.inf).p_value() == pytest.approx(2 * stats.norm.sf(4))


def test_limits_are_cut_off_where_the_coefficient_ends():
    interval = estimate(estimate=0.95, bounds=(0, 1)).confidence_interval()

    assert interval.high == 1
    assert interval.low > 0.7


def test_an_error_of_zero_is_no_precision():
    constant = estimate(standard_error=0.0)
    interval = constant.confidence_interval()

    assert "carries no information" in constant.undefined_reason
    assert math.isnan(interval.low)
    assert math.isnan(interval.high)
    assert interval.caution == constant.undefined_reason
    assert math.isnan(constant.p_value())


@pytest.mark.parametrize("level", [0, 1, 95])
def test_refuses_a_level_that_is_none(level):
    with pytest.raises(ValueError, match="between 0 and 1"):
        estimate().confidence_interval(level)


@pytest.mark.parametrize("limits", ["percentile", "bca"])
def test_a_bootstrap_p_value_is_where_the_interval_reaches_the_null(study, limits):
    bootstrap = Bootstrap(n_resamples=4000, seed=3, limits=limits)
    kappa = clustered_kappa(study, "pigeonhole", bootstrap=bootstrap)
    null = kappa.confidence_interval(0.8).low

    assert isinstance(kappa, BootstrapEstimate)
    assert kappa.p_value(null) == pytest.approx(0.2, abs=0.01)


def test_bca_limits_match_scipy(rng):
    values = rng.exponential(size=40)
    ours = mean_of(values, np.zeros(40, int), np.arange(40), "patient_bootstrap")
    ours = BootstrapEstimate(**{**vars(ours), "limits": "bca"}).confidence_interval()
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="BCa", rng=rng
    ).confidence_interval

    assert ours.low == pytest.approx(theirs.low, abs=0.03)
    assert ours.high == pytest.approx(theirs.high, abs=0.05)


def test_an_undefined_bootstrap_has_no_limits():
    undefined = BootstrapEstimate(**vars(estimate(undefined_reason="because")))

    assert math.isnan(undefined.confidence_interval().low)
    assert math.isnan(undefined.p_value())
