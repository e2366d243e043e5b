"""The largest kappa that the margins of a table allow."""

import math

import numpy as np

from analysis.agreement.batch import cohen_kappas
from analysis.agreement.result import AgreementResult
from analysis.agreement.weights import Weights
from analysis.arrays import FloatArray, IntArray
from analysis.tables import ContingencyTable


def maximum_kappa(table: ContingencyTable, weights: Weights = None) -> AgreementResult:
    """Largest kappa of any table with these row and column totals.

    Unweighted, as many pairs as the totals allow stand on the diagonal. Weighted, the
    best table pairs the answers in the order of the scale (the monotone coupling, which
    is optimal for every weight that falls convexly with the distance).

    References:
        Cohen J. Educ Psychol Meas 1960;20:37. doi:10.1177/001316446002000104
    """
    if table.n == 0:
        return AgreementResult(math.nan, None, 0, "there are no pairs")
    estimate = maximum_kappa_of_margins(table.row_totals, table.column_totals, weights)
    reason = None
    if math.isnan(estimate):
        reason = "both methods always drew the same one answer, so kappa is undefined"
    return AgreementResult(estimate, None, table.n, reason)


def maximum_kappa_of_margins(
    rows: IntArray | FloatArray, columns: IntArray | FloatArray, weights: Weights = None
) -> float:
    """Largest kappa for margins of shape `(k,)` each, counts or proportions."""
    if weights is not None:
        return float(cohen_kappas(_monotone_coupling(rows, columns), weights).estimate)
    r, c = rows / rows.sum(), columns / columns.sum()
    expected = float(r @ c)
    left = 1 - expected
    return (float(np.minimum(r, c).sum()) - expected) / left if left else math.nan


def _monotone_coupling(
    rows: IntArray | FloatArray, columns: IntArray | FloatArray
) -> FloatArray:
    """Table that joins the lowest answers of both margins first."""
    cumulated = np.minimum(np.cumsum(rows)[:, None], np.cumsum(columns)).astype(float)
    return np.diff(np.diff(cumulated, axis=0, prepend=0), axis=1, prepend=0)
