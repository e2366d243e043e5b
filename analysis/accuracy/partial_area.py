"""Partial AUC: mean sensitivity while few of the others are called diseased."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.accuracy.cells import LeftOut
from analysis.accuracy.scores import Scores, scores_of
from analysis.accuracy.study import MultireaderAccuracy, Random, Ways, study_of
from analysis.errors import InputError, as_number

FloatArray = NDArray[np.float64]


def partial_auc(
    frame: Any,  # noqa: ANN401 - a data frame or a mapping
    false_positive_rate: float = 0.2,
    random: Random = "readers_and_cases",
) -> MultireaderAccuracy:
    """Return the mean sensitivity over small false positive rates, per modality.

    It is the area below the empirical ROC curve, its points joined, from 0 to a rate,
    divided by that rate; chance gives half the rate. Errors are those of the jackknife
    over cases, analysed after Obuchowski and Rockette.

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
    scores = scores_of(frame)
    ways = Ways(random=random)
    return study_of(scores, _cells(scores, rate), "partial_auc", ways)


def _cells(scores: Scores, rate: float) -> LeftOut:
    values, left_out = [], []
    for ratings in scores.cells:
        value = _area(ratings, scores.truth, rate)
        values.append(value)
        left_out.append([
            value
            if np.isnan(rating)
            else _area(np.delete(ratings, case), np.delete(scores.truth, case), rate)
            for case, rating in enumerate(ratings)
        ])  # fmt: skip
    return LeftOut(np.array(values), np.array(left_out))


def _area(ratings: FloatArray, truth: NDArray[np.bool_], rate: float) -> float:
    """Return the area up to a rate, divided by it; NaN without one of the classes."""
    held = ~np.isnan(ratings)
    sick, well = ratings[held & truth], ratings[held & ~truth]
    if not (sick.size and well.size):
        return float("nan")
    cuts = np.unique(np.concatenate([sick, well]))
    false, true = (
        1 - np.searchsorted(np.sort(side), cuts) / side.size for side in (well, sick)
    )
    x, y = (np.concatenate([[0.0], side[::-1]]) for side in (false, true))
    beyond = int((x >= rate).argmax())  # the lowest of several points at the rate
    run = (rate - x[beyond - 1]) / (x[beyond] - x[beyond - 1])
    at_rate = y[beyond - 1] + run * (y[beyond] - y[beyond - 1])
    x, y = np.append(x[:beyond], rate), np.append(y[:beyond], at_rate)
    return float(np.trapezoid(y, x)) / rate
