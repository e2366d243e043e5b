"""Studies with planted values: what was planted is found, as often as stated."""

import numpy as np
import pytest
from scipy.stats import norm

from analysis.multireader.pairs import Pairs
from analysis.questions.acceptability import (
    Acceptance,
    acceptable_difference,
    non_inferiority,
)
from analysis.questions.shifts import mean_shift, permuted_symmetry
from analysis.questions.turing import (
    equivalence_to_chance,
    pooled_detection,
    trial_effect,
)
from tests.analysis.questions.conftest import judgements

N_READERS, N_CASES, N_STUDIES = 7, 20, 400
RHO_CASE, RHO_READER = 0.3, 0.1
# Monte-Carlo error of a coverage of .95 with 400 studies: .011.


def latent(rng, n=1):
    """Standard normal values `(n, readers, cases)` that share cases and readers."""
    case = rng.normal(size=(n, 1, N_CASES)) * np.sqrt(RHO_CASE)
    reader = rng.normal(size=(n, N_READERS, 1)) * np.sqrt(RHO_READER)
    rest = rng.normal(size=(n, N_READERS, N_CASES))
    return case + reader + rest * np.sqrt(1 - RHO_CASE - RHO_READER)


def covers(estimate, truth):
    interval = estimate.confidence_interval()
    return interval.low <= truth <= interval.high


@pytest.mark.slow
@pytest.mark.parametrize("accuracy", [0.5, 0.65])
def test_turing_accuracy_is_recovered(balanced_order, accuracy):
    rng = np.random.default_rng(11)
    found = []
    for _ in range(N_STUDIES):
        correct = latent(rng, 2) < norm.ppf(accuracy)
        called = np.stack([~correct[0], correct[1]])
        study = judgements(called, balanced_order)
        result = pooled_detection(study).balanced_accuracy
        effect = trial_effect(study)
        shown = equivalence_to_chance(result, 0.15).equivalent
        found.append(
            (result.estimate, covers(result, accuracy), covers(effect, 0), shown)
        )
    estimate, covered, no_effect, equivalent = np.mean(found, axis=0)
    assert estimate == pytest.approx(accuracy, abs=0.01)
    assert 0.93 <= covered <= 0.99
    assert 0.93 <= no_effect <= 1
    # At 0.65 the truth is at the margin, where it may be shown in 5 % of studies.
    assert equivalent < 0.09 if accuracy > 0.6 else equivalent > 0.5


def acceptability_study(rng, kept_reference, kept_test):
    shared, own = latent(rng)[0], latent(rng, 2)
    both = np.sqrt(0.5) * shared + np.sqrt(0.5) * own
    accepted = both < norm.ppf([kept_reference, kept_test])[:, None, None]
    reader, case = np.indices((N_READERS, N_CASES)).reshape(2, -1)
    return Acceptance(reader, case, accepted[0].ravel(), accepted[1].ravel())


@pytest.mark.slow
def test_a_difference_in_acceptability_is_recovered():
    rng = np.random.default_rng(12)
    found = []
    for _ in range(N_STUDIES):
        difference = acceptable_difference(acceptability_study(rng, 0.9, 0.8))
        decision = non_inferiority(difference, 0.1).non_inferior
        found.append((difference.estimate, covers(difference, -0.1), decision))
    estimate, covered, wrongly = np.mean(found, axis=0)
    assert estimate == pytest.approx(-0.1, abs=0.01)
    assert 0.92 <= covered <= 0.99
    assert wrongly < 0.05  # the truth is at the margin: level 0.025
    wide = [
        non_inferiority(
            acceptable_difference(acceptability_study(rng, 0.85, 0.85)), 0.25
        ).non_inferior
        for _ in range(100)
    ]
    assert np.mean(wide) > 0.8


def shift_study(rng, shift):
    steps = np.array([-0.8, 0.0, 0.8])
    shared, own = latent(rng)[0], latent(rng, 2)
    both = np.sqrt(0.5) * (shared + own) + np.array([0, shift])[:, None, None]
    reference, test = np.searchsorted(steps, both).reshape(2, -1)
    reader, case = np.indices((N_READERS, N_CASES)).reshape(2, -1)
    names = (tuple(map(str, range(N_READERS))), tuple(map(str, range(N_CASES))))
    return Pairs(reader, case, reference, test, *names, 4)


@pytest.mark.slow
@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_a_shift_is_recovered(shift):
    rng = np.random.default_rng(13)
    limits = np.array([-0.8, 0.0, 0.8])
    truth = float((norm.cdf(shift - limits) - norm.cdf(-limits)).sum())
    found = []
    for _ in range(N_STUDIES):
        pairs = shift_study(rng, shift)
        result = mean_shift(pairs)
        test = permuted_symmetry(pairs, "mean_shift", rng=rng, n_permutations=199)
        found.append((result.estimate, covers(result, truth), test.p_value <= 0.05))
    estimate, covered, rejected = np.mean(found, axis=0)
    assert estimate == pytest.approx(truth, abs=0.03)
    assert 0.92 <= covered <= 0.99
    # Readers here differ in their own shift, which the permutation takes as theirs: it
    # tests these readers, so without a shift it rejects more often than 5 %.
    assert rejected > 0.5 if shift else rejected < 0.15
