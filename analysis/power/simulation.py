"""Many studies of one design at once, each analysed as a real one would be."""

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from analysis.agreement.batch import cohen_kappas
from analysis.arrays import FloatArray, IntArray
from analysis.multireader.clusters import Clusters
from analysis.multireader.crossed import crossed_spread
from analysis.power.design import MEASURES, DesignAssumptions, DesignSize, Measure
from analysis.power.design_family import DesignFamily
from analysis.power.design_measures import influence_of, null_values, true_values

_NO_ERROR = 1e-12  # what rounding leaves of a standard error of 0


@dataclass(frozen=True)
class Tally:
    """What came out of simulated studies.

    Attributes:
        studies: Number of studies.
        shown: In how many the lower limit exceeded the null value.
        covered: In how many the interval held the true value.
        undefined: In how many there was no interval, as with a constant method; they
            count as neither shown nor covered.
        width: Sum of the widths of all intervals.
        estimate: Sum of all estimates that have an interval.
    """

    studies: int = 0
    shown: int = 0
    covered: int = 0
    undefined: int = 0
    width: float = 0.0
    estimate: float = 0.0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.studies + other.studies,
            self.shown + other.shown,
            self.covered + other.covered,
            self.undefined + other.undefined,
            self.width + other.width,
            self.estimate + other.estimate,
        )


def analyse_cells(
    cells: IntArray,
    family: DesignFamily,
    size: DesignSize,
    assumptions: DesignAssumptions,
) -> dict[Measure, Tally]:
    """Give each study its crossed intervals and count what they show.

    Args:
        cells: `(studies, readers * cases)` as the family draws them.
        family: Where they come from.
        size: The design.
        assumptions: What is true, and what is to be shown.
    """
    k, table = family.k, family.table()
    true, null = true_values(table, assumptions), null_values(table, assumptions)
    tables = _tables(cells, k)
    influences = influence_of(tables, assumptions.acceptable)
    estimates = _estimates(tables, assumptions.acceptable)
    reader, case = (axis.ravel() for axis in np.indices((size.readers, size.cases)))
    clusters = Clusters(reader, case)
    tallies = {}
    for measure in MEASURES:
        of_cell = influences[measure].reshape(len(cells), k * k)
        spread = crossed_spread(clusters, np.take_along_axis(of_cell, cells, axis=1))
        margin = _margin(spread.variance, spread.df, assumptions.alpha)
        tallies[measure] = _tally(
            estimates[measure], margin, true[measure], null[measure]
        )
    return tallies


def _tables(cells: IntArray, k: int) -> FloatArray:
    """Shares of pairs of each study, `(studies, k, k)`."""
    studies, n = cells.shape
    numbered = cells + np.arange(studies)[:, None] * (k * k)
    counts = np.bincount(numbered.ravel(), minlength=studies * k * k)
    return np.asarray(counts.reshape(studies, k, k) / n)


def _estimates(tables: FloatArray, acceptable: int) -> dict[Measure, FloatArray]:
    of_test = tables[:, :, :acceptable].sum(axis=(1, 2))
    of_reference = tables[:, :acceptable].sum(axis=(1, 2))
    return {
        "kappa": cohen_kappas(tables).estimate,
        "agreement": np.trace(tables, axis1=1, axis2=2),
        "non_inferiority": of_test - of_reference,
    }


def _margin(variance: FloatArray, df: FloatArray, alpha: float) -> FloatArray:
    """Half the width of each interval; NaN where there is none."""
    error = np.sqrt(variance)
    known = np.isfinite(error) & (error > _NO_ERROR)
    quantile = stdtrit(np.where(known, df, 1.0), 1 - alpha / 2)
    return np.asarray(np.where(known, quantile * error, np.nan))


def _tally(estimate: FloatArray, margin: FloatArray, true: float, null: float) -> Tally:
    low, high = estimate - margin, estimate + margin
    known = np.isfinite(low)
    return Tally(
        studies=len(estimate),
        shown=int((low > null).sum()),
        covered=int(((low <= true) & (true <= high)).sum()),
        undefined=int((~known).sum()),
        width=float(2 * margin[known].sum()),
        estimate=float(estimate[known].sum()),
    )
