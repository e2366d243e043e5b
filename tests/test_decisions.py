"""Sentences of a report at their level: a small run of `benchmarks.decisions`."""

import math

import numpy as np
import pytest

from analysis import multireader
from benchmarks.claims import claimed
from benchmarks.decisions import DESIGNS, SPREADS, Study, measured
from benchmarks.populations import Population


def allowed(nominal, studies):
    """Share that a sentence at its level exceeds in 1 of 1,000 runs."""
    return nominal + 3.1 * math.sqrt(nominal * (1 - nominal) / studies)


def test_the_table_of_a_population_is_that_of_its_draws():
    population = Population((0.6, 0.24, 0.16), shift=0.4)
    reference, test = population.draw(np.random.default_rng(3), 300, 400)
    counts = np.zeros((3, 3))
    np.add.at(counts, (reference.ravel(), test.ravel()), 1)

    assert counts / counts.sum() == pytest.approx(population.table, abs=0.03)
    assert population.table.sum(axis=1) == pytest.approx((0.6, 0.24, 0.16), abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("experiment", "spread", "sentence", "nominal"),
    [
        ("intervals", "92/5/3", "kappa", 0.05),
        ("intervals", "95/5", "agreement", 0.05),
        ("lost", "99/1", "non_inferior", 0.025),
        ("readers_vary", "85/9/6", "readers_vary", 0.05),
    ],
)
def test_sentences_hold_where_one_answer_takes_most(
    experiment, spread, sentence, nominal
):
    cell = measured((experiment, "7x20", spread), 300)[sentence]

    assert cell.made > 0.9
    assert cell.false <= allowed(nominal, 300)


@pytest.mark.slow
def test_estimate_and_error_alone_would_not_hold():
    # What the score interval replaced: the bound above is one that can be missed.
    study = Study(np.random.default_rng(4), *DESIGNS["7x20"], SPREADS["95/5"])
    population = Population(study.shares)
    missed = []
    for _ in range(300):
        kappa = multireader.clustered_kappa(study.pairs(population))
        if kappa.undefined_reason is None:
            limits = kappa.wald_interval()
            missed.append(not limits.low <= population.kappa <= limits.high)

    assert np.mean(missed) > allowed(0.05, 300)


@pytest.mark.slow
def test_all_claims_of_a_plan_together_are_rarely_false():
    assert claimed("even", "holm", 80, 5) <= allowed(0.05, 80)
