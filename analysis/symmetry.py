"""Do the methods differ in which answers they draw? Tests on one square table."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.sparse.csgraph import connected_components
from scipy.special import chdtrc

from analysis.columns import takes_ratings
from analysis.showing import Shown
from analysis.tables import ContingencyTable

NO_DISAGREEMENT = "no pair disagrees, so there is nothing to test"


@dataclass(frozen=True)
class TestResult(Shown):
    """Result of a test of symmetry or of equal margins.

    Attributes:
        statistic: Value of the statistic.
        p_value: Two-sided p-value; 1 where no pair disagrees.
        df: Degrees of freedom, None for an exact test.
        undefined_reason: Why the test says nothing, else None.
    """

    __test__ = False  # pytest collects classes by their name

    statistic: float
    p_value: float
    df: int | None
    undefined_reason: str | None = None


@takes_ratings(scale_matters=True)
def bowker(table: ContingencyTable) -> TestResult:
    """Bowker's test that the table is symmetric.

    A pair of mirrored cells that are both empty adds 0 and keeps its degree of freedom,
    df = k (k - 1) / 2; R's mcnemar.test gives NaN there.

    References:
        Bowker AH. J Am Stat Assoc 1948;43:572. doi:10.1080/01621459.1948.10483284
    """
    upper = np.triu_indices(table.k, 1)
    counts = table.counts.astype(float)  # whose squares are beyond int64
    above, below = counts[upper], counts.T[upper]
    met = above + below > 0
    difference, total = (above - below)[met], (above + below)[met]
    return _chi_square(float((difference**2 / total).sum()), len(upper[0]), table)


@takes_ratings(scale_matters=False)
def stuart_maxwell(table: ContingencyTable) -> TestResult:
    """Stuart and Maxwell's test that both methods draw each answer equally often.

    The degrees of freedom are the rank of the covariance: k - 1 only if disagreements
    join all categories. (Others keep k - 1, or drop categories with equal margins.)

    References:
        Stuart A. Biometrika 1955;42:412. doi:10.1093/biomet/42.3-4.412
        Maxwell AE. Br J Psychiatry 1970;116:651. doi:10.1192/bjp.116.535.651
    """
    off_diagonal = table.counts - np.diag(np.diag(table.counts))
    moved = off_diagonal + off_diagonal.T
    difference = table.row_totals - table.column_totals
    # The covariance is the Laplacian of the graph of disagreements: a category with
    # none is a component of its own.
    n_components, _ = connected_components(moved, directed=False)
    covariance = np.diag(moved.sum(axis=1)) - moved
    solution = np.linalg.lstsq(covariance.astype(float), difference, rcond=None)[0]
    statistic = max(0.0, float(difference @ solution))
    return _chi_square(statistic, table.k - n_components, table)


@takes_ratings(scale_matters=False)
def mcnemar(
    table: ContingencyTable,
    method: Literal["exact", "mid-p", "asymptotic"] = "exact",
) -> TestResult:
    """McNemar's test of a 2 x 2 table.

    Args:
        table: Pairs of two-valued answers.
        method: `exact` (binomial, doubled and at most 1), `mid-p` (less the probability
            of what was seen; 1 where both disagreeing cells are equal) or `asymptotic`
            (chi-square without continuity correction). The statistic of the first two
            is the smaller disagreeing cell.

    Raises:
        ValueError: If the table is larger or the method unknown.

    References:
        Fagerland MW, Lydersen S, Laake P. BMC Med Res Methodol 2013;13:91.
        doi:10.1186/1471-2288-13-91
    """
    if table.k != 2:
        msg = f"McNemar's test needs a 2 x 2 table, got {table.k} categories"
        raise ValueError(msg)
    if method == "asymptotic":
        return bowker(table)
    if method not in ("exact", "mid-p"):  # also of no text, which has no hash
        msg = f"Method must be 'exact', 'mid-p' or 'asymptotic', got {method!r}"
        raise ValueError(msg)
    from scipy.stats import binom  # knows more than 2**31 trials; slow to import

    b, c = int(table.counts[0, 1]), int(table.counts[1, 0])
    smaller, disagree = min(b, c), b + c
    at_most = float(binom.cdf(smaller, disagree, 0.5))
    p_value = 2 * at_most
    if method == "mid-p":
        fewer = float(binom.cdf(smaller - 1, disagree, 0.5)) if smaller else 0.0
        p_value -= at_most - fewer
    reason = None if disagree else NO_DISAGREEMENT
    return TestResult(float(smaller), min(1.0, p_value), None, reason)


def _chi_square(statistic: float, df: int, table: ContingencyTable) -> TestResult:
    if table.n == 0:
        return TestResult(math.nan, math.nan, df, "there are no pairs")
    if table.n_agree == table.n:
        return TestResult(0.0, 1.0, df, NO_DISAGREEMENT)
    return TestResult(statistic, float(chdtrc(df, statistic)), df)
