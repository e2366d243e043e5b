"""Difference of two proportions of the same pairs, pairs taken as independent."""

import math

from scipy.optimize import brentq

from analysis.intervals import ConfidenceInterval, normal_quantile, proportion_interval
from analysis.tables import ContingencyTable


def tango_interval(
    only_test: int, only_reference: int, n: int, confidence_level: float = 0.95
) -> ConfidenceInterval:
    """Tango's score interval of the difference, test minus reference.

    Args:
        only_test: Pairs in which only the test method has the property.
        only_reference: Pairs in which only the reference method has it.
        n: All pairs; with 0 the limits are NaN, with the reason.
        confidence_level: Between 0 and 1.

    Raises:
        ValueError: If the counts or the level are impossible.

    References:
        Tango T. Stat Med 1998;17:891.
        doi:10.1002/(SICI)1097-0258(19980430)17:8<891::AID-SIM780>3.0.CO;2-B

    Examples:
        >>> interval = tango_interval(0, 1, 44)
        >>> round(interval.low, 4), round(interval.high, 4)
        (-0.1181, 0.0594)
    """
    z = normal_quantile(confidence_level)
    if min(only_test, only_reference) < 0 or only_test + only_reference > n:
        msg = (
            f"Pairs that differ must be 0 or more and at most n = {n} in all, "
            f"got {only_test} and {only_reference}"
        )
        raise ValueError(msg)
    if n == 0:
        return ConfidenceInterval(math.nan, math.nan, "there are no pairs")
    if only_test + only_reference == 0:
        limit = z**2 / (n + z**2)
        return ConfidenceInterval(-limit, limit)

    def beyond(difference: float) -> float:
        distance = only_test - only_reference - n * difference
        spread = tango_variance(only_test, only_reference, n, difference)
        return distance**2 - z**2 * spread

    # Where all pairs gained, the variance at 1 is 0; just inside, it is not.
    seen = max(-1 + 1e-9, min(1 - 1e-9, (only_test - only_reference) / n))
    low = -1.0 if only_reference == n else brentq(beyond, -1, seen, xtol=1e-14)
    high = 1.0 if only_test == n else brentq(beyond, seen, 1, xtol=1e-14)
    return ConfidenceInterval(float(low), float(high))


def tango_variance(
    only_test: int, only_reference: int, n: int, difference: float
) -> float:
    """Variance of the number gained if the true difference were the one given."""
    linear = (2 * n + only_reference - only_test) * difference
    linear -= only_test + only_reference
    constant = -only_reference * difference * (1 - difference)
    root = math.sqrt(max(0.0, linear**2 - 8 * n * constant))
    lost = (root - linear) / (4 * n)
    return max(0.0, n * (2 * lost + difference * (1 - difference)))


def newcombe_interval(
    table: ContingencyTable, confidence_level: float = 0.95
) -> ConfidenceInterval:
    """Newcombe's square-and-add interval of the difference, test minus reference.

    His method 10: Wilson's limits of both proportions, put together with the
    correlation of the two, which a continuity correction makes smaller.

    Args:
        table: 2 x 2, reference method in rows, the property first.
        confidence_level: Between 0 and 1.

    Raises:
        ValueError: If the table is larger or the level impossible.

    References:
        Newcombe RG. Stat Med 1998;17:2635.
        doi:10.1002/(SICI)1097-0258(19981130)17:22<2635::AID-SIM954>3.0.CO;2-C
    """
    if table.k != 2:
        msg = f"Newcombe's interval needs a 2 x 2 table, got {table.k} categories"
        raise ValueError(msg)
    n = table.n
    of_test, of_reference = int(table.column_totals[0]), int(table.row_totals[0])
    test = proportion_interval(of_test, n, confidence_level)
    reference = proportion_interval(of_reference, n, confidence_level)
    if n == 0:
        return test
    p, q = of_test / n, of_reference / n
    both = 2 * _correlation(table)
    below, above = p - test.low, test.high - p
    under, over = q - reference.low, reference.high - q
    low = math.sqrt(max(0.0, below**2 + over**2 - both * below * over))
    high = math.sqrt(max(0.0, above**2 + under**2 - both * above * under))
    return ConfidenceInterval(p - q - low, p - q + high)


def _correlation(table: ContingencyTable) -> float:
    (a, b), (c, d) = table.counts.tolist()
    product = math.prod(table.row_totals.tolist() + table.column_totals.tolist())
    excess = a * d - b * c
    corrected = max(excess - table.n / 2, 0) if excess > 0 else excess
    return corrected / math.sqrt(product) if product else 0.0
