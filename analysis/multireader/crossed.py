"""Variance of a mean over pairs when readers and cases both are samples.

A pair's value is taken as effect of its case + effect of its reader + residual. If each
of m readers has read each of K cases, the variance of the mean is then
(MS_case + MS_reader - MS_residual) / (K m), from the analysis of variance.

All functions take values of many estimates at once, `(..., n)`, each row with mean 0,
of two readers and two cases at least.
"""

from typing import NamedTuple

import numpy as np

from analysis.arrays import FloatArray
from analysis.multireader.clusters import Clusters, Spread


class Components(NamedTuple):
    """Variance of one pair's value by its source, each `(...)`; may be negative."""

    case: FloatArray
    reader: FloatArray
    residual: FloatArray


def variance_components(clusters: Clusters, values: FloatArray) -> Components:
    """Split the variance of a pair into case, reader and residual.

    Henderson's method 1, unbiased with pairs missing; of a complete design it is the
    analysis of variance. What the design cannot tell apart, as the case from the
    residual where each case has one reader, is shared among the sources.

    References:
        Searle SR, Casella G, McCulloch CE. Variance Components. Wiley 1992, ch. 5.3.
    """
    squares = np.stack(
        [
            ((values @ clusters.of_case) ** 2 / clusters.per_case).sum(axis=-1),
            ((values @ clusters.of_reader) ** 2 / clusters.per_reader).sum(axis=-1),
            (values**2).sum(axis=-1),
        ],
        axis=-1,
    )
    components = squares @ _from_squares(clusters).T
    return Components(*np.moveaxis(components, -1, 0))


def crossed_spread(
    clusters: Clusters, values: FloatArray, *, conservative: bool = False
) -> Spread:
    """Take readers and cases as samples, with Satterthwaite's t.

    A component that comes out negative counts as 0: two sources cannot vary less than
    one of them.

    Args:
        clusters: Who read what.
        values: `(..., n)`.
        conservative: Do not take off the residual that the mean squares of cases and of
            readers both contain.

    References:
        Satterthwaite FE. Biometrics 1946;2:110. doi:10.2307/3002019
    """
    components = variance_components(clusters, values)
    at_least_0 = Components(*(np.maximum(part, 0.0) for part in components))
    return _spread_of(clusters, at_least_0, conservative=conservative)


def unbiased_spread(clusters: Clusters, values: FloatArray) -> Spread:
    """Take readers and cases as samples, negative components as they come.

    The variance may be negative too. Of a proportion in a complete design it is the
    U-statistic of Gallas (package iMRMC).

    References:
        Gallas BD. Acad Radiol 2006;13:353. doi:10.1016/j.acra.2005.11.030
    """
    return _spread_of(clusters, variance_components(clusters, values))


def _spread_of(
    clusters: Clusters, components: Components, *, conservative: bool = False
) -> Spread:
    n, n_cases, n_readers = clusters.n, clusters.n_cases, clusters.n_readers
    case, reader, residual = components
    of_case = case * _load(clusters.per_case)
    of_reader = reader * _load(clusters.per_reader)
    total = of_case + of_reader + (2 if conservative else 1) * residual
    uncertainty = (of_case + residual) ** 2 / (n_cases - 1)
    uncertainty += (of_reader + residual) ** 2 / (n_readers - 1)
    free = n - n_cases - n_readers + 1
    if free > 0 and not conservative:
        uncertainty += residual**2 / free
    with np.errstate(divide="ignore", invalid="ignore"):
        df = np.asarray(total**2 / uncertainty)
    return Spread(np.asarray(total / n), df)


def _load(per_cluster: FloatArray) -> float:
    """Mean number of pairs in the cluster of a pair; m for the cases of K x m."""
    return float((per_cluster**2).sum() / per_cluster.sum())


def _from_squares(clusters: Clusters) -> FloatArray:
    """`(3, 3)` from sums of squares (case, reader, total) to the components.

    Expectations of the sums, about the mean; their pseudo-inverse leaves 0 what the
    design says nothing about.
    """
    n, n_cases, n_readers = clusters.n, clusters.n_cases, clusters.n_readers
    of_case, of_reader = _load(clusters.per_case), _load(clusters.per_reader)
    expectations = [
        [n - of_case, n_cases - of_reader, n_cases - 1],
        [n_readers - of_case, n - of_reader, n_readers - 1],
        [n - of_case, n - of_reader, n - 1],
    ]
    return np.asarray(np.linalg.pinv(np.array(expectations, dtype=float), rcond=1e-10))
