"""Kappa, agreement and AC1 of pairs of answers that share readers and cases."""

from dataclasses import dataclass

import numpy as np

from analysis.agreement import batch
from analysis.arrays import FloatArray, IntArray
from analysis.columns import Scale
from analysis.multireader import estimate as multireader_estimate
from analysis.multireader import score
from analysis.multireader.clusters import Bootstrap, Clusters, resampled_sums
from analysis.multireader.pairs import Columns, Pairs, as_pairs


def _no_chance(x: FloatArray, _w: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Chance of percent agreement: nothing is taken off."""
    return np.zeros(x.shape[:-2]), np.zeros_like(x)


@dataclass(frozen=True)
class Coefficient:
    """An agreement coefficient.

    Attributes:
        chance: What agreement it expects by chance.
        weights: None, `linear` or `quadratic`.
    """

    chance: batch.Chance
    weights: batch.Weights = None

    @classmethod
    def kappa(cls, weights: batch.Weights = None) -> "Coefficient":
        """Cohen's kappa, also weighted."""
        return cls(batch.product_of_margins, weights)

    @classmethod
    def ac(cls, weights: batch.Weights = None) -> "Coefficient":
        """Gwet's AC1; AC2 with weights."""
        return cls(batch.gwet_chance, weights)

    @classmethod
    def agreement(cls, weights: batch.Weights = None) -> "Coefficient":
        """Observed agreement, also weighted."""
        return cls(_no_chance, weights)

    @property
    def scale_matters(self) -> bool:
        """Whether it depends on categories that nobody chose, or on their order."""
        return self.weights is not None or self.chance is batch.gwet_chance

    def of_tables(self, counts: IntArray | FloatArray) -> FloatArray:
        """Return the coefficient of tables `(..., k, k)`; NaN where undefined."""
        return batch.estimates(counts, self._of_cells(counts), self.chance)

    def influence(self, counts: IntArray | FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the coefficient of tables and what a pair in each cell contributes.

        Args:
            counts: `(..., k, k)` pairs of answers.

        Returns:
            The coefficient `(...)` and the influence `(..., k, k)`; its mean over the
            pairs of a table is 0.
        """
        return batch.influence_of_pairs(counts, self._of_cells(counts), self.chance)

    def _of_cells(self, counts: IntArray | FloatArray) -> FloatArray:
        """`(k, k)` agreement weights."""
        return batch.agreement_weights(counts.shape[-1], self.weights)


def clustered_kappa(
    pairs: Pairs | Columns,
    variance: multireader_estimate.Variance = "crossed",
    weights: batch.Weights = None,
    bootstrap: Bootstrap | None = None,
    *,
    categories: Scale | None = None,
) -> multireader_estimate.ClusteredEstimate:
    """Cohen's kappa of all pairs, with an error that knows who read what.

    Args:
        pairs: `Pairs`, or a data frame or mapping with the columns `reader`, `case`,
            `reference` and `test`.
        variance: What varies from study to study. `crossed`: readers and cases, the
            headline of a study in which readers read the same cases; `patient`,
            `jackknife`, `patient_bootstrap`: cases, for these very readers;
            `pigeonhole`: readers and cases by resampling; `independent`: every pair for
            itself, as the Fleiss-Cohen-Everitt error has it.
        weights: None, `linear` or `quadratic`.
        bootstrap: How to resample, for the two that do.
        categories: The scale in its order; with weights columns need it, for they do
            not tell what nobody answered.

    Raises:
        TypeError: If `pairs` is neither.
        ValueError: If a column is missing, or pairs, variance, weights or categories
            do not fit.

    References:
        Fleiss JL, Cohen J, Everitt BS. Psychol Bull 1969;72:323. doi:10.1037/h0028106
        Yang Z, Zhou M. Comput Stat Data Anal 2015;82:1.
        Gallas BD. Acad Radiol 2006;13:353. doi:10.1016/j.acra.2005.11.030

    Examples:
        >>> study = {
        ...     "reader": "AAAABBBB",
        ...     "case": "wxyzwxyz",
        ...     "reference": [1, 1, 0, 0] * 2,
        ...     "test": [1, 0, 0, 0, 1, 1, 0, 1],
        ... }
        >>> kappa = clustered_kappa(study, "patient")
        >>> round(kappa.estimate, 3), round(kappa.standard_error, 3), kappa.df
        (0.5, 0.289, 3.0)
    """
    coefficient = Coefficient.kappa(weights)
    given = as_pairs(pairs, categories, scale_matters=coefficient.scale_matters)
    return with_clustered_error(given, coefficient, variance, bootstrap)


def clustered_agreement(
    pairs: Pairs | Columns,
    variance: multireader_estimate.Variance = "crossed",
    weights: batch.Weights = None,
    bootstrap: Bootstrap | None = None,
    *,
    categories: Scale | None = None,
) -> multireader_estimate.ClusteredEstimate:
    """Share of pairs that agree; with weights, near misses count in part.

    Its limits are cut off at 0 and 1. Arguments and errors are those of
    `clustered_kappa`.
    """
    coefficient = Coefficient.agreement(weights)
    given = as_pairs(pairs, categories, scale_matters=coefficient.scale_matters)
    return with_clustered_error(given, coefficient, variance, bootstrap)


def clustered_ac1(
    pairs: Pairs | Columns,
    variance: multireader_estimate.Variance = "crossed",
    weights: batch.Weights = None,
    bootstrap: Bootstrap | None = None,
    *,
    categories: Scale | None = None,
) -> multireader_estimate.ClusteredEstimate:
    """Gwet's AC1 of all pairs (AC2 with weights), which counts unused categories.

    Arguments and errors are those of `clustered_kappa`, except that columns always
    need `categories`.
    """
    coefficient = Coefficient.ac(weights)
    given = as_pairs(pairs, categories, scale_matters=coefficient.scale_matters)
    return with_clustered_error(given, coefficient, variance, bootstrap)


def with_clustered_error(
    pairs: Pairs,
    coefficient: Coefficient,
    variance: multireader_estimate.Variance,
    bootstrap: Bootstrap | None = None,
) -> multireader_estimate.ClusteredEstimate:
    """Return a coefficient of all pairs with the error asked for.

    Where the error is not from resampling, nor that of independent pairs, the interval
    is the score interval of the effective number of pairs.
    """
    linear = linearise(pairs, coefficient)
    anew = _FromTables(pairs, coefficient, linear.clusters)
    found = multireader_estimate.with_variance(linear, variance, bootstrap, anew)
    if variance not in score.SCORED or not pairs.n:
        return found
    if coefficient == Coefficient.agreement():
        truths = score.proportions(found.estimate, pairs.n)
    else:
        truths = score.tilted_tables(pairs.table.counts, coefficient.influence)
    return score.with_score_interval(found, truths)


def linearise(
    pairs: Pairs, coefficient: Coefficient
) -> multireader_estimate.Linearised:
    """Return a coefficient with the influence of each pair on it."""
    counts = pairs.table.counts
    estimate, by_cell = coefficient.influence(counts)
    return multireader_estimate.Linearised(
        estimate=float(estimate),
        influence=by_cell[pairs.reference, pairs.test],
        clusters=Clusters(pairs.reader, pairs.case),
        undefined_reason=multireader_estimate.why_undefined(
            pairs, chance_from_margins=coefficient.chance is batch.product_of_margins
        ),
        cautions=multireader_estimate.skewed_margins(pairs),
        bounds=(0.0 if coefficient.chance is _no_chance else -1.0, 1.0),
    )


@dataclass(frozen=True, eq=False)
class _FromTables:
    """Computes a coefficient anew from the table of some of the pairs."""

    pairs: Pairs
    coefficient: Coefficient
    clusters: Clusters

    def resampled(self, bootstrap: Bootstrap, *, readers_too: bool) -> FloatArray:
        """Return the coefficient of each resample, `(resamples,)`; NaN if undefined."""
        sums = resampled_sums(
            self.clusters, self._cells(), bootstrap, readers_too=readers_too
        )
        return self._of_cells(sums)

    def without_each_case(self) -> FloatArray:
        """Return the coefficient without each case in turn, `(cases,)`."""
        cells = self._cells()
        return self._of_cells(cells.sum(axis=0) - self.clusters.of_case.T @ cells)

    def _cells(self) -> FloatArray:
        """`(n, k^2)` the cell of the table that each pair is in."""
        cell = self.pairs.reference * self.pairs.k + self.pairs.test
        return np.asarray(np.eye(self.pairs.k**2)[cell])

    def _of_cells(self, sums: FloatArray) -> FloatArray:
        tables = sums.reshape(-1, self.pairs.k, self.pairs.k)
        return self.coefficient.of_tables(tables)
