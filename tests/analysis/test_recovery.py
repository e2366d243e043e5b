import itertools
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from analysis import recovery
from analysis.recovery import (
    KnownMargins,
    TooMuchWorkError,
    count_tables,
    feasible_tables,
    tables_by_reader,
)
from analysis.tables import ContingencyTable

Q2C = ([113, 4, 23], [101, 9, 30], 106)
Q2D = ([129, 8, 3], [124, 15, 1], 116)

# Found by brute force with two independent programs.
SIX_OF_Q2C = [
    [[92, 5, 16], [4, 0, 0], [5, 4, 14]],
    [[92, 6, 15], [3, 0, 1], [6, 3, 14]],
    [[92, 7, 14], [2, 0, 2], [7, 2, 14]],
    [[92, 8, 13], [1, 0, 3], [8, 1, 14]],
    [[92, 9, 12], [0, 0, 4], [9, 0, 14]],
    [[93, 3, 17], [0, 2, 2], [8, 4, 11]],
]


def counts(tables):
    return [table.counts.tolist() for table in tables]


def test_q2a_and_q2b_are_determined_by_their_totals():
    assert counts(feasible_tables([138, 2, 0], [129, 6, 5], 127)) == [
        [[127, 6, 5], [2, 0, 0], [0, 0, 0]]
    ]
    assert counts(feasible_tables([140, 0, 0], [133, 7, 0], 133)) == [
        [[133, 7, 0], [0, 0, 0], [0, 0, 0]]
    ]


def test_q2d_is_determined_by_its_kappa():
    assert len(list(feasible_tables(*Q2D))) == 5
    assert counts(feasible_tables(*Q2D, kappa_interval=("-0.119", "0.1885"))) == [
        [[115, 13, 1], [7, 1, 0], [2, 1, 0]]
    ]


def test_six_tables_of_q2c_fit_its_kappa_of_65():
    assert len(list(feasible_tables(*Q2C))) == 65
    found = feasible_tables(*Q2C, kappa_interval=("0.207", "0.517"))
    assert counts(found) == SIX_OF_Q2C


def test_categories_are_handed_on():
    table = next(feasible_tables([1, 0], [0, 1], 0, categories=("Yes", "No")))
    assert table.categories == ("Yes", "No")


def brute_force(rows, columns, n_agree):
    """All tables, by trying every amount in every cell but the last row and column."""
    k = len(rows)
    limits = [
        range(min(r, c) + 1) for r, c in itertools.product(rows[:-1], columns[:-1])
    ]
    for inner in itertools.product(*limits):
        table = np.zeros((k, k), dtype=int)
        table[:-1, :-1] = np.array(inner).reshape(k - 1, k - 1)
        table[:-1, -1] = rows[:-1] - table[:-1].sum(axis=1)
        table[-1] = columns - table.sum(axis=0)
        if table.min() >= 0 and table.trace() == n_agree:
            yield table.tolist()


@settings(max_examples=60)
@given(
    st.integers(2, 3).flatmap(
        lambda k: arrays(np.int64, (k, k), elements=st.integers(0, 2))
    )
)
def test_enumeration_counting_and_brute_force_agree(counts_given):
    table = ContingencyTable(counts_given)
    known = table.row_totals, table.column_totals, table.n_agree
    expected = sorted(brute_force(*known))
    found = counts(feasible_tables(*known))
    assert found == expected
    assert count_tables(KnownMargins.of(*known)) == len(expected)
    assert table.counts.tolist() in found


def test_no_table_fits_impossible_agreements():
    assert list(feasible_tables([5, 5], [5, 5], 9)) == []
    assert count_tables(KnownMargins.of([5, 5], [5, 5], 9)) == 0


def test_too_many_tables_are_counted_and_not_listed(monkeypatch):
    monkeypatch.setattr(recovery, "MAX_TABLES", 64)
    with pytest.raises(TooMuchWorkError, match="65 tables fit the totals, more than"):
        list(feasible_tables(*Q2C))


def test_work_has_a_bound(monkeypatch):
    monkeypatch.setattr(recovery, "MAX_CELLS", 1000)
    with pytest.raises(TooMuchWorkError, match="above the bound of 1e"):
        count_tables(KnownMargins.of(*Q2C))


def test_all_agreements_together_are_the_known_number_of_tables():
    # OEIS A000681: 5 x 5 tables with all totals 2.
    counted = [count_tables(KnownMargins.of([2] * 5, [2] * 5, n)) for n in range(11)]
    assert sum(counted) == 6210


@pytest.mark.slow
def test_beyond_whole_numbers_of_64_bits_it_counts_in_floats():
    # 66^11 > 2^62. One exchange between two of eleven rows: 55 ways.
    assert count_tables(KnownMargins.of([2] * 11, [2] * 11, 20)) == 55


@pytest.mark.slow
def test_the_tables_of_q4_are_counted():
    # 5 x 5, 140 pairs; the printed one is one of 300,746,918.
    margins = KnownMargins.of([2, 10, 14, 74, 40], [1, 14, 15, 67, 43], 77)
    assert count_tables(margins) == 300_746_918


@pytest.mark.parametrize(
    ("known", "message"),
    [
        (([1, 2], [1, 1], 0), "one sum, got 3 and 2"),
        (([1, 2, 3], [3, 3], 0), "as many, two or more, got 3 and 2"),
        (([-1, 2], [0, 1], 0), "0 or more, got -1"),
        (([1, 2], [1, 2], 4), "between 0 and 3, got 4"),
    ],
)
def test_impossible_margins_are_refused(known, message):
    with pytest.raises(ValueError, match=message):
        KnownMargins.of(*known)


def test_a_pooled_table_is_split_among_its_readers(rng):
    parts = rng.multinomial(20, np.full(9, 1 / 9), 7).reshape(7, 3, 3)
    pooled = ContingencyTable(parts.sum(axis=0))
    found = tables_by_reader(pooled, parts.sum(axis=2), parts.sum(axis=1))
    assert np.array_equal(sum(table.counts for table in found), pooled.counts)
    for table, part in zip(found, parts, strict=True):
        assert table.row_totals.tolist() == part.sum(axis=1).tolist()
        assert table.column_totals.tolist() == part.sum(axis=0).tolist()


def test_a_programme_that_is_not_solved_is_no_answer(monkeypatch):
    unsolved = SimpleNamespace(status=1, success=False, message="time limit")
    monkeypatch.setattr(recovery, "milp", lambda *_, **__: unsolved)
    pooled = ContingencyTable([[1, 0], [0, 0]])
    with pytest.raises(RuntimeError, match="not solved: time limit"):
        tables_by_reader(pooled, [[1, 0]], [[1, 0]])


def test_readers_that_do_not_add_up_are_told_apart():
    pooled = ContingencyTable([[1, 1], [0, 0]])
    assert tables_by_reader(pooled, [[1, 0], [0, 1]], [[1, 0], [0, 1]]) is None
    with pytest.raises(ValueError, match=r"must be \(readers, 2\)"):
        tables_by_reader(pooled, [[1, 0, 0]], [[1, 0, 0]])
