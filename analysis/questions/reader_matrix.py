"""How each two readers agree with one another under one method."""

import numpy as np

from analysis.agreement.batch import cohen_kappas
from analysis.arrays import FloatArray, IntArray


def reader_tables(ratings: FloatArray, k: int) -> IntArray:
    """Count the answers of each two readers to the cases that both answered.

    Args:
        ratings: `(cases, readers)` positions on the scale, NaN where missing.
        k: Number of answers on the scale.

    Returns:
        `(readers, readers, k, k)`; of reader i in rows, of reader j in columns.

    Examples:
        >>> reader_tables(np.array([[0, 1], [1, 1], [0, np.nan]]), 2)[0, 1].tolist()
        [[0, 1], [0, 1]]
    """
    n_cases, n_readers = ratings.shape
    chosen = (ratings[:, :, None] == np.arange(k)).astype(np.float64)
    flat = chosen.reshape(n_cases, n_readers * k)
    counts = (flat.T @ flat).reshape(n_readers, k, n_readers, k)
    return np.asarray(np.rint(counts.transpose(0, 2, 1, 3)), dtype=np.int64)


def reader_kappas(ratings: FloatArray, k: int) -> FloatArray:
    """Return Cohen's kappa of each two readers, `(readers, readers)`.

    NaN on the diagonal, and where two readers share no case or both gave one same
    answer throughout. Arguments are those of `reader_tables`.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        kappas = np.array(cohen_kappas(reader_tables(ratings, k)).estimate)
    np.fill_diagonal(kappas, np.nan)
    return kappas
