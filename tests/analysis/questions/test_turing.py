"""Telling synthetic from real pictures: printed counts, laws and planted values."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm, t, ttest_1samp

from analysis.published import load_published
from analysis.questions.judgements import guessed_numbers, judgements_of
from analysis.questions.leakage import complement_leakage
from analysis.questions.turing import (
    equivalence_to_chance,
    mean_detection,
    pooled_detection,
    reader_detections,
    trial_effect,
)
from analysis.responses import Questionnaire, Reading, Responses
from reader_study.formats.closing import ClosingAnswer
from reader_study.formats.questionnaire import Question
from tests.analysis.questions.conftest import judgements

# Table S.1 of the paper: per doctor, pictures called MAGIC of 20 RAPID and 20 MAGIC.
CALLED_OF_REAL = [8, 1, 1, 0, 0, 1, 12]
CALLED_OF_SYNTHETIC = [5, 1, 4, 2, 2, 1, 7]


@pytest.fixture
def paper(balanced_order):
    cases = np.arange(20)
    called = [
        [cases < n for n in counts] for counts in (CALLED_OF_REAL, CALLED_OF_SYNTHETIC)
    ]
    return judgements(called, balanced_order)


def test_the_papers_counts_are_those_tried_here():
    counts = load_published().by_reader["Q1"].counts
    assert counts["RAPID"][:, 1].tolist() == CALLED_OF_REAL
    assert counts["MAGIC"][:, 1].tolist() == CALLED_OF_SYNTHETIC


def test_the_papers_totals(paper):
    found = pooled_detection(paper)
    assert (found.hits, found.n_synthetic) == (22, 140)
    assert (found.false_alarms, found.n_real) == (23, 140)
    assert found.sensitivity.estimate == pytest.approx(22 / 140)
    assert found.specificity.estimate == pytest.approx(117 / 140)
    assert found.balanced_accuracy.estimate == pytest.approx(139 / 280)
    z_hit, z_false_alarm = norm.ppf([22.5 / 141, 23.5 / 141])
    assert found.d_prime.estimate == pytest.approx(z_hit - z_false_alarm)
    assert found.criterion.estimate == pytest.approx(-(z_hit + z_false_alarm) / 2)


def test_errors_of_one_reader_are_those_of_a_paired_design(paper):
    doctor = reader_detections(paper)[6]
    right = paper.correct[paper.reader == 6].reshape(2, 20).mean(axis=0)
    expected = right.std(ddof=1) / math.sqrt(20)
    assert doctor.name == "R6"
    assert doctor.balanced_accuracy.standard_error == pytest.approx(expected)
    assert doctor.balanced_accuracy.df == 19


def test_d_prime_has_the_error_of_the_delta_method(paper):
    # Independent pairs: hit and false alarm of the same case as they go together.
    found = pooled_detection(paper, "independent").d_prime
    hit, false_alarm = (22.5 / 141, 23.5 / 141)
    slope = [140 / 141 / norm.pdf(norm.ppf(rate)) for rate in (hit, false_alarm)]
    called = paper.called_synthetic.reshape(2, -1).astype(float)
    real, synthetic = called - called.mean(axis=1, keepdims=True)
    influence = slope[0] * synthetic - slope[1] * real
    expected = math.sqrt((influence**2).sum()) / 140
    assert found.standard_error == pytest.approx(expected, rel=1e-9)


def test_the_mean_of_readers_weighs_each_the_same(paper):
    own = reader_detections(paper)
    found = mean_detection(paper)
    for figure in ("sensitivity", "balanced_accuracy", "d_prime", "criterion"):
        values = [getattr(reader, figure).estimate for reader in own]
        assert getattr(found, figure).estimate == pytest.approx(np.mean(values))
    # With complete data the mean accuracy is the pooled one, with the same error.
    pooled = pooled_detection(paper).balanced_accuracy
    assert found.balanced_accuracy.standard_error == pytest.approx(
        pooled.standard_error
    )


def test_exchanging_real_and_synthetic_turns_d_prime_round(paper):
    mirrored = replace(paper, synthetic=~paper.synthetic)
    one, other = pooled_detection(paper), pooled_detection(mirrored)
    assert other.d_prime.estimate == pytest.approx(-one.d_prime.estimate)
    assert other.criterion.estimate == pytest.approx(one.criterion.estimate)
    assert other.balanced_accuracy.estimate == pytest.approx(
        1 - one.balanced_accuracy.estimate
    )


def test_one_method_only_tells_no_accuracy(paper):
    real = paper.subset(~paper.synthetic)
    found = pooled_detection(real)
    assert found.specificity.undefined_reason is None
    for figure in (found.sensitivity, found.balanced_accuracy, found.d_prime):
        assert math.isnan(figure.estimate)
        assert "pictures of both methods" in figure.undefined_reason


def _error_at(judged, accuracy, truth):
    """Standard error if the truth were another, rates by brute force."""
    hits = judged.called_synthetic[judged.synthetic]
    false_alarms = judged.called_synthetic[~judged.synthetic]
    rates = np.linspace(0, 1, 200_001)[1:-1]
    hit_rates = rates + 2 * truth - 1
    rates, hit_rates = (
        r[(hit_rates > 0) & (hit_rates < 1)] for r in (rates, hit_rates)
    )
    likelihood = sum(
        of.sum() * np.log(r) + (~of).sum() * np.log(1 - r)
        for of, r in ((hits, hit_rates), (false_alarms, rates))
    )
    best = int(likelihood.argmax())
    alone = sum(
        r[best] * (1 - r[best]) / len(of) / 4
        for of, r in ((hits, hit_rates), (false_alarms, rates))
    )
    return math.sqrt(alone * accuracy.design_effect)


def test_equivalence_is_two_one_sided_tests(paper):
    accuracy = pooled_detection(paper).balanced_accuracy
    found = equivalence_to_chance(accuracy, 0.1)
    assert found.equivalent
    tests = [
        t.sf(
            (accuracy.estimate - bound) * sign / _error_at(paper, accuracy, bound),
            min(accuracy.df, 7 - 1),  # seven readers: what they tell of their spread
        )
        for bound, sign in ((0.4, 1), (0.6, -1))
    ]
    assert accuracy.df > 7 - 1
    assert found.p_value == pytest.approx(max(tests), rel=1e-4)
    assert 0.4 < found.interval.low < found.interval.high < 0.6
    assert "Equivalent to chance: the 90% interval" in found.words


def test_what_is_not_shown_is_said(paper, balanced_order):
    accuracy = pooled_detection(paper).balanced_accuracy
    found = equivalence_to_chance(accuracy, 0.01)
    assert found.equivalent is False
    assert "not shown" in found.words
    right = np.stack([np.zeros((7, 20)), np.ones((7, 20))])
    perfect = pooled_detection(judgements(right, balanced_order)).balanced_accuracy
    assert equivalence_to_chance(perfect, 0.1).equivalent is False
    assert perfect.confidence_interval().low > 0.6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"margin": None}, "stated before the data are seen, got none"),
        ({"margin": 0.7}, r"at most 0\.5, got 0\.7"),
        ({"margin": 0.1, "alpha": 0.5}, "between 0 and 0.5, got 0.5"),
    ],
)
def test_no_margin_no_equivalence(paper, options, message):
    with pytest.raises(ValueError, match=message):
        equivalence_to_chance(pooled_detection(paper).balanced_accuracy, **options)


def test_the_trial_effect_is_the_change_in_balanced_accuracy(rng, balanced_order):
    found = judgements(rng.random((2, 7, 20)) < 0.4, balanced_order)
    of_trial = [
        pooled_detection(found.subset(found.trial == trial)).balanced_accuracy.estimate
        for trial in (1, 2)
    ]
    effect = trial_effect(found)
    assert effect.estimate == pytest.approx(of_trial[1] - of_trial[0])
    assert effect.n == 140
    assert 0.01 < effect.standard_error < 0.15


def test_calling_everything_real_is_no_trial_effect(balanced_order):
    # Trial 1 shows reader 0 more real pictures: plain accuracy would change, this not.
    balanced_order[:, :15] = 0
    effect = trial_effect(judgements(np.zeros((2, 7, 20)), balanced_order))
    assert effect.estimate == pytest.approx(0)


def test_a_trial_effect_needs_both_methods_in_both_trials(paper):
    one_order = judgements(np.zeros((2, 7, 20)), np.ones((7, 20)))
    reason = trial_effect(one_order).undefined_reason
    assert "each trial must hold pictures of both methods" in reason
    unknown = judgements(np.zeros((2, 7, 20)), np.ones((7, 20)), trial=False)
    with pytest.raises(ValueError, match="needs the trial of each reading"):
        trial_effect(unknown)


def leaking(rng, order, share):
    """Answers by chance; a share of trial 2 is the opposite of trial 1."""
    called = rng.random((2, 7, 20)) < 0.5
    first = np.where(order == 1, called[1], called[0])
    leaks = rng.random((7, 20)) < share
    second = np.where(leaks, ~first, np.where(order == 1, called[0], called[1]))
    real, synthetic = (
        np.where(order == 1, second, first),
        np.where(order == 1, first, second),
    )
    return judgements([real, synthetic], order)


@pytest.mark.parametrize("permute", ["cases", "within_readers"])
def test_leakage_is_found(rng, balanced_order, permute):
    found = complement_leakage(
        leaking(rng, balanced_order, 0.6), rng=rng, permute=permute
    )
    assert found.n == 140
    assert found.excess > 0.15
    assert found.p_value < 0.01
    assert found.p_more_switching < 0.01
    assert found.switched == pytest.approx(found.expected + found.excess)


def test_expected_switching_is_that_of_the_readers_margins(rng, balanced_order):
    found = leaking(rng, balanced_order, 0.3)
    expected = 0.0
    for reader in range(7):
        for order in (0, 1):
            cases = np.flatnonzero(balanced_order[reader] == order)
            mine = (found.reader == reader) & np.isin(found.case, cases)
            p, q = (
                found.called_synthetic[mine & (found.trial == trial)].mean()
                for trial in (1, 2)
            )
            expected += len(cases) * (p * (1 - q) + q * (1 - p)) / 140
    assert complement_leakage(found, rng=rng).expected == pytest.approx(expected)


@pytest.mark.slow
def test_without_leakage_the_p_value_is_uniform(balanced_order):
    rng = np.random.default_rng(3)
    shared_order = np.tile(balanced_order[0], (7, 1))
    # Pictures look more or less real to all readers alike; trials are unrelated.
    p_values = {"cases": [], "within_readers": []}
    for _ in range(400):
        look = 2 * rng.normal(size=(2, 1, 20))
        called = look + rng.normal(size=(2, 7, 20)) > 0.3
        found = judgements(called, shared_order)
        for permute, values in p_values.items():
            test = complement_leakage(
                found, rng=rng, permute=permute, n_permutations=199
            )
            values.append(test.p_value)
    rejected = {name: np.mean(np.array(v) <= 0.05) for name, v in p_values.items()}
    assert rejected["cases"] == pytest.approx(0.05, abs=0.03)
    assert rejected["within_readers"] > 0.15  # why whole cases are exchanged


def test_leakage_that_cannot_be_told_says_why(rng, balanced_order):
    real = judgements(np.zeros((2, 7, 20)), balanced_order)
    assert "one answer only" in complement_leakage(real, rng=rng).undefined_reason
    one_trial = real.subset(real.trial == 1)
    assert "no case was judged" in (
        complement_leakage(one_trial, rng=rng).undefined_reason
    )
    own_orders = np.array([[0, 1, 0, 1], [0, 0, 1, 1]])
    apart = judgements(rng.random((2, 2, 4)) < 0.5, own_orders)
    called = np.array([[1, 1, 0, 0], [1, 0, 1, 0]] * 2, dtype=bool).ravel()
    apart = replace(apart, called_synthetic=called)
    found = complement_leakage(apart, rng=rng)
    assert "whole cases cannot be exchanged" in found.undefined_reason
    within = complement_leakage(apart, rng=rng, permute="within_readers")
    assert within.undefined_reason is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"permute": "readers"}, "cases or within_readers, got 'readers'"),
        ({"n_permutations": 0}, "1 or more, got 0"),
    ],
)
def test_impossible_permutations_are_refused(paper, rng, options, message):
    with pytest.raises(ValueError, match=message):
        complement_leakage(paper, rng=rng, **options)


def test_leakage_needs_trials(rng):
    unknown = judgements(np.zeros((2, 2, 4)), np.ones((2, 4)), trial=False)
    with pytest.raises(ValueError, match="needs the trial of each reading"):
        complement_leakage(unknown, rng=rng)


def test_a_missing_reading_keeps_its_case_with_others_like_it(rng, balanced_order):
    found = leaking(rng, balanced_order, 0.6)
    kept = ~((found.reader == 0) & (found.case == 4))
    test = complement_leakage(found.subset(kept), rng=rng)
    assert test.n == 139
    assert test.p_value < 0.01


def test_guesses_against_the_truth(paper):
    closing = [
        ClosingAnswer("R0", guessed=(12, 8), n_test=(10, 10)),
        ClosingAnswer("R1", guessed=(13, None), n_test=(10, 10)),
        ClosingAnswer("someone", guessed=(15, 15), n_test=(10, 10)),
        ClosingAnswer("silent"),
    ]
    found = guessed_numbers(closing, paper)
    assert [guess.excess for guess in found.guesses] == [2, -2, 3, 5, 5]
    assert found.guesses[0].n_called + found.guesses[1].n_called == 13
    assert found.guesses[3].n_called is None
    test = ttest_1samp([0, 3, 5], 0)
    limits = test.confidence_interval(0.9)
    interval = found.confidence_interval(0.9)
    assert found.mean_excess == pytest.approx(8 / 3)
    assert (interval.low, interval.high) == pytest.approx((limits.low, limits.high))


def test_too_few_guesses_have_no_interval():
    assert "no reader guessed" in guessed_numbers([]).confidence_interval().caution
    one = guessed_numbers([ClosingAnswer("A", guessed=(3, 4), n_test=(5, 5))])
    assert one.mean_excess == -1.5
    assert "only one reader" in one.confidence_interval().caution
    assert one.guesses[0].n_called is None


def responses(codes=(1, 0, 9)):
    asked = Question.of("Q1", "Real?", codes, tuple(map(str, codes)))
    readings = [
        Reading(2, "A", "x", "RAPID", {"Q1": 1}, trial=1),
        Reading(3, "A", "x", "MAGIC", {"Q1": 0}, trial=2),
        Reading(4, "B", "y", "MAGIC", {"Q1": 1}),
        Reading(5, "B", "x", "MAGIC", {"Q1": 9}),
        Reading(6, "B", "z", "MAGIC", {}),
    ]
    return Responses(readings, Questionnaire("", "", (asked,)), "RAPID", "MAGIC")


def test_zero_calls_a_picture_synthetic():
    found = judgements_of(responses())
    assert (found.n, found.n_missing) == (3, 2)
    assert found.readers == ("A", "B")
    assert found.synthetic.tolist() == [False, True, True]
    assert found.called_synthetic.tolist() == [False, True, False]
    assert found.correct.tolist() == [True, True, False]
    assert found.trial.tolist() == [1, 2, 0]
    turned = judgements_of(responses(), real_code=0, synthetic_code=1)
    assert turned.called_synthetic.tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"question": "Q7"}, "must be one of Q1, got Q7"),
        ({"synthetic_code": 2}, r"two of \(1, 0, 9\), got 1 and 2"),
        ({"synthetic_code": 1}, "got 1 and 1"),
    ],
)
def test_codes_must_be_on_the_scale(options, message):
    with pytest.raises(ValueError, match=message):
        judgements_of(responses(), **options)


def test_columns_must_fit(paper):
    with pytest.raises(ValueError, match=r"as long as reader \(280\), got 279 of case"):
        replace(paper, case=paper.case[1:])
