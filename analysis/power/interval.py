"""Power of what a report does with kappa: its interval, pairs taken as independent.

A report says that kappa exceeds a value if the interval around it, with estimate and
error of that study, lies above it. No formula of the literature is about that: they
take the error under the null. So studies are drawn, and each gets its interval.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike

from analysis.agreement.batch import cohen_kappas
from analysis.agreement.chance_corrected import maximum_kappa_of_margins
from analysis.arrays import FloatArray
from analysis.errors import instance_of
from analysis.power import normal
from analysis.power.normal import PowerTest
from analysis.power.overview import PowerFigures, StudySize

NAME = "Interval of the report"
STUDIES = 10_000
_SEED = 20
_MOST_PAIRS = 2**20
_TO_KAPPA = 5e-4
_TO_PAIRS = 0.002  # of the pairs needed; the simulation does not know them better


@dataclass(frozen=True)
class IntervalPower:
    """Power of the interval of kappa, by simulated studies.

    Attributes:
        rows: `(k,)` shares of the answers of the reference method.
        columns: `(k,)` the same of the test method.
        studies: How many are drawn for each figure.
    """

    rows: FloatArray
    columns: FloatArray
    studies: int = STUDIES
    _tables: dict[float, FloatArray] = field(default_factory=dict)

    def power(self, test: PowerTest, n: float) -> float:
        """Share of studies of n pairs, rounded, whose interval lies beyond the null.

        A study without an interval, as where one method always gave the same answer,
        has shown nothing.
        """
        pairs = max(1, round(n))
        drawn = np.random.default_rng(_SEED).multinomial(
            pairs, self._cells(test.kappa), self.studies
        )
        k = len(self.rows)
        found = cohen_kappas(drawn.reshape(-1, k, k))
        beyond = found.estimate - test.null
        if test.kappa < test.null:
            beyond = -beyond
        error = found.standard_error
        shown = (error > 0) & (beyond > test.critical * error)
        return float(np.mean(shown))

    def pairs_needed(self, test: PowerTest, wanted: float) -> int | None:
        """Smallest number of pairs with the power, to 0.2 %; None beyond a million."""
        low, high = 1, 16
        while self.power(test, high) < wanted:
            low, high = high, high * 2
            if high > _MOST_PAIRS:
                return None
        while high - low > max(1, _TO_PAIRS * high):
            middle = (low + high) // 2
            enough = self.power(test, middle) >= wanted
            low, high = (low, middle) if enough else (middle, high)
        return high

    def _cells(self, kappa: float) -> FloatArray:
        if kappa not in self._tables:
            table = normal.table_with_kappa(self.rows, self.columns, kappa)
            cells = np.maximum(table.ravel(), 0.0)
            self._tables[kappa] = cells / cells.sum()
        return self._tables[kappa]


def interval_figures(
    rows: ArrayLike,
    columns: ArrayLike,
    size: StudySize,
    test: PowerTest,
    wanted: float = 0.8,
) -> PowerFigures:
    """Compute the figures of the interval; arguments are those of `power_overview`."""
    instance_of("Size", size, StudySize)
    instance_of("Test", test, PowerTest)
    normal.check_power(wanted, test.alpha)
    r = normal.margin_shares("Rows", rows)
    c = normal.margin_shares("Columns", columns)
    highest = maximum_kappa_of_margins(r, c)
    if not test.kappa <= highest:
        refused = str(normal.UnattainableKappaError(test.kappa, highest))
        return PowerFigures(NAME, refused=refused)
    of_interval = IntervalPower(r, c)
    needed = of_interval.pairs_needed(test, wanted)
    alike = (
        None if needed is None else normal.largest_icc(size.pairs, needed, size.readers)
    )

    def power_of_kappa(kappa: float) -> float:
        return of_interval.power(replace(test, kappa=kappa), size.effective_pairs)

    return PowerFigures(
        formulation=NAME,
        n_needed=needed,
        power=of_interval.power(test, size.effective_pairs),
        power_cases=of_interval.power(test, size.cases),
        detectable=normal.detectable_kappa(
            power_of_kappa,
            null=test.null,
            highest=highest,
            power=wanted,
            precision=_TO_KAPPA,
        ),
        largest_icc=alike,
    )
