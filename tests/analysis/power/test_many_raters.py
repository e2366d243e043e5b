"""Power and precision with many raters against R's kappaSize.

Nothing deviates beyond what its searches leave: kappaSize finds the noncentrality to
about 3e-5, and its limits go down in steps of 0.001 and stop 0.001 of chi-square late.
"""

import json
import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import chdtri

from analysis.power import PowerTest, gof_power, gof_sample_size
from analysis.power.many_raters import (
    noncentrality_per_subject,
    raters_for_lower_limit,
    raters_lower_limit,
    raters_power,
    raters_sample_size,
)

CALLS = json.loads((Path(__file__).parent / "kappasize.json").read_text())["calls"]
LATE = 0.001  # of chi-square, by which kappaSize's searches stop late


def calls(function):
    return [call for call in CALLS if call["fn"].startswith(f"kappaSize::{function}")]


def shares_of(arguments):
    given_shares = np.atleast_1d(np.asarray(arguments["props"], dtype=float))
    if len(given_shares) == 1:
        return np.array([given_shares[0], 1 - given_shares[0]])
    return given_shares


def model_of(shares):
    return "mixture" if len(shares) == 2 else "dirichlet"


@pytest.mark.parametrize("call", calls("Power"), ids=str)
def test_sample_size_matches_kappasize(call):
    a = call["args"]
    shares = shares_of(a)
    test = PowerTest(a["kappa1"], a["kappa0"], a["alpha"])
    needed = raters_sample_size(shares, test, a["power"], a["raters"], model_of(shares))
    assert needed == pytest.approx(float(call["value"]), rel=1e-4)
    power = raters_power(shares, test, needed, a["raters"], model_of(shares))
    assert power == pytest.approx(a["power"])


@pytest.mark.parametrize("call", calls("CIBinary"), ids=str)
def test_subjects_for_a_lower_limit_match_kappasize(call):
    a = call["args"]
    needed = raters_for_lower_limit(
        shares_of(a),
        a["kappa0"],
        a["kappaL"],
        a["raters"],
        model="mixture",
        alpha=a["alpha"],
    )
    assert math.ceil(needed) == int(call["value"])


@pytest.mark.parametrize("call", calls("FixedNBinary"), ids=str)
def test_lower_limit_matches_kappasize_on_its_grid(call):
    a = call["args"]
    shares, value = shares_of(a), float(call["value"])
    limit = raters_lower_limit(
        shares, a["kappa0"], a["n"], a["raters"], model="mixture", alpha=a["alpha"]
    )
    assert value - 1e-9 <= limit <= value + 0.0015

    def statistic(kappa):
        kappas = (a["kappa0"], kappa)
        step = noncentrality_per_subject(
            shares, kappas, raters=a["raters"], model="mixture"
        )
        return a["n"] * step - LATE

    critical = chdtri(1, 2 * a["alpha"])
    assert statistic(value + 0.001) < critical <= statistic(value)
    assert statistic(limit) + LATE == pytest.approx(critical)


def test_all_calls_not_tested_elsewhere_are_here():
    counts = Counter(call["fn"].removeprefix("kappaSize::") for call in CALLS)
    assert counts == {
        "PowerBinary": 80,
        "Power3Cats": 18,
        "Power4Cats": 8,
        "Power5Cats": 8,
        "CIBinary": 12,
        "FixedNBinary": 27,
    }


@given(st.lists(st.floats(0.05, 1), min_size=2, max_size=5), st.floats(0.1, 0.9))
def test_two_raters_are_the_table_of_two_methods(weights, kappa):
    shares = np.array(weights) / sum(weights)
    test = PowerTest(kappa, 0.0)
    for model in ("mixture", "dirichlet"):
        needed = raters_sample_size(shares, test, 0.8, 2, model)
        assert needed == pytest.approx(gof_sample_size(shares, test, 0.8))
        power = raters_power(shares, test, 40, 2, model)
        assert power == pytest.approx(gof_power(shares, test, 40))


def test_more_raters_need_fewer_subjects_and_allow_a_higher_limit():
    shares, test = np.array([0.3, 0.7]), PowerTest(0.6, 0.4)
    needed = [raters_sample_size(shares, test, 0.8, m, "mixture") for m in range(2, 8)]
    assert needed == sorted(needed, reverse=True)
    limits = [
        raters_lower_limit(shares, 0.6, 50, m, model="mixture") for m in range(2, 8)
    ]
    assert limits == sorted(limits)


def test_too_few_subjects_exclude_no_kappa():
    shares = np.array([0.3, 0.3, 0.4])
    assert raters_lower_limit(shares, 0.2, 2, 3, model="dirichlet") == -math.inf


def test_impossible_requests_are_refused():
    shares, test = np.array([0.5, 0.5]), PowerTest(0.5)
    with pytest.raises(ValueError, match="takes 2 raters or more, got 1"):
        raters_power(shares, test, 10, 1, "mixture")
    with pytest.raises(ValueError, match="one of mixture, dirichlet, got both"):
        raters_power(shares, test, 10, 3, "both")
