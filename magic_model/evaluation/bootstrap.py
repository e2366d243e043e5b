"""Intervals of means by drawing whole patients with replacement."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

FEWEST_PATIENTS = 3
"""With fewer, no interval is given: there is next to nothing to draw from."""

RESAMPLES = 5000


def bootstrap_intervals(
    values: Array,
    rng: np.random.Generator,
    *,
    confidence_level: float = 0.95,
    resamples: int = RESAMPLES,
) -> Array:
    """Percentile intervals of the mean of each column, all from the same draws.

    Args:
        values: `(patients, columns)`, NaN where undefined; these are left out.
        rng: Source of chance.
        confidence_level: Between 0 and 1.
        resamples: How often patients are drawn.

    Returns:
        `(2, columns)` lower and upper limits, NaN for columns with fewer than three
        values.

    Raises:
        ValueError: If the level is not between 0 and 1.
    """
    if not 0 < confidence_level < 1:
        msg = f"Confidence level must be between 0 and 1, got {confidence_level}"
        raise ValueError(msg)
    n, columns = values.shape
    limits = np.full((2, columns), np.nan)
    known = np.isfinite(values)
    enough = known.sum(axis=0) >= FEWEST_PATIENTS
    if not enough.any():
        return limits
    # (resamples, patients): how often each patient is drawn.
    drawn = rng.multinomial(n, np.full(n, 1 / n), size=resamples).astype(np.float64)
    sums = drawn @ np.where(known, values, 0.0)[:, enough]
    counts = drawn @ known[:, enough].astype(np.float64)
    means = np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)
    tail = (1 - confidence_level) / 2
    limits[:, enough] = np.nanquantile(means, [tail, 1 - tail], axis=0)
    return limits
