"""Limits of an accuracy that hold with few cases: against formulas written out here."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from analysis import multireader_accuracy
from analysis.accuracy.guarded import Difference
from analysis.accuracy.inference import Error
from benchmarks.accuracy_studies import STRUCTURES, Population

SEED, READERS, DISEASED, OTHERS = 12, 4, 9, 8
CASES = DISEASED + OTHERS


def _frame(ratings):
    modality, reader, case = (axis.ravel() for axis in np.indices(ratings.shape))
    return {
        "reader": reader.tolist(),
        "case": case.tolist(),
        "modality": np.array(["new", "old"])[modality].tolist(),
        "truth": (case < DISEASED).astype(int).tolist(),
        "rating": ratings.ravel().tolist(),
    }


POPULATION = Population(STRUCTURES["unlike"], (0.85, 0.75), steps=True)
FRAME = _frame(POPULATION.draw(np.random.default_rng(SEED), READERS, DISEASED, OTHERS))


def _both():
    """Return the smaller df of both methods for a modality and the difference."""
    plain = [multireader_accuracy(FRAME, method=m) for m in METHODS]
    answers = ([study.modality("new") for study in plain],
               [study.difference("new", "old") for study in plain])  # fmt: skip
    # Of U-statistics t has the df rounded down, and is normal above 50.
    return [
        min(one.df, math.inf if other.df > 50 else math.floor(other.df))
        for one, other in answers
    ]


METHODS = ("obuchowski_rockette", "u_statistics")


@pytest.mark.parametrize("method", METHODS)
def test_a_modality_has_limits_on_the_logit_scale(method):
    study = multireader_accuracy(FRAME, method=method)
    plain, found = study.modality("new"), study.for_decisions().modality("new")
    df = _both()[0]
    odds = plain.estimate / (1 - plain.estimate)
    error = plain.standard_error / (plain.estimate * (1 - plain.estimate))
    half = stats.t.ppf(0.975, df) * error

    assert (found.estimate, found.standard_error) == (
        plain.estimate,
        plain.standard_error,
    )
    assert found.df == pytest.approx(df)
    limits = [odds * math.exp(way) for way in (-half, half)]
    assert [found.low, found.high] == pytest.approx([o / (1 + o) for o in limits])
    against_chance = 2 * stats.t.sf(math.log(odds) / error, df)
    assert found.p_value == pytest.approx(against_chance)


def test_a_difference_has_the_wider_of_two_limits():
    plain = multireader_accuracy(FRAME)
    study = plain.for_decisions()
    found, df = study.difference("new", "old"), _both()[1]
    z, error = stats.t.ppf(0.975, df), found.standard_error
    means, ends, deviations = [], [], []
    for name in ("new", "old"):
        one = plain.modality(name)
        width = z * one.standard_error / (one.estimate * (1 - one.estimate))
        odds = one.estimate / (1 - one.estimate) * np.exp([-width, width])
        means.append(one.estimate)
        ends.append(np.abs(odds / (1 + odds) - one.estimate))
        deviations.append(one.standard_error)
    (a, b), (s, t) = ends, deviations
    r = (s**2 + t**2 - error**2) / (2 * s * t)
    below = math.sqrt(a[0] ** 2 - 2 * r * a[0] * b[1] + b[1] ** 2)
    above = math.sqrt(a[1] ** 2 - 2 * r * a[1] * b[0] + b[0] ** 2)

    assert found.low == pytest.approx(found.estimate - max(below, z * error))
    assert found.high == pytest.approx(found.estimate + max(above, z * error))
    assert below < z * error < above  # so that either is the wider on one side
    turned = study.difference("old", "new")
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low))


CASES_OF_TWO = [
    Difference(means, (Error(v), Error(w)), Error(v + w - 2 * r * math.sqrt(v * w), df))
    for means, (v, w), r, df in itertools.product(
        [(0.95, 0.88), (0.6, 0.9), (0.99, 0.9), (0.8, 0.8)],
        [(2e-3, 2e-3), (2e-4, 4e-3), (3e-2, 1e-3)],
        [-0.3, 0.4, 0.9],
        [4, 30.5, math.inf],
    )
]


def test_p_values_say_what_limits_say():
    decided = {True: 0, False: 0}
    for two in CASES_OF_TWO:
        found = two.infer()
        apart = not found.low <= 0 <= found.high
        decided[apart] += 1
        assert (found.p_value < 0.05) == apart
        for margin in (0.02, 0.15, 0.4):
            shown = two.non_inferior(("new", "old"), margin)
            assert shown.low == found.low
            assert shown.shown == (shown.p_value < 0.025) == (found.low > -margin)
    assert min(decided.values()) > 5


def test_a_perfect_modality_has_no_limits_and_leaves_the_difference():
    ratings = np.array(FRAME["rating"]).reshape(2, READERS, CASES)
    ratings[0] = np.where(np.arange(CASES) < DISEASED, 5, 1)
    study = multireader_accuracy(_frame(ratings)).for_decisions()

    perfect = study.modality("new")
    assert (perfect.estimate, perfect.low, perfect.high) == (1, None, None)
    assert perfect.undefined_reason
    found = study.difference("new", "old")
    margin = stats.t.ppf(0.975, found.df) * found.standard_error
    assert found.estimate - found.low == pytest.approx(margin)
    rows = study.per_reader
    reasons = rows[rows["modality"] == "new"]
    assert reasons["low"].isna().all()
    assert reasons["undefined_reason"].all()


def test_what_is_not_defined_stays_so():
    same = np.array(FRAME["rating"]).reshape(2, READERS, CASES)
    same[0] = same[1]
    study = multireader_accuracy(_frame(same)).for_decisions()

    assert study.difference("new", "old").p_value is None
    assert study.difference("new", "old").undefined_reason
    assert study.non_inferiority("new", "old", 0.1).shown is None
    alike = study.reader_difference(0, "new", "old")
    assert alike.undefined_reason
    assert (alike.low, alike.high, alike.p_value) == (None, None, None)


def test_fixed_readers_keep_the_normal_quantile():
    study = multireader_accuracy(FRAME, random="cases").for_decisions()
    assert study.difference("new", "old").df == math.inf
    found = multireader_accuracy(FRAME, "sensitivity", threshold=3).for_decisions()
    assert found.modality("new").p_value is None  # nothing to test it against


@pytest.mark.parametrize("reader", range(READERS))
def test_a_reader_alone_is_judged_as_a_study_of_that_reader(reader):
    # With fixed readers and the same covariances: no degrees of freedom to choose.
    rows = np.flatnonzero(np.array(FRAME["reader"]) == reader)
    own = {name: [column[row] for row in rows] for name, column in FRAME.items()}
    alone = multireader_accuracy(own, random="cases").for_decisions()
    study = multireader_accuracy(FRAME)
    found = study.for_decisions().reader_difference(reader, "new", "old")
    expected = alone.difference("new", "old")
    limits = [(one.low, one.high, one.p_value) for one in (found, expected)]
    assert limits[0] == pytest.approx(limits[1])
    plain = study.reader_difference(reader, "new", "old")
    assert found.estimate == plain.estimate
    assert found.low <= plain.low
    assert found.high >= plain.high
    wider = found.high - found.low - (plain.high - plain.low)
    assert wider > 1e-3 or max(alone.per_reader["estimate"]) == 1
