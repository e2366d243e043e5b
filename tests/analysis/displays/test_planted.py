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


def test_nothing_planted_is_seldom_claimed():
    rng = np.random.default_rng(3)
    side, choice = (
        bots_of("side by side", 3, preferred=0.5),
        bots_of("choice", 3, correct=1 / 3),
    )
    claims = 0
    for _ in range(STUDIES):
        claims += fit_worths(drawn(side, SIZE, rng)).p_value < 0.05
        p = drawn(choice, SIZE, rng)
        claims += forced_choice(p.order[:, 0] == 0, p.reader, p.case, 3).p_value < 0.05
    assert claims <= 6  # of 40; more than 6 happens in 1 of 700 sets at 5 %
