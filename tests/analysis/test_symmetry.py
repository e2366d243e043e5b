import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import binomtest
from statsmodels.stats.contingency_tables import SquareTable

from analysis.symmetry import bowker, mcnemar, stuart_maxwell
from analysis.tables import ContingencyTable

full = st.integers(2, 5).flatmap(
    lambda k: arrays(np.int64, (k, k), elements=st.integers(1, 30))
)


@pytest.mark.slow
@given(full)
def test_full_tables_match_statsmodels(counts):
    table, theirs = ContingencyTable(counts), SquareTable(counts, shift_zeros=False)
    expected = theirs.symmetry()
    assert bowker(table).statistic == pytest.approx(expected.statistic, abs=1e-9)
    assert bowker(table).p_value == pytest.approx(expected.pvalue, abs=1e-9)
    expected = theirs.homogeneity(method="stuart_maxwell")
    ours = stuart_maxwell(table)
    assert ours.statistic == pytest.approx(expected.statistic, rel=1e-6, abs=1e-8)
    assert ours.df == expected.df


@given(st.integers(0, 40), st.integers(0, 40))
def test_exact_mcnemar_is_the_binomial_test(b, c):
    assume(b + c > 0)
    table = ContingencyTable([[10, b], [c, 3]])
    assert mcnemar(table).p_value == pytest.approx(binomtest(b, b + c).pvalue, rel=1e-9)


def test_the_two_by_two_case_of_every_test_is_mcnemars():
    table = ContingencyTable([[104, 13], [14, 9]])
    statistics = {
        round(test(table).statistic, 12)
        for test in (bowker, stuart_maxwell, lambda t: mcnemar(t, "asymptotic"))
    }
    assert statistics == {round(1 / 27, 12)}


def test_a_category_without_disagreements_costs_a_degree_of_freedom(paper_tables):
    # Q2B: only Acceptable and Indeterminate disagree. R's coin::mh_test: p = .0082.
    test = stuart_maxwell(paper_tables["Q2B"])
    assert (test.statistic, test.df) == (pytest.approx(7), 1)
    assert test.p_value == pytest.approx(0.0082, abs=5e-5)


def test_two_separate_groups_of_disagreements_cost_one_each():
    table = ContingencyTable([[5, 2, 0, 0], [4, 5, 0, 0], [0, 0, 5, 1], [0, 0, 6, 5]])
    test = stuart_maxwell(table)
    assert test.df == 2
    assert test.statistic == pytest.approx(2**2 / 6 + 5**2 / 7)


@pytest.mark.parametrize("test", [bowker, stuart_maxwell, mcnemar])
def test_without_disagreements_there_is_nothing_to_test(test):
    result = test(ContingencyTable([[7, 0], [0, 3]]))
    assert (result.statistic, result.p_value) == (0, 1)
    assert "no pair disagrees" in result.undefined_reason


def test_no_pairs_are_undefined():
    assert "no pairs" in bowker(ContingencyTable([[0, 0], [0, 0]])).undefined_reason


def test_impossible_requests_are_refused():
    with pytest.raises(ValueError, match="2 x 2 table, got 3"):
        mcnemar(ContingencyTable(np.eye(3)))
    with pytest.raises(
        ValueError, match="'exact', 'mid-p' or 'asymptotic', got 'fast'"
    ):
        mcnemar(ContingencyTable(np.eye(2)), "fast")
