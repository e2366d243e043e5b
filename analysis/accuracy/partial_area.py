"""Partial AUC: mean sensitivity while few of the others are called diseased."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.accuracy.cells import LeftOut
from analysis.accuracy.scores import Scores, scores_of
from analysis.accuracy.study import MultireaderAccuracy, Random, Ways, study_of
from analysis.errors import InputError, as_number

FloatArray = NDArray[np.float64]

_FEWEST_BELOW = 5  # with 1.4, intervals for decisions cover in 88 %


def partial_auc(
    frame: Any,  # noqa: ANN401 - a data frame or a mapping
    false_positive_rate: float = 0.2,
    random: Random = "readers_and_cases",
) -> MultireaderAccuracy:
    """Return the mean sensitivity over small false positive rates, per modality.

    It is the area below the empirical ROC curve, its points joined, from 0 to a rate,
    divided by that rate; chance gives half the rate. Errors are those of the jackknife
    over cases, analysed after Obuchowski and Rockette. Limits `for_decisions` lie
    around the estimate less its bias, which is that of few cases below the rate; with
    fewer than 5 there is no interval of a modality.

    Args:
        frame: As `multireader_accuracy` takes it.
        false_positive_rate: Largest share of others that are called diseased.
        random: What is a sample, as there.

    Raises:
        InputError: If the table or the rate cannot be used.

    References:
        McClish DK. Med Decis Making 1989;9:190. doi:10.1177/0272989X8900900307
    """
    rate = as_number("False positive rate", false_positive_rate)
    if not 0 < rate <= 1:
        msg = f"False positive rate must be above 0 and at most 1, got {rate:g}"
        raise InputError(msg)
    return partial_area_of(scores_of(frame), rate, random)


def partial_area_of(
    scores: Scores, rate: float, random: Random = "readers_and_cases"
) -> MultireaderAccuracy:
    """Return what `partial_auc` does, of ratings that are an array already."""
    study = study_of(scores, _cells(scores, rate), "partial_auc", Ways(random=random))
    below = rate * int((~scores.truth).sum())
    if below >= _FEWEST_BELOW or random == "readers":
        return study
    reason = (
        f"limits need {_FEWEST_BELOW} cases without disease below the rate; a rate of "
        f"{rate:g} has {below:.3g} of {int((~scores.truth).sum())}"
    )
    return replace(study, _no_limits=reason)


def _cells(scores: Scores, rate: float) -> LeftOut:
    found = [_left_out(ratings, scores.truth, rate) for ratings in scores.cells]
    values, left_out = zip(*found, strict=True)
    return LeftOut(np.array(values), np.array(left_out), scores.truth)


def _left_out(
    ratings: FloatArray, truth: NDArray[np.bool_], rate: float
) -> tuple[float, FloatArray]:
    """Return the area, and the area without each case; NaN without one of the classes.

    From the highest rating of a case without disease down, the curve moves by the share
    of such cases to the right and rises by the diseased ones in between.
    """
    held = ~np.isnan(ratings)
    sick, well = ratings[held & truth], ratings[held & ~truth]
    if not (sick.size and well.size):
        return np.nan, np.full(ratings.size, np.nan)
    falling, of_well, counts = np.unique(-well, return_inverse=True, return_counts=True)
    above = (sick[:, None] > -falling).astype(float)
    reached = (sick[:, None] >= -falling).astype(float)
    curve = np.array([above.mean(axis=0), reached.mean(axis=0)])
    value = float(_area(counts / well.size, curve, rate))
    without = np.full(ratings.size, value)
    sums = np.array([above.sum(axis=0) - above, reached.sum(axis=0) - reached])
    fewer = sums / (sick.size - 1) if sick.size > 1 else np.full(sums.shape, np.nan)
    without[held & truth] = _area(counts / well.size, fewer, rate)
    steps = counts - np.eye(counts.size)
    steps = steps / (well.size - 1) if well.size > 1 else np.full(steps.shape, np.nan)
    without[held & ~truth] = _area(steps, curve, rate)[of_well]
    return value, without


def _area(steps: FloatArray, curve: FloatArray, rate: float) -> FloatArray:
    """Return the area up to a rate, divided by it.

    Args:
        steps: `(..., steps)` shares by which the curve moves to the right.
        curve: `(2, ..., steps)` its height before and after each step.
        rate: Where the area ends, which may be within a step.
    """
    before = np.cumsum(steps, axis=-1) - steps
    share = np.divide(rate - before, steps, out=np.zeros_like(before), where=steps != 0)
    share = np.clip(share, 0.0, 1.0)
    height = curve[0] + share * (curve[1] - curve[0]) / 2
    found: FloatArray = (share * steps * height).sum(axis=-1) / rate
    return found
