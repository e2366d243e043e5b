"""The error of a mean over pairs, or of what is one to first order."""

import math

import numpy as np
from numpy.typing import ArrayLike

from analysis.multireader.clusters import Clusters
from analysis.multireader.estimate import ClusteredEstimate, Variance
from analysis.multireader.linearised import Linearised, with_variance


def from_influence(
    estimate: float,
    influence: ArrayLike,
    readers: ArrayLike,
    cases: ArrayLike,
    variance: Variance = "crossed",
) -> ClusteredEstimate:
    """Give the error of an estimate that is, to first order, a mean over pairs.

    The jackknife and the bootstraps are those of that mean.

    Args:
        estimate: The estimate.
        influence: `(n,)` influence of each pair on it, centred: their mean is 0, and
            the sum of squares over n^2 is the variance of independent pairs.
        readers: `(n,)` whole numbers, one per reader.
        cases: `(n,)` whole numbers, one per case.
        variance: What varies from study to study: `independent` pairs, cases
            (`patient`, `jackknife`, `patient_bootstrap`), or readers and cases
            (`crossed`, `crossed_conservative`, `pigeonhole`).

    Raises:
        ValueError: If the three differ in length or the variance is unknown.

    Examples:
        >>> gap = [-0.5, 0.5, 0.5, -0.5]
        >>> from_influence(0.7, gap, [1, 2, 1, 2], [1, 1, 2, 2], "independent")
        ... # doctest: +ELLIPSIS
        ClusteredEstimate(estimate=0.7, standard_error=0.25, df=inf, n=4, ...
    """
    values = np.asarray(influence, dtype=np.float64)
    reader, case = np.asarray(readers), np.asarray(cases)
    if values.ndim != 1 or not values.shape == reader.shape == case.shape:
        got = f"{values.shape}, {reader.shape} and {case.shape}"
        msg = f"Influence, readers and cases must be (n,) each, got {got}"
        raise ValueError(msg)
    linear = Linearised(estimate, values, Clusters(reader, case))
    return with_variance(linear, variance)


def mean_of(
    values: ArrayLike,
    readers: ArrayLike,
    cases: ArrayLike,
    variance: Variance = "crossed",
) -> ClusteredEstimate:
    """Mean of a value per pair, such as 1 where both answers agree.

    Args:
        values: `(n,)` numbers.
        readers: `(n,)` whole numbers, one per reader.
        cases: `(n,)` whole numbers, one per case.
        variance: What varies; see `from_influence`.

    Raises:
        ValueError: If the three differ in length or the variance is unknown.
    """
    given = np.asarray(values, dtype=np.float64)
    mean = float(given.mean()) if given.size else math.nan
    return from_influence(mean, given - mean, readers, cases, variance)
