"""A planted kappa is recovered, and intervals cover it as often as they say.

`benchmarks/coverage.py` does this for every interval; here two of them, in the scenario
in which patients are shown differently by the two methods and readers differ too.
"""

import numpy as np
import pytest
from scipy.special import stdtrit
from scipy.stats import multivariate_normal

from analysis.multireader import Coefficient
from analysis.multireader.clusters import Clusters, crossed_spread, independent_spread

N_STUDIES, N_CASES, N_READERS = 1_000, 20, 7
CUTS = np.array([-0.4, 0.6])
KAPPA = Coefficient.kappa()
SHARED, BY_CASE, BY_READER = 0.6, 0.2, 0.05  # shares of the latent variance


def true_kappa():
    edges = np.concatenate([[-9.0], CUTS, [9.0]])
    corners = np.stack(np.meshgrid(edges, edges, indexing="ij"), axis=-1)
    below = multivariate_normal.cdf(corners, cov=[[1, SHARED], [SHARED, 1]])
    return float(KAPPA.of_tables(np.diff(np.diff(below, axis=0), axis=1)))


def drawn_cells(rng):
    """`(studies, pairs)` cell of the 3 x 3 table that each pair is in."""

    def effect(share, *shape):
        return np.sqrt(share) * rng.standard_normal((N_STUDIES, *shape))

    shared = effect(SHARED, N_CASES, 1)
    reference, test = (
        np.searchsorted(
            CUTS,
            shared
            + effect(BY_CASE, N_CASES, 1)
            + effect(BY_READER, 1, N_READERS)
            + effect(1 - SHARED - BY_CASE - BY_READER, N_CASES, N_READERS),
        )
        for _ in range(2)
    )
    return (reference * 3 + test).reshape(N_STUDIES, -1)


def test_the_crossed_interval_covers_where_the_independent_one_does_not():
    cells = drawn_cells(np.random.default_rng(4))
    tables = np.eye(9)[cells].sum(axis=1).reshape(-1, 3, 3)
    estimates, influence = KAPPA.influence(tables)
    values = np.take_along_axis(influence.reshape(N_STUDIES, 9), cells, axis=1)
    case, reader = np.divmod(np.arange(cells.shape[1]), N_READERS)
    covered = []
    for spread_of in (crossed_spread, independent_spread):
        spread = spread_of(Clusters(reader, case), values)
        quantile = stdtrit(np.minimum(spread.df, 1e6), 0.975)
        distance = np.abs(estimates - true_kappa())
        covered.append(np.mean(distance <= quantile * np.sqrt(spread.variance)))

    assert estimates.mean() == pytest.approx(true_kappa(), abs=0.02)
    assert 0.93 <= covered[0] <= 0.975
    assert covered[1] < 0.80
