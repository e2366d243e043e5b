"""Twenty studies of each display: what bots were planted with is found on average."""

import numpy as np
import pytest

from analysis.displays import d_prime_of, fit_worths, forced_choice
from benchmarks.displays import drawn
from reader_study.formats.design import StudyDesign
from reader_study.rehearsal.bots import SimulationPlan
from reader_study.rehearsal.choosing import ChoosingBots

pytestmark = pytest.mark.slow

ARMS = ("real", "GAN", "diffusion")
STUDIES, SIZE = 20, (6, 30)


def bots_of(display, n_arms, **planted):
    plan = SimulationPlan(within_case=0.3, within_reader=0.02, **planted)
    return ChoosingBots(StudyDesign(arms=ARMS[:n_arms], display=display), plan)


def mean_and_error(values):
    found = np.array(values)
    return found.mean(axis=0), found.std(axis=0, ddof=1) / np.sqrt(len(found))


@pytest.mark.parametrize("display", ["side by side", "ranking"])
def test_a_planted_preference_is_found(display):
    bots = bots_of(display, 3, preferred=0.65)
    rng, shares, claims = np.random.default_rng(1), [], 0
    for _ in range(STUDIES):
        worths = fit_worths(drawn(bots, SIZE, rng))
        by_pair = {c.methods: c for c in worths.contrasts}
        steps = [by_pair["real", "GAN"], by_pair["GAN", "diffusion"]]
        shares.append([c.share.estimate for c in steps])
        claims += by_pair["real", "diffusion"].adjusted < 0.05

    mean, error = mean_and_error(shares)
    assert mean == pytest.approx([0.65, 0.65], abs=4 * error.max())
    assert error.max() < 0.02  # so that the bound can fail: 0.5 is 7 errors away
    assert claims >= STUDIES // 2  # of two steps, log odds 1.2


def test_a_planted_choice_is_found():
    bots = bots_of("choice", 3, correct=0.6)
    rng, found = np.random.default_rng(2), []
    for _ in range(STUDIES):
        p = drawn(bots, SIZE, rng)
        found.append(forced_choice(p.order[:, 0] == 0, p.reader, p.case, 3))

    mean, error = mean_and_error([one.correct.estimate for one in found])
    assert mean == pytest.approx(0.6, abs=4 * error)
    assert error < 0.02
    d_prime = np.median([one.d_prime for one in found])
    assert d_prime == pytest.approx(d_prime_of(0.6, 3), abs=0.15)
    assert sum(one.p_value < 0.05 for one in found) >= STUDIES // 2


@pytest.mark.parametrize("display", ["ranking", "choice"])
def test_nothing_planted_is_seldom_claimed(display):
    """At most 6.5 % of 200 studies of 6 x 40, which pairs as independent exceed."""
    planted = {"correct": 1 / 3} if display == "choice" else {"preferred": 0.5}
    plan = SimulationPlan(within_case=0.3, within_reader=0.05, **planted)
    bots = ChoosingBots(StudyDesign(arms=ARMS, display=display), plan)
    rng, claims = np.random.default_rng(3), np.zeros(2)
    for _ in range(200):
        p = drawn(bots, (6, 40), rng)
        for place, variance in enumerate(("crossed", "independent")):
            if display == "choice":
                right = p.order[:, 0] == 0
                found = forced_choice(right, p.reader, p.case, 3, variance=variance)
            else:
                found = fit_worths(p, variance)
            claims[place] += found.p_value < 0.05

    crossed, independent = claims / 200
    assert crossed <= 0.065
    assert independent > 0.12
