"""Bangdiwala's B: the share of the agreement chart that agreement covers."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from analysis.agreement.batch import StepWeights, agreement_weights
from analysis.agreement.chance_corrected import ALL_AGREE, NO_PAIRS, ONE_PAIR
from analysis.agreement.result import AgreementResult
from analysis.arrays import FloatArray
from analysis.columns import takes_ratings
from analysis.tables import ContingencyTable


@takes_ratings(scale_matters=False)
def bangdiwala_b(
    table: ContingencyTable, weights: StepWeights | Sequence[float] | None = None
) -> AgreementResult:
    """Bangdiwala's B, or weighted B, with its delta-method standard error.

    Args:
        table: Pairs of answers.
        weights: None for exact agreement; `linear` or `quadratic` over all steps of the
            scale; or a weight per step from 1 (exact) on; R's vcd takes
            `(1, 1 - 1 / (k - 1) ** 2)` if not told otherwise.

    Raises:
        ValueError: If the weights do not start at 1 or do not fall from 1 to 0.

    References:
        Bangdiwala SI, Shankar V. BMC Med Res Methodol 2013;13:97.
        doi:10.1186/1471-2288-13-97. Values as in R's vcd, `agreementplot`.

    Examples:
        >>> round(bangdiwala_b(ContingencyTable([[104, 13], [14, 9]])).estimate, 4)
        0.7614
    """
    steps = _step_weights(table.k, weights)
    if table.n == 0:
        return AgreementResult(math.nan, math.nan, 0, NO_PAIRS)
    p = table.counts / table.n
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    whole = float(rows @ columns)
    if whole == 0:
        reason = "no category was drawn by both methods, so the chart has no rectangles"
        return AgreementResult(math.nan, math.nan, table.n, reason)
    agreement = _agreement_area(p, steps)
    estimate = float(agreement.area) / whole
    slope = (agreement.slope - estimate * (columns[:, None] + rows)) / whole
    influence = slope - (p * slope).sum()
    return AgreementResult(
        estimate,
        math.sqrt(float((p * influence**2).sum()) / table.n),
        table.n,
        _reason(table),
    )


class AgreementArea(NamedTuple):
    """Weighted area of agreement in the chart, and its slope in each cell."""

    area: float
    slope: FloatArray


def _agreement_area(p: FloatArray, steps: Sequence[float]) -> AgreementArea:
    """Add up, over the steps, what each widening of the agreement strip gains."""
    position = np.arange(len(p))
    distance = np.abs(position[:, None] - position)
    area, slope = 0.0, np.zeros_like(p)
    for step, gain in enumerate(-np.diff(steps, append=0)):
        within = distance <= step
        wide, high = (p * within).sum(axis=0), (p * within).sum(axis=1)
        area += gain * float(wide @ high)
        slope += gain * within * (wide[:, None] + high)
    return AgreementArea(area, slope)


def _step_weights(k: int, weights: StepWeights | Sequence[float] | None) -> list[float]:
    if weights is None or isinstance(weights, str):
        return [float(w) for w in agreement_weights(k, weights)[0]]
    steps = [float(w) for w in weights]
    falling = all(a >= b for a, b in pairwise([*steps, 0.0]))
    if not steps or steps[0] != 1 or len(steps) > k or not falling:
        msg = f"Step weights must start at 1 and fall to 0 in {k} steps, got {steps}"
        raise ValueError(msg)
    return steps


def _reason(table: ContingencyTable) -> str | None:
    if table.n == 1:
        return ONE_PAIR
    return ALL_AGREE if table.n_agree == table.n else None
