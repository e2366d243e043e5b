"""Shifts, and tests that keep a patient's answers together, against brute force."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.multireader.pairs import Pairs
from analysis.questions.shifts import (
    group_confusion,
    mean_shift,
    permuted_symmetry,
    shift_distribution,
)
from analysis.symmetry import bowker, stuart_maxwell

STATISTICS = ("bowker", "stuart_maxwell", "mean_shift")


def crossed_pairs(rng, n_cases=6, n_readers=3, k=4, move=0.4):
    """Pairs of all readers and cases; some answers go up a step."""
    reader, case = np.divmod(np.arange(n_cases * n_readers), n_cases)
    reference = rng.integers(0, k, len(case))
    up = rng.random(len(case)) < move
    test = np.minimum(reference + up, k - 1)
    names = (tuple(map(str, range(n_readers))), tuple(map(str, range(n_cases))))
    return Pairs(reader, case, reference, test, *names, k)


def plain_statistic(pairs, name):
    if name == "bowker":
        return bowker(pairs.table).statistic
    if name == "stuart_maxwell":
        return stuart_maxwell(pairs.table).statistic
    return float((pairs.test - pairs.reference).mean()) ** 2


def swapped(pairs, cases):
    swap = np.isin(pairs.case, cases)
    return Pairs(
        pairs.reader,
        pairs.case,
        np.where(swap, pairs.test, pairs.reference),
        np.where(swap, pairs.reference, pairs.test),
        pairs.readers,
        pairs.cases,
        pairs.k,
    )


@pytest.mark.parametrize("statistic", STATISTICS)
def test_the_exact_p_value_is_that_of_all_swaps_of_whole_patients(rng, statistic):
    pairs = crossed_pairs(rng)
    seen = plain_statistic(pairs, statistic)
    swaps = [
        subset for size in range(7) for subset in itertools.combinations(range(6), size)
    ]
    all_values = [plain_statistic(swapped(pairs, swap), statistic) for swap in swaps]
    expected = np.mean(np.array(all_values) >= seen - 1e-9)
    found = permuted_symmetry(pairs, statistic, rng=rng)
    assert found.exact
    assert found.statistic == pytest.approx(seen, rel=1e-9)
    assert found.p_value == pytest.approx(expected)


@pytest.mark.parametrize("statistic", STATISTICS)
def test_drawn_swaps_come_close_to_all_swaps(rng, statistic, monkeypatch):
    pairs = crossed_pairs(rng, n_cases=10)
    exact = permuted_symmetry(pairs, statistic, rng=rng)
    monkeypatch.setattr("analysis.questions.shifts._EXACT_UP_TO", 2)
    drawn = permuted_symmetry(pairs, statistic, rng=rng, n_permutations=20_000)
    assert (exact.exact, drawn.exact) == (True, False)
    assert drawn.n_swaps == 20_000
    assert drawn.p_value == pytest.approx(exact.p_value, abs=0.015)


def test_the_seed_decides(rng):
    pairs = swapped(crossed_pairs(rng, n_cases=40), range(16))
    p_values = [
        permuted_symmetry(pairs, "mean_shift", rng=np.random.default_rng(seed)).p_value
        for seed in (1, 1, 2, 3)
    ]
    assert p_values[0] == p_values[1]
    assert len(set(p_values)) > 1


@given(st.integers(0, 10_000))
def test_exchanging_the_methods_changes_no_p_value(seed):
    rng = np.random.default_rng(seed)
    pairs = crossed_pairs(rng)
    mirrored = swapped(pairs, range(6))
    for statistic in STATISTICS:
        one = permuted_symmetry(pairs, statistic, rng=rng)
        other = permuted_symmetry(mirrored, statistic, rng=rng)
        assert one.p_value == other.p_value
        assert 0 < one.p_value <= 1
    assert mean_shift(pairs).estimate == -mean_shift(mirrored).estimate


def test_answers_of_one_patient_count_once():
    # Seven readers move one patient and no other: 7 of 7 up, yet one patient only.
    reader, case = np.divmod(np.arange(140), 20)
    reference = np.ones(140, dtype=np.int64)
    test = np.where(case == 3, 2, 1)
    names = (tuple(map(str, range(7))), tuple(map(str, range(20))))
    pairs = Pairs(reader, case, reference, test, *names, 4)
    rng = np.random.default_rng(0)
    assert bowker(pairs.table).statistic == 7
    found = permuted_symmetry(pairs, rng=rng)
    assert (found.p_value, found.n_patients, found.exact) == (1, 1, True)


def test_what_cannot_be_tested_says_why(rng):
    same = crossed_pairs(rng, move=0)
    found = permuted_symmetry(same, rng=rng)
    assert (found.statistic, found.p_value) == (0, 1)
    assert "no pair disagrees" in found.undefined_reason
    empty = permuted_symmetry(Pairs.from_labels([], [], [], [], (1, 2)), rng=rng)
    assert math.isnan(empty.p_value)
    assert "no pairs" in empty.undefined_reason


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"statistic": "mcnemar"}, "must be one of bowker, stuart_maxwell"),
        ({"n_permutations": 0}, "1 or more, got 0"),
    ],
)
def test_impossible_requests_are_refused(rng, options, message):
    with pytest.raises(ValueError, match=message):
        permuted_symmetry(crossed_pairs(rng), rng=rng, **options)


def test_shifts_are_counted_by_steps(q4):
    positions = q4.to_pairs()
    n = len(positions)
    pairs = Pairs(
        np.arange(n) % 7, np.arange(n) // 7, *positions.T, tuple("1234567"),
        tuple(map(str, range(20))), 5,
    )  # fmt: skip
    found = shift_distribution(pairs)
    assert found.steps.tolist() == [-4, -3, -2, -1, 0, 1, 2, 3, 4]
    assert (found.n_lower, found.n_same, found.n_higher) == (31, 77, 32)
    shift = mean_shift(pairs)
    expected = (found.steps * found.counts).sum() / n
    assert shift.estimate == pytest.approx(expected)


def test_groups_say_whether_treatment_would_change():
    pairs = Pairs.from_labels("AABB", "xyxy", [1, 2, 3, 4], [3, 2, 2, 3], (1, 2, 3, 4))
    found = group_confusion(pairs, {"none": [1], "treat": [2, 3], "too late": [4]})
    assert found.table.categories == ("none", "treat", "too late")
    assert found.table.counts.tolist() == [[0, 1, 0], [0, 2, 0], [0, 1, 0]]
    assert found.same.estimate == 0.5
    assert found.to_later.estimate == found.to_earlier.estimate == 0.25


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ({"all": [1, 2, 3]}, "two groups or more, got 1"),
        ({"a": [1], "b": [2]}, "otherwise for 3"),
        ({"a": [1, 2], "b": [2, 3]}, "otherwise for 2"),
        ({"a": [1, 2], "b": [3, 9]}, "otherwise for 9"),
    ],
)
def test_impossible_groups_are_refused(groups, message):
    pairs = Pairs.from_labels("A", "x", [1], [2], (1, 2, 3))
    with pytest.raises(ValueError, match=message):
        group_confusion(pairs, groups)
