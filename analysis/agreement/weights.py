"""How much a pair of answers counts as agreement."""

from typing import Literal

import numpy as np

from analysis.arrays import FloatArray

Weights = Literal["linear", "quadratic"] | None


def agreement_weights(k: int, weights: Weights) -> FloatArray:
    """Give the `(k, k)` agreement weights: 1 on the diagonal, less beside it.

    Args:
        k: Number of categories, at least 2.
        weights: None counts exact agreement only; `linear` gives 1 - d / (k - 1) and
            `quadratic` 1 - d^2 / (k - 1)^2 at d steps on the scale (Cohen 1968,
            Fleiss and Cohen 1973).

    Raises:
        ValueError: If the name is unknown.

    Examples:
        >>> agreement_weights(3, "linear")
        array([[1. , 0.5, 0. ],
               [0.5, 1. , 0.5],
               [0. , 0.5, 1. ]])
    """
    if weights is None:
        return np.eye(k)
    if weights not in {"linear", "quadratic"}:
        msg = f"Weights must be None, 'linear' or 'quadratic', got {weights!r}"
        raise ValueError(msg)
    steps = np.arange(k)
    distance = np.abs(steps[:, None] - steps) / (k - 1)
    return np.asarray(1 - (distance if weights == "linear" else distance**2))
