"""Cohen's kappa, Scott's pi, Gwet's AC and Brennan-Prediger's S of one table."""

import math

import numpy as np

from analysis.agreement import batch as agreement_batch
from analysis.agreement.result import AgreementResult, ChanceCorrectedResult
from analysis.arrays import FloatArray, IntArray
from analysis.columns import takes_ratings
from analysis.tables import ContingencyTable


@takes_ratings(scale_matters=False)
def maximum_kappa(
    table: ContingencyTable, weights: agreement_batch.Weights = None
) -> AgreementResult:
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
    rows: IntArray | FloatArray,
    columns: IntArray | FloatArray,
    weights: agreement_batch.Weights = None,
) -> float:
    """Largest kappa for margins of shape `(k,)` each, counts or proportions."""
    if weights is not None:
        return float(
            agreement_batch.cohen_kappas(
                _monotone_coupling(rows, columns), weights
            ).estimate
        )
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


NO_PAIRS = "there are no pairs"
ONE_PAIR = "there is only one pair"
ALL_AGREE = (
    "every pair agrees, so the large-sample standard error is 0 "
    "and the interval carries no information"
)


@takes_ratings(scale_matters=False)
def cohen_kappa(
    table: ContingencyTable, weights: agreement_batch.Weights = None
) -> ChanceCorrectedResult:
    """Cohen's kappa with the Fleiss-Cohen-Everitt standard error.

    Where one method always draws the same answer, kappa is 0 by algebra whatever the
    other method draws; the result says so in `undefined_reason`.

    Args:
        table: Pairs of answers.
        weights: None, `linear` or `quadratic`.

    References:
        Cohen J. Educ Psychol Meas 1960;20:37. doi:10.1177/001316446002000104
        Fleiss JL, Cohen J, Everitt BS. Psychol Bull 1969;72:323. doi:10.1037/h0028106

    Examples:
        >>> kappa = cohen_kappa(ContingencyTable([[104, 13], [14, 9]]))
        >>> round(kappa.estimate, 3), round(kappa.confidence_interval().low, 3)
        (0.285, 0.081)
    """
    reason = _common_reason(table) or constant_method(table)
    return _one(agreement_batch.cohen_kappas(table.counts, weights), table, reason)


@takes_ratings(scale_matters=False)
def scott_pi(
    table: ContingencyTable, weights: agreement_batch.Weights = None
) -> ChanceCorrectedResult:
    """Scott's pi, which is Fleiss' kappa of two ratings.

    References:
        Scott WA. Public Opin Q 1955;19:321. doi:10.1086/266577. Standard error as in
        Gwet's irrCAC (`scott2.table`).
    """
    return _one(
        agreement_batch.scott_pis(table.counts, weights), table, _common_reason(table)
    )


@takes_ratings(scale_matters=True)
def gwet_ac(
    table: ContingencyTable, weights: agreement_batch.Weights = None
) -> ChanceCorrectedResult:
    """Gwet's AC1, or AC2 with weights; it stays high where one answer dominates.

    References:
        Gwet KL. Br J Math Stat Psychol 2008;61:29. doi:10.1348/000711006X126600
    """
    return _one(
        agreement_batch.gwet_acs(table.counts, weights), table, _common_reason(table)
    )


@takes_ratings(scale_matters=True)
def brennan_prediger(
    table: ContingencyTable, weights: agreement_batch.Weights = None
) -> ChanceCorrectedResult:
    """Brennan-Prediger's coefficient (Bennett's S; PABAK for two categories).

    References:
        Brennan RL, Prediger DJ. Educ Psychol Meas 1981;41:687.
        doi:10.1177/001316448104100307
    """
    return _one(
        agreement_batch.brennan_predigers(table.counts, weights),
        table,
        _common_reason(table),
    )


def constant_method(table: ContingencyTable) -> str | None:
    """Return in words which method always drew the same answer, if one did."""
    sides = (("reference", table.row_totals), ("test", table.column_totals))
    for method, totals in sides:
        used = [c for c, total in zip(table.categories, totals, strict=True) if total]
        if len(used) == 1:
            return (
                f"the {method} method always drew the answer {used[0]}, so kappa is 0 "
                "whatever the other drew and its interval carries no information"
            )
    return None


def _common_reason(table: ContingencyTable) -> str | None:
    if table.n == 0:
        return NO_PAIRS
    if table.n == 1:
        return ONE_PAIR
    return ALL_AGREE if table.n_agree == table.n else None


def _one(
    batch: agreement_batch.BatchResult, table: ContingencyTable, reason: str | None
) -> ChanceCorrectedResult:
    estimate = float(batch.estimate)
    if math.isnan(estimate) and table.n:
        reason = (
            "both methods always drew the same one answer, "
            "so chance alone already gives perfect agreement"
        )
    return ChanceCorrectedResult(
        estimate=estimate,
        standard_error=float(batch.standard_error),
        n=table.n,
        undefined_reason=reason,
        observed=float(batch.observed),
        expected=float(batch.expected),
        null_standard_error=float(batch.null_standard_error),
    )
