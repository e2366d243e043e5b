"""Forced choice: d' against its integral and an observer, exact tests."""

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from analysis.displays import d_prime_of, forced_choice, share_correct_of


@pytest.mark.parametrize("m", [2, 3, 4, 8])
def test_d_prime_is_that_of_an_observer_who_takes_the_largest(m):
    def found(x):
        return norm.pdf(x - 1.3) * norm.cdf(x) ** (m - 1)

    wanted, _ = quad(found, -10, 12)
    seen = np.random.default_rng(m).standard_normal((100_000, m))
    seen[:, 0] += 1.3

    assert share_correct_of(1.3, m) == pytest.approx(wanted, abs=1e-8)
    assert d_prime_of(wanted, m) == pytest.approx(1.3, abs=1e-6)
    assert (seen.argmax(axis=1) == 0).mean() == pytest.approx(wanted, abs=0.007)


def test_two_pictures_have_a_closed_form():
    for d_prime in (-1.0, 0.0, 0.3, 2.5):
        wanted = norm.cdf(d_prime / math.sqrt(2))
        assert share_correct_of(d_prime, 2) == pytest.approx(wanted, abs=1e-12)
        assert d_prime_of(wanted, 2) == pytest.approx(d_prime, abs=1e-8)
    assert share_correct_of(0, 5) == pytest.approx(0.2)
    assert (d_prime_of(1, 3), d_prime_of(0, 3)) == (math.inf, -math.inf)
    assert math.isnan(d_prime_of(math.nan, 2))


def test_readers_are_tested_exactly_and_together_with_cases_random():
    readers, cases = np.repeat([0, 1, 2], 20), np.tile(np.arange(20), 3)
    correct = np.arange(60) % 4 < [3] * 20 + [2] * 20 + [1] * 20

    found = forced_choice(correct, readers, cases, 2, names=["Ann", "Ben", "Cy"])

    assert [(r.reader, r.correct, r.n) for r in found.by_reader] == [
        ("Ann", 15, 20), ("Ben", 10, 20), ("Cy", 5, 20),
    ]  # fmt: skip
    assert found.by_reader[0].p_value == pytest.approx(0.04139, abs=1e-5)
    limits = found.by_reader[0].confidence_interval()
    assert (limits.low, limits.high) == pytest.approx((0.50895, 0.91343), abs=1e-5)
    assert (found.chance, found.correct.estimate) == (0.5, 0.5)
    assert found.d_prime == pytest.approx(0)
    assert found.p_value == pytest.approx(1)
    of_d = found.d_prime_interval()
    of_share = found.correct.confidence_interval()
    assert of_d.low == pytest.approx(d_prime_of(of_share.low, 2))
    assert of_d.low < -0.5 < 0.5 < of_d.high


def test_one_picture_is_no_choice():
    with pytest.raises(ValueError, match="2 or more, got 1"):
        forced_choice(np.ones(2), np.zeros(2), np.arange(2), 1)
