"""Pairs of answers, from labels and from columns."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.multireader import Pairs, clustered_ac1, clustered_kappa
from analysis.multireader.pairs import as_pairs, distinct


def test_from_labels_keeps_the_scale_and_the_order_of_appearance():
    pairs = Pairs.from_labels("BAB", [7, 7, 3], "xyx", "yyx", "xyz")

    assert pairs.readers == ("B", "A")
    assert pairs.cases == ("7", "3")
    assert pairs.reader.tolist() == [0, 1, 0]
    assert pairs.case.tolist() == [0, 0, 1]
    assert pairs.table.categories == ("x", "y", "z")
    assert pairs.table.counts.tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]


def test_a_subset_forgets_readers_and_cases_without_pairs():
    pairs = Pairs.from_labels("ABA", "xyz", [1, 2, 1], [2, 2, 2], (1, 2, 3))
    kept = pairs.subset(pairs.reader == 0)

    assert (kept.n, kept.readers, kept.cases, kept.k) == (2, ("A",), ("x", "z"), 3)
    assert kept.case.tolist() == [0, 1]


def test_none_at_all_is_allowed():
    assert Pairs.from_labels([], [], [], [], (0, 1)).n == 0


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (("AB", "x", [1, 1], [1, 1]), "must be of one length, got 2, 1, 2, 2"),
        (("A", "x", [3], [1]), r"must be on the scale \(1, 2\), got 3"),
        (("A", "x", [None], [1]), "must be on the scale .*, got None"),
        (("AA", "xx", [1, 1], [1, 1]), "at most one pair .* reader A and case x"),
    ],
)
def test_refuses_labels(columns, message):
    with pytest.raises(ValueError, match=message):
        Pairs.from_labels(*columns, (1, 2))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"test": np.array([0])}, r"as long as reader, got \(1,\) of test"),
        ({"case": np.array([0, 2])}, "Positions of case must be 0 to 1"),
        ({"categories": ("a", "a")}, "2 or more different codes"),
        ({"k": 1}, "2 or more different codes"),
    ],
)
def test_refuses_positions(changes, message):
    given = {
        "reader": np.array([0, 0]),
        "case": np.array([0, 1]),
        "reference": np.array([0, 1]),
        "test": np.array([0, 0]),
        "readers": ("A",),
        "cases": ("x", "y"),
        "k": 2,
    }
    assert Pairs(**given).categories == (1, 2)
    with pytest.raises(ValueError, match=message):
        Pairs(**(given | changes))


def columns(pairs):
    names = {
        "reader": [pairs.readers[i] for i in pairs.reader],
        "case": [pairs.cases[i] for i in pairs.case],
    }
    return names | {"reference": pairs.reference, "test": pairs.test}


@pytest.mark.parametrize("kind", [dict, pd.DataFrame])
def test_a_mapping_and_a_frame_give_what_pairs_give(ragged, kind):
    given = clustered_kappa(kind(columns(ragged)))
    expected = clustered_kappa(ragged)

    assert given.estimate == pytest.approx(expected.estimate)
    assert given.standard_error == pytest.approx(expected.standard_error)


def test_columns_with_one_answer_are_undefined_and_no_fault():
    always = {"reader": "AB", "case": "xx", "reference": [1, 1], "test": [1, 1]}

    assert "same one answer" in clustered_kappa(always).undefined_reason


def test_pairs_pass_through(study):
    assert as_pairs(study, scale_matters=True) is study


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"reader": "A"}, "must have the columns reader, case, .*got reader"),
        (pd.DataFrame({"reader": ["A"]}), "must have the columns .*got others"),
        (
            {"reader": "A", "case": "x", "reference": [1], "test": [float("nan")]},
            "must be complete",
        ),
    ],
)
def test_refuses_columns(given, message):
    with pytest.raises(ValueError, match=message):
        clustered_kappa(given)


def test_columns_do_not_tell_the_scale(study):
    with pytest.raises(ValueError, match="depends on the scale"):
        clustered_kappa(columns(study), weights="linear")
    with pytest.raises(ValueError, match="depends on the scale"):
        clustered_ac1(columns(study))


@given(st.lists(st.integers(0, 40)), st.sampled_from([1, 1000]))
def test_distinct_positions_are_those_of_numpy(positions, spread):
    column = np.array(positions, dtype=np.int64) * spread
    found, place = distinct(column)
    expected, expected_place = np.unique(column, return_inverse=True)
    assert np.array_equal(found, expected)
    assert np.array_equal(place, expected_place)


def test_a_pair_that_comes_twice_is_found_however_large_the_study():
    columns = [np.array([0, 1, 1]), np.array([5, 900, 900]), np.zeros(3), np.ones(3)]
    names = tuple(map(str, range(2))), tuple(map(str, range(1000)))
    with pytest.raises(ValueError, match="more of reader 1 and case 900"):
        Pairs(*columns, *names, 2)
