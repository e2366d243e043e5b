"""Agreement of two methods when readers read the same cases."""

from dataclasses import dataclass

import numpy as np

from analysis.agreement.batch import product_of_margins
from analysis.agreement.weights import Weights
from analysis.arrays import FloatArray
from analysis.multireader.bootstrap import Bootstrap, resampled_sums
from analysis.multireader.cautions import skewed_margins, why_undefined
from analysis.multireader.clusters import Clusters
from analysis.multireader.columns import Columns, as_pairs
from analysis.multireader.estimate import ClusteredEstimate, Variance
from analysis.multireader.influence import Coefficient, no_chance
from analysis.multireader.linearised import Linearised, with_variance
from analysis.multireader.pairs import Pairs


def clustered_kappa(
    pairs: Pairs | Columns,
    variance: Variance = "crossed",
    weights: Weights = None,
    bootstrap: Bootstrap | None = None,
) -> ClusteredEstimate:
    """Cohen's kappa of all pairs, with an error that knows who read what.

    Args:
        pairs: `Pairs`, or columns `reader`, `case`, `reference`, `test`; with weights
            it must be `Pairs`, which know the scale.
        variance: What varies from study to study. `crossed`: readers and cases, the
            headline of a study in which readers read the same cases; `patient`,
            `jackknife`, `patient_bootstrap`: cases, for these very readers;
            `pigeonhole`: readers and cases by resampling; `independent`: every pair for
            itself, as the Fleiss-Cohen-Everitt error has it.
        weights: None, `linear` or `quadratic`.
        bootstrap: How to resample, for the two that do.

    Raises:
        ValueError: If the pairs, the variance or the weights are not such.

    References:
        Fleiss JL, Cohen J, Everitt BS. Psychol Bull 1969;72:323. doi:10.1037/h0028106
        Yang Z, Zhou M. Comput Stat Data Anal 2015;82:1.
        Gallas BD. Acad Radiol 2006;13:353. doi:10.1016/j.acra.2005.11.030

    Examples:
        >>> study = Pairs.from_labels(
        ...     "AAAABBBB",
        ...     "wxyzwxyz",
        ...     [1, 1, 0, 0] * 2,
        ...     [1, 0, 0, 0, 1, 1, 0, 1],
        ...     [0, 1],
        ... )
        >>> kappa = clustered_kappa(study, "patient")
        >>> round(kappa.estimate, 3), round(kappa.standard_error, 3), kappa.df
        (0.5, 0.289, 3.0)
    """
    given = as_pairs(pairs, scale_matters=weights is not None)
    return clustered(given, Coefficient.kappa(weights), variance, bootstrap)


def clustered_agreement(
    pairs: Pairs | Columns,
    variance: Variance = "crossed",
    weights: Weights = None,
    bootstrap: Bootstrap | None = None,
) -> ClusteredEstimate:
    """Share of pairs that agree; with weights, near misses count in part.

    Its limits are cut off at 0 and 1. Arguments and errors are those of
    `clustered_kappa`.
    """
    given = as_pairs(pairs, scale_matters=weights is not None)
    return clustered(given, Coefficient.agreement(weights), variance, bootstrap)


def clustered_ac1(
    pairs: Pairs,
    variance: Variance = "crossed",
    weights: Weights = None,
    bootstrap: Bootstrap | None = None,
) -> ClusteredEstimate:
    """Gwet's AC1 of all pairs (AC2 with weights), which counts unused categories.

    Arguments and errors are those of `clustered_kappa`, except that `pairs` must be
    `Pairs`, which know the scale.
    """
    given = as_pairs(pairs, scale_matters=True)
    return clustered(given, Coefficient.ac(weights), variance, bootstrap)


def clustered(
    pairs: Pairs,
    coefficient: Coefficient,
    variance: Variance,
    bootstrap: Bootstrap | None = None,
) -> ClusteredEstimate:
    """Give a coefficient of all pairs the error that was asked for."""
    linear = linearise(pairs, coefficient)
    anew = _FromTables(pairs, coefficient, linear.clusters)
    return with_variance(linear, variance, bootstrap, anew)


def linearise(pairs: Pairs, coefficient: Coefficient) -> Linearised:
    """Give a coefficient with the influence of each pair on it."""
    counts = pairs.table.counts
    estimate, by_cell = coefficient.influence(counts)
    return Linearised(
        estimate=float(estimate),
        influence=by_cell[pairs.reference, pairs.test],
        clusters=Clusters(pairs.reader, pairs.case),
        undefined_reason=why_undefined(
            pairs, chance_from_margins=coefficient.chance is product_of_margins
        ),
        cautions=skewed_margins(pairs),
        bounds=(0.0, 1.0) if coefficient.chance is no_chance else (-np.inf, np.inf),
    )


@dataclass(frozen=True, eq=False)
class _FromTables:
    """Computes a coefficient anew from the table of some of the pairs."""

    pairs: Pairs
    coefficient: Coefficient
    clusters: Clusters

    def resampled(self, bootstrap: Bootstrap, *, readers_too: bool) -> FloatArray:
        """Give the coefficient of each resample, `(resamples,)`; NaN if undefined."""
        sums = resampled_sums(
            self.clusters, self._cells(), bootstrap, readers_too=readers_too
        )
        return self._of_cells(sums)

    def without_each_case(self) -> FloatArray:
        """Give the coefficient without each case in turn, `(cases,)`."""
        cells = self._cells()
        return self._of_cells(cells.sum(axis=0) - self.clusters.of_case.T @ cells)

    def _cells(self) -> FloatArray:
        """`(n, k^2)` the cell of the table that each pair is in."""
        cell = self.pairs.reference * self.pairs.k + self.pairs.test
        return np.asarray(np.eye(self.pairs.k**2)[cell])

    def _of_cells(self, sums: FloatArray) -> FloatArray:
        tables = sums.reshape(-1, self.pairs.k, self.pairs.k)
        return self.coefficient.of_tables(tables)
