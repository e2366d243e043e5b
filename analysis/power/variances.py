"""Variance of kappa for given margins: Cantor, Flack, and the margins as they are."""

import math

import numpy as np
from scipy.optimize import brentq, linprog

from analysis.agreement.batch import cohen_kappas
from analysis.agreement.maximum import maximum_kappa_of_margins
from analysis.arrays import FloatArray
from analysis.power.normal import UnattainableKappaError, VarianceModel

_IPF_TOLERANCE = 1e-13
_IPF_ROUNDS = 5_000
_FARTHEST = 32.0  # logarithm of the largest factor tried


def cantor(rate_reference: float, rate_test: float) -> VarianceModel:
    """Model a 2 x 2 table by the rates at which both methods draw the first answer.

    References:
        Cantor AB. Psychol Methods 1996;1:150. doi:10.1037/1082-989X.1.2.150 (as in R's
        irr, `N.cohen.kappa`, which does not check that kappa can be reached)
    """
    rows, columns = (
        _shares([rate_reference, 1 - rate_reference]),
        _shares([rate_test, 1 - rate_test]),
    )
    expected = float(rows @ columns)

    def variance(kappa: float) -> float:
        _refuse_unattainable(kappa, rows, columns)
        observed = kappa * (1 - expected) + expected
        first = (observed + rows[0] + columns[0] - 1) / 2
        upper = rows[0] - first
        table = [[first, upper], [columns[0] - first, rows[1] - columns[0] + first]]
        return _variance(np.array(table))

    return variance


def flack(shares: FloatArray) -> VarianceModel:
    """Model the worst table in which both methods share the same margins.

    Of all tables with these margins and this kappa it takes the one with the largest
    variance, found by linear programming.

    References:
        Flack VF, Afifi AA, Lachenbruch PA, Schouten HJA. Psychometrika 1988;53:321.
        doi:10.1007/BF02294215 (as in R's irr, `N2.cohen.kappa`)
    """
    margin = _shares(shares)
    k = len(margin)
    expected = float(margin @ margin)
    row, column = np.indices((k, k)).reshape(2, -1)
    diagonal = row == column
    sums = [*(row == i for i in range(k)), *(column == i for i in range(k)), diagonal]

    def variance(kappa: float) -> float:
        _refuse_unattainable(kappa, margin, margin)
        observed = kappa * (1 - expected) + expected
        influence = (
            diagonal
            - observed
            - (1 - kappa) * (margin[row] + margin[column] - 2 * expected)
        )
        worst = linprog(
            -(influence**2),
            A_eq=np.array(sums, dtype=float),
            b_eq=[*margin, *margin, observed],
        )
        return float(-worst.fun) / (1 - expected) ** 2

    return variance


def actual_margins(rows: FloatArray, columns: FloatArray) -> VarianceModel:
    """Model the table nearest to independence with these margins and this kappa.

    Its cells are proportional to row x column, times one factor on the diagonal; the
    factor is chosen for kappa, the proportions by iterative proportional fitting.
    """
    row_shares, column_shares = _shares(rows), _shares(columns)

    def variance(kappa: float) -> float:
        _refuse_unattainable(kappa, row_shares, column_shares)
        return _variance(table_with_kappa(row_shares, column_shares, kappa))

    return variance


def table_with_kappa(rows: FloatArray, columns: FloatArray, kappa: float) -> FloatArray:
    """Give the `(k, k)` proportions of the `actual_margins` model."""

    def excess(log_factor: float) -> float:
        table = _fit(rows, columns, math.exp(log_factor))
        return float(cohen_kappas(table).estimate) - kappa

    if abs(kappa) < _IPF_TOLERANCE:
        return np.outer(rows, columns)
    sign = math.copysign(1.0, kappa)
    reach = 1.0
    while sign * excess(sign * reach) < 0 and reach < _FARTHEST:
        reach *= 2
    if sign * excess(sign * reach) < 0:  # as good as the limit itself
        return _fit(rows, columns, math.exp(sign * reach))
    log_factor = brentq(excess, *sorted((0.0, sign * reach)), xtol=1e-12)
    return _fit(rows, columns, math.exp(log_factor))


def _fit(rows: FloatArray, columns: FloatArray, factor: float) -> FloatArray:
    table = np.outer(rows, columns) * np.where(np.eye(len(rows)) > 0, factor, 1.0)
    for _ in range(_IPF_ROUNDS):
        table *= _ratio(rows, table.sum(axis=1))[:, None]
        column_sums = table.sum(axis=0)
        if np.abs(column_sums - columns).max() < _IPF_TOLERANCE:
            break
        table *= _ratio(columns, column_sums)
    return table


def _ratio(wanted: FloatArray, got: FloatArray) -> FloatArray:
    return np.divide(wanted, got, out=np.zeros_like(wanted), where=got > 0)


def _variance(table: FloatArray) -> float:
    """Variance of sqrt(n) x kappa; negative rounding in empty cells is cut off."""
    proportions = np.maximum(table, 0)
    return float(cohen_kappas(proportions).standard_error ** 2 * proportions.sum())


def _shares(margin: FloatArray | list[float]) -> FloatArray:
    values = np.asarray(margin, dtype=np.float64)
    if (values < 0).any() or not np.isfinite(values).all() or values.sum() <= 0:
        msg = f"Margins must be numbers of 0 or more, not all 0, got {values.tolist()}"
        raise ValueError(msg)
    return np.asarray(values / values.sum())


def _refuse_unattainable(kappa: float, rows: FloatArray, columns: FloatArray) -> None:
    maximum = maximum_kappa_of_margins(rows, columns)
    if not kappa <= maximum + 1e-12:
        raise UnattainableKappaError(kappa, maximum)
