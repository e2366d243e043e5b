"""Sums over the answers of each group, without the matrix of zeros and ones.

Every answer belongs to one group of each grouping, so it adds to a few cells only.
"""

import numpy as np

from analysis.arrays import FloatArray
from analysis.mixed_models.problem import OrdinalProblem


def sum_by_effect(problem: OrdinalProblem, values: FloatArray) -> FloatArray:
    """Sum `(n,)` or `(n, columns)` over the answers of each group, `(effects, ...)`."""
    columns = values.reshape(problem.n, -1)
    width = columns.shape[1]
    cells = problem.members[:, :, None] * width + np.arange(width)
    spread = np.broadcast_to(columns[:, None, :], cells.shape)
    size = problem.n_effects * width
    summed = np.bincount(cells.ravel(), spread.ravel(), minlength=size)
    return np.asarray(summed.reshape(problem.n_effects, *values.shape[1:]))


def curvature(
    problem: OrdinalProblem, weights: FloatArray, scale: FloatArray
) -> FloatArray:
    """Give H = I + S Z'WZ S, `(effects, effects)`.

    Args:
        problem: Holds Z, the membership of answers in groups.
        weights: `(n,)` diagonal of W.
        scale: `(effects,)` diagonal of S, the standard deviation of each effect.
    """
    members, size = problem.members, problem.n_effects
    cells = members[:, :, None] * size + members[:, None, :]
    spread = np.broadcast_to(weights[:, None, None], cells.shape)
    summed = np.bincount(cells.ravel(), spread.ravel(), minlength=size**2)
    result = summed.reshape(size, size) * scale[:, None] * scale
    result.flat[:: size + 1] += 1.0
    return np.asarray(result)


def variance_of_predictor(
    problem: OrdinalProblem, inverse: FloatArray, scale: FloatArray
) -> FloatArray:
    """Give the diagonal of Z S H^-1 S Z', `(n,)`."""
    members = problem.members
    scaled = inverse * scale[:, None] * scale
    return np.asarray(scaled[members[:, :, None], members[:, None, :]].sum((1, 2)))
