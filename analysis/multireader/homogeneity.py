"""Do readers agree equally well with themselves across methods?"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from analysis.arrays import FloatArray, IntArray
from analysis.errors import as_whole
from analysis.multireader.by_reader import KAPPA, of_reader
from analysis.multireader.kappa import Coefficient, linearise
from analysis.multireader.pairs import Pairs
from analysis.showing import Shown

_CHUNK = 2_000_000  # pairs drawn at a time
_TIE = 1e-9  # rounding must not part equal statistics


@dataclass(frozen=True)
class HomogeneityTest(Shown):
    """Test that a coefficient is the same for all readers.

    Attributes:
        statistic: Spread of the readers: the sum over readers of n times the square of
            how far the reader moves the coefficient of all pairs.
        p_value: Share of exchanges of readers with as large a spread.
        n_exchanges: Exchanges that were drawn.
        coefficients: Of each reader where it is defined.
        undefined_reason: Why there is no test, None where there is one.
    """

    statistic: float
    p_value: float
    n_exchanges: int
    coefficients: dict[str, float]
    undefined_reason: str | None = None


def homogeneity(
    pairs: Pairs, coefficient: Coefficient = KAPPA, *, n_exchanges: int = 1_999
) -> HomogeneityTest:
    """Test that a coefficient, such as kappa, is the same for all readers.

    If readers are alike, it does not matter which of a case's pairs of answers was
    whose: they are exchanged within each case, among those who read it. How far a
    reader moves the coefficient is the mean influence of the reader's pairs, to first
    order the distance of the reader's own kappa times the information in it; it is
    defined also of a reader who gave one answer only. Exchanging keeps its level
    however rare an answer is, where an estimated covariance does not.

    The draws are the same each time.

    Args:
        pairs: All pairs.
        coefficient: Which coefficient.
        n_exchanges: How many to draw, 99 or more.

    Raises:
        ValueError: If there are too few exchanges.

    References:
        Pesarin F, Salmaso L. Permutation Tests for Complex Data. Wiley 2010, ch. 1.
        Phipson B, Smyth GK. Stat Appl Genet Mol Biol 2010;9:39.
        doi:10.2202/1544-6115.1585 (the data count as one of the draws)
    """
    if as_whole("Exchanges", n_exchanges) < 99:
        msg = f"Exchanges must be 99 or more, got {n_exchanges}"
        raise ValueError(msg)
    found = {
        name: float(linearise(of_reader(pairs, name), coefficient).estimate)
        for name in pairs.readers
    }
    found = {name: value for name, value in found.items() if not math.isnan(value)}
    linear = linearise(pairs, coefficient)
    reason = linear.undefined_reason
    if len(pairs.readers) < 2:
        reason = "fewer than two readers can be compared"
    elif reason is None and not _exchangeable(pairs, linear.influence):
        reason = "no case has pairs of two readers that differ"
    if reason is not None:
        return HomogeneityTest(math.nan, math.nan, 0, found, reason)
    seen = float(_spread(linear.influence[None], pairs)[0])
    as_large = sum(
        int(np.count_nonzero(_spread(drawn, pairs) >= seen * (1 - _TIE)))
        for drawn in _exchanged(linear.influence, pairs.case, n_exchanges)
    )
    return HomogeneityTest(seen, (as_large + 1) / (n_exchanges + 1), n_exchanges, found)


def _exchangeable(pairs: Pairs, influence: FloatArray) -> bool:
    """Return whether an exchange within some case changes anything."""
    of_case = [influence[pairs.case == case] for case in range(len(pairs.cases))]
    return any(len(own) > 1 and np.ptp(own) > _TIE for own in of_case)


def _spread(influence: FloatArray, pairs: Pairs) -> FloatArray:
    """Spread of the readers `(draws,)` from the influence `(draws, n)` of each pair."""
    members = np.eye(len(pairs.readers))[pairs.reader]
    return np.asarray((influence @ members) ** 2 @ (1 / members.sum(axis=0)))


def _exchanged(
    influence: FloatArray, case: IntArray, n_exchanges: int
) -> Iterator[FloatArray]:
    """Exchange the values within each case, some draws `(draws, n)` at a time."""
    rng = np.random.default_rng(0)
    in_order = np.argsort(case, kind="stable")
    at_once = max(1, _CHUNK // len(case))
    for start in range(0, n_exchanges, at_once):
        size = min(at_once, n_exchanges - start)
        by_chance = np.lexsort(
            (rng.random((size, len(case))), np.tile(case, (size, 1)))
        )
        part = np.empty((size, len(case)))
        part[:, in_order] = influence[by_chance]
        yield part
