"""What a study of readers x cases may be about: kappa, agreement, non-inferiority."""

import numpy as np

from analysis.arrays import FloatArray
from analysis.power.design import DesignAssumptions, Measure


def kappa_influence(table: FloatArray) -> FloatArray:
    """Influence of a pair with each two answers on kappa, `(..., k, k)`.

    Args:
        table: `(..., k, k)` shares of pairs, which sum to 1.
    """
    rows, columns = table.sum(axis=-1), table.sum(axis=-2)
    expected = (rows * columns).sum(axis=-1)[..., None, None]
    agree = np.eye(table.shape[-1])
    observed = (table * agree).sum(axis=(-2, -1))[..., None, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        kappa = (observed - expected) / (1 - expected)
        chance = columns[..., :, None] + rows[..., None, :] - 2 * expected
        return np.asarray((agree - observed - (1 - kappa) * chance) / (1 - expected))


def influence_of(table: FloatArray, acceptable: int) -> dict[Measure, FloatArray]:
    """Influence of each pair of answers on each measure, `(..., k, k)`, centred."""
    k = table.shape[-1]
    agree = np.eye(k)
    good = (np.arange(k) < acceptable).astype(float)
    gain = good - good[:, None]

    def centred(value: FloatArray) -> FloatArray:
        return np.asarray(value - (table * value).sum((-2, -1))[..., None, None])

    return {
        "kappa": kappa_influence(table),
        "agreement": centred(agree),
        "non_inferiority": centred(gain),
    }


def true_values(
    table: FloatArray, assumptions: DesignAssumptions
) -> dict[Measure, float]:
    """What the three estimates aim at."""
    best = assumptions.acceptable
    difference = assumptions.columns[:best].sum() - assumptions.rows[:best].sum()
    return {
        "kappa": assumptions.kappa,
        "agreement": float(np.trace(table)),
        "non_inferiority": float(difference),
    }


def null_values(
    table: FloatArray, assumptions: DesignAssumptions
) -> dict[Measure, float]:
    """What their lower confidence limits are to exceed."""
    expected = float(table.sum(axis=0) @ table.sum(axis=1))
    return {
        "kappa": assumptions.null,
        "agreement": expected + assumptions.null * (1 - expected),
        "non_inferiority": -assumptions.margin,
    }
