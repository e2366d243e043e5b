"""Power and sample size of a z test of kappa, from its variance.

A variance model tells the variance of sqrt(n) x estimated kappa where kappa has a given
value. The test rejects kappa = `null` with the standard error under the null; with the
critical value z_a, the power at n pairs is Phi((sqrt(n) |kappa - null| - z_a s0) / s1).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq, linprog
from scipy.special import chdtri, chndtrinc, ndtr, ndtri

from analysis.agreement.batch import cohen_kappas
from analysis.agreement.chance_corrected import maximum_kappa_of_margins
from analysis.arrays import FloatArray
from analysis.errors import as_number, shown
from analysis.showing import Shown


def design_effect(pairs_per_case: float, icc: float) -> float:
    """Factor by which clustering inflates the variance.

    Raises:
        ValueError: If there is less than one pair per case, or icc is not in 0 to 1.
    """
    if pairs_per_case < 1:
        msg = f"Pairs per case must be 1 or more, got {pairs_per_case:g}"
        raise ValueError(msg)
    if not 0 <= icc <= 1:
        msg = f"Intraclass correlation must be between 0 and 1, got {icc:g}"
        raise ValueError(msg)
    return 1 + (pairs_per_case - 1) * icc


def largest_icc(n_pairs: float, n_needed: float, pairs_per_case: float) -> float | None:
    """Largest intraclass correlation at which n pairs still suffice.

    Returns:
        A value from 0 to 1, or None if n pairs do not suffice even if independent.
    """
    if n_pairs < n_needed:
        return None
    if pairs_per_case <= 1:
        return 1.0
    return min(1.0, (n_pairs / n_needed - 1) / (pairs_per_case - 1))


_STEPS = 20
_ABOVE_NULL = 1e-6

VarianceModel = Callable[[float], float]
"""From kappa to the variance of sqrt(n) x its estimate."""


class UnattainableKappaError(ValueError):
    """The margins do not allow the kappa that was asked for."""

    def __init__(self, kappa: float, maximum: float) -> None:
        self.kappa = kappa
        self.maximum = maximum
        super().__init__(
            f"kappa {kappa:g} cannot be reached with these margins: "
            f"the maximum is {maximum:.3f}"
        )


@dataclass(frozen=True)
class PowerTest(Shown):
    """A test that kappa differs from a null value.

    Attributes:
        kappa: True kappa.
        null: Kappa under the null hypothesis.
        alpha: Type I error.
        two_sided: Whether alpha is shared by both tails.

    Raises:
        ValueError: If the numbers are out of range.
    """

    kappa: float
    null: float = 0.0
    alpha: float = 0.05
    two_sided: bool = True

    def __post_init__(self) -> None:
        for name in ("kappa", "null", "alpha"):
            as_number(name.capitalize(), getattr(self, name))
        if not (-1 <= self.null <= 1 and -1 <= self.kappa <= 1) or (
            self.null == self.kappa
        ):
            msg = (
                "Kappa and its null value must differ and lie within -1 and 1, "
                f"got {self.kappa:g} and {self.null:g}"
            )
            raise ValueError(msg)
        if not 0 < self.alpha < 1:
            msg = f"Alpha must be between 0 and 1, got {self.alpha:g}"
            raise ValueError(msg)

    @property
    def critical(self) -> float:
        """Critical value of the z test."""
        return float(ndtri(1 - self.alpha / (2 if self.two_sided else 1)))


def normal_power(model: VarianceModel, test: PowerTest, n: float) -> float:
    """Power at n pairs."""
    null_sd, sd = math.sqrt(model(test.null)), math.sqrt(model(test.kappa))
    shift = math.sqrt(n) * abs(test.kappa - test.null) - test.critical * null_sd
    return float(ndtr(shift / sd)) if sd else float(shift > 0)


def normal_sample_size(
    model: VarianceModel, test: PowerTest, power: float = 0.8
) -> float:
    """Pairs needed for the power, unrounded; round up to use it."""
    check_power(power)
    null_sd, sd = math.sqrt(model(test.null)), math.sqrt(model(test.kappa))
    needed = test.critical * null_sd + float(ndtri(power)) * sd
    return (needed / (test.kappa - test.null)) ** 2


def detectable_kappa(
    power_at: Callable[[float], float],
    *,
    null: float,
    highest: float,
    power: float,
    precision: float = 1e-7,
) -> float:
    """Smallest kappa that is found with the power; NaN if none is.

    Args:
        power_at: Power as a function of kappa, rising.
        null: Kappa under the null hypothesis.
        highest: Largest kappa that can be; it is looked for up to 1/20 below.
        power: Power wanted.
        precision: How closely kappa is looked for.
    """
    check_power(power)
    # Step up from the null: at the very highest kappa some models do not converge.
    steps = np.linspace(null, highest, _STEPS + 1)[1:-1].tolist()
    below = null
    for kappa in steps if highest > null else []:
        if power_at(kappa) >= power:
            lowest = max(below, null + _ABOVE_NULL)
            return float(
                brentq(lambda x: power_at(x) - power, lowest, kappa, xtol=precision)
            )
        below = kappa
    return math.nan


def check_power(power: float, alpha: float = 0.0) -> None:
    """Refuse a power that is not between alpha and 1."""
    if not 0 < as_number("Power", power) < 1:
        msg = f"Power must be between 0 and 1, got {power:g}"
        raise ValueError(msg)
    if power <= alpha:
        msg = f"Power must be more than alpha, {alpha:g}, got {power:g}"
        raise ValueError(msg)


def margin_shares(what: str, margin: ArrayLike) -> FloatArray:
    """Return the shares `(k,)` of answers counted or weighed, which sum to 1.

    Raises:
        ValueError: If they are not two or more numbers of 0 or more, not all 0.
    """
    try:
        given = np.asarray(margin)
        usable = given.ndim == 1 and len(given) > 1 and bool(np.isfinite(given).all())
        usable = usable and bool((given >= 0).all()) and given.sum() > 0
    except TypeError:
        usable = False
    if not usable:
        msg = (
            f"{what} must be two or more numbers of 0 or more, not all 0, got "
            f"{shown(margin)}"
        )
        raise ValueError(msg)
    return np.asarray(given / given.sum())


def _noncentrality_per_pair(shares: FloatArray, kappa: float, null: float) -> float:
    """Noncentrality that one pair adds to the chi-square with 1 degree of freedom.

    Both ratings share the margins `shares`, `(k,)`. The cells are agreement in each
    category, and disagreement of any kind. For two categories and null = 0 it is
    kappa^2 whatever the margins.
    """
    expected = _cells(shares, null)
    difference = _cells(shares, kappa) - expected
    used = expected > 0
    return float((difference[used] ** 2 / expected[used]).sum())


def gof_power(shares: FloatArray, test: PowerTest, n: float) -> float:
    """Power at n pairs; the test is two-sided.

    References:
        Donner A, Eliasziw M. Stat Med 1992;11:1511. doi:10.1002/sim.4780111109. Several
        categories: Donner A. Stat Med 1999;18:1 (as in R's kappaSize, `Power3Cats`)
    """
    step = _noncentrality_per_pair(shares, test.kappa, test.null)
    return power_of_noncentrality(n * step, test.alpha)


def gof_sample_size(shares: FloatArray, test: PowerTest, power: float = 0.8) -> float:
    """Pairs needed for the power, unrounded; round up to use it."""
    step = _noncentrality_per_pair(shares, test.kappa, test.null)
    return noncentrality_needed(power, test.alpha) / step


def power_of_noncentrality(noncentrality: float, alpha: float) -> float:
    """Power of a chi-square test of goodness of fit with 1 degree of freedom."""
    from statsmodels.stats.power import GofChisquarePower

    of_one = math.sqrt(noncentrality)  # effect size, with one observation
    return float(GofChisquarePower().power(of_one, 1, alpha, n_bins=2))


def noncentrality_needed(power: float, alpha: float) -> float:
    """Noncentrality at which that test has the power.

    Raises:
        ValueError: If the power does not lie between alpha and 1: a test rejects as
            often as alpha also where there is nothing to find.
    """
    check_power(power, alpha)
    # Not solve_power of statsmodels: it gives up, or says 10, where 1 would do.
    return float(chndtrinc(chdtri(1, alpha), 1, 1 - power))


def _cells(shares: FloatArray, kappa: float) -> FloatArray:
    agree = shares**2 + kappa * shares * (1 - shares)
    return np.append(agree, max(0.0, 1 - float(agree.sum())))


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
    """Return the `(k, k)` proportions of the `actual_margins` model."""

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


@dataclass(frozen=True)
class Formulation:
    """A way to compute power.

    Attributes:
        name: What it is called.
        power: From the test and n pairs to the power.
        sample_size: From the test and the power wanted to the pairs needed, unrounded.
        highest_kappa: Largest kappa its own margins allow.
    """

    name: str
    power: Callable[[PowerTest, float], float]
    sample_size: Callable[[PowerTest, float], float]
    highest_kappa: float = 1.0


def formulations(rows: FloatArray, columns: FloatArray) -> list[Formulation]:
    """Return all four for the shares `(k,)` of both methods.

    Goodness of fit and Flack assume that both methods share their margins, so they get
    the mean of the two; Cantor takes a 2 x 2 table, so with more categories it gets the
    first against the rest.
    """
    mean = (rows + columns) / 2
    first = "" if len(rows) == 2 else " (first answer against the rest)"
    halves = rows[:1].tolist() + columns[:1].tolist()
    return [
        Formulation(
            "Donner-Eliasziw goodness of fit",
            partial(gof_power, mean),
            partial(gof_sample_size, mean),
        ),
        _normal(
            f"Cantor{first}",
            cantor(*halves),
            maximum_kappa_of_margins(_two(rows), _two(columns)),
        ),
        _normal("Flack", flack(mean), 1.0),
        _normal(
            "Actual margins",
            actual_margins(rows, columns),
            maximum_kappa_of_margins(rows, columns),
        ),
    ]


def _normal(name: str, model: VarianceModel, highest: float) -> Formulation:
    return Formulation(
        name,
        partial(normal_power, model),
        partial(normal_sample_size, model),
        highest,
    )


def _two(shares: FloatArray) -> FloatArray:
    """First category against all others."""
    two = shares[:2].copy()
    two[1] = 1 - two[0]
    return two
