import numpy as np
import pytest

from analysis.tables import ContingencyTable


def test_totals_and_agreements():
    table = ContingencyTable([[104, 13], [14, 9]], ("Yes", "No"))
    assert (table.k, table.n, table.n_agree) == (2, 140, 113)
    assert table.row_totals.tolist() == [117, 23]
    assert table.column_totals.tolist() == [118, 22]


def test_pairs_go_in_and_come_out_again():
    table = ContingencyTable.from_pairs([1, 1, 0, -1], [1, 0, 0, 0], (1, 0, -1))
    assert table.counts.tolist() == [[1, 1, 0], [0, 1, 0], [0, 1, 0]]
    again = ContingencyTable.from_pairs(
        *(table.to_pairs().T.tolist()), categories=(0, 1, 2)
    )
    assert np.array_equal(again.counts, table.counts)


def test_categories_come_from_the_scale():
    table = ContingencyTable.from_pairs([4, 4], [4, 5], (1, 2, 3, 4, 5))
    assert table.k == 5


def test_counts_cannot_be_changed_afterwards():
    given = np.array([[1, 2], [3, 4]])
    table = ContingencyTable(given)
    given[0, 0] = 99
    assert table.counts[0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        table.counts[0, 0] = 5


def test_equal_tables_are_equal_and_hash_alike():
    one, same = ContingencyTable([[1, 2], [3, 4]]), ContingencyTable([[1, 2], [3, 4]])
    assert one == same
    assert hash(one) == hash(same)
    assert one != ContingencyTable([[1, 2], [3, 5]])
    assert one != ContingencyTable([[1, 2], [3, 4]], ("a", "b"))
    assert one != "a table"


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ([[1, -2], [3, 4]], "whole numbers of 0 or more, got -2"),
        ([[1, 2.5], [3, 4]], "whole numbers of 0 or more, got 2.5"),
        ([[1, float("nan")], [3, 4]], "whole numbers of 0 or more, got nan"),
        ([[1, float("inf")], [3, 4]], "whole numbers of 0 or more, got inf"),
        ([[1, "a"], [3, 4]], "square table of whole numbers"),
        ([[1, 2, 3], [4, 5, 6]], "at least 2 x 2, got 2 x 3"),
        ([[1, 2], [3]], "square table of whole numbers"),
        ([[5]], "at least 2 x 2, got 1 x 1"),
        (7, "at least 2 x 2, got a single number"),
    ],
)
def test_impossible_counts_are_refused(counts, message):
    with pytest.raises(ValueError, match=message):
        ContingencyTable(counts)


def test_impossible_categories_are_refused():
    with pytest.raises(
        ValueError, match="Expected 2 categories for a 2 x 2 table, got 3"
    ):
        ContingencyTable([[1, 2], [3, 4]], "abc")
    with pytest.raises(ValueError, match="must all differ, got a, a"):
        ContingencyTable([[1, 2], [3, 4]], "aa")
    with pytest.raises(ValueError, match=r"must be on the scale \(1, 2\), got 3"):
        ContingencyTable.from_pairs([1, 3], [2, 2], (1, 2))
