import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linprog

from analysis.agreement import maximum_kappa
from analysis.agreement.batch import agreement_weights
from analysis.tables import ContingencyTable


def maximum_by_linear_programming(table, weights):
    """Largest weighted agreement of any table with the same totals."""
    k, n = table.k, table.n
    w = agreement_weights(k, weights)
    row, column = np.indices((k, k)).reshape(2, -1)
    sums = np.array([*(row == i for i in range(k)), *(column == i for i in range(k))])
    totals = np.concatenate([table.row_totals, table.column_totals])
    best = -linprog(-w.ravel(), A_eq=sums.astype(float), b_eq=totals).fun / n
    expected = (w * np.outer(table.row_totals, table.column_totals)).sum() / n**2
    return (best - expected) / (1 - expected)


counts = st.integers(2, 5).flatmap(
    lambda k: arrays(np.int64, (k, k), elements=st.integers(0, 20))
)


@settings(max_examples=60)
@given(
    counts.filter(lambda t: np.count_nonzero(t.sum(0)) > 1 and t.sum(1).min() > 0),
    st.sampled_from([None, "linear", "quadratic"]),
)
def test_the_maximum_is_what_linear_programming_finds(counts, weights):
    table = ContingencyTable(counts)
    assert maximum_kappa(table, weights).estimate == pytest.approx(
        maximum_by_linear_programming(table, weights), abs=1e-9
    )


def test_q2a_cannot_reach_half_of_what_the_unweighted_maximum_promises(paper_tables):
    # The margins 138, 2, 0 and 129, 6, 5 of Tables S.2.
    assert maximum_kappa(paper_tables["Q2A"]).estimate == pytest.approx(
        0.2945, abs=5e-5
    )
    assert maximum_kappa(paper_tables["Q2B"]).estimate == 0
