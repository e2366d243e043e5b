"""Empirical ROC curves: of each reader, and of the mean of all readers."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.accuracy.scores import scores_of

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RocCurve:
    """A curve from (0, 0) to (1, 1).

    Attributes:
        false_positive: Share of non-diseased cases called diseased, rising.
        true_positive: Share of diseased cases called diseased, as long.
        thresholds: A rating from here on is a call, at each point; empty where the
            curve is a mean.
    """

    false_positive: FloatArray
    true_positive: FloatArray
    thresholds: tuple[float, ...] = ()

    @property
    def auc(self) -> float:
        """Area below the curve, its points joined by straight lines."""
        return float(np.trapezoid(self.true_positive, self.false_positive))

    def at(self, threshold: float) -> tuple[float, float]:
        """Return shares of false and of true positives where calls begin at a rating.

        Raises:
            ValueError: If the curve is a mean, which has no ratings.
        """
        if not self.thresholds:
            msg = "A mean of curves has no thresholds"
            raise ValueError(msg)
        called = np.asarray(self.thresholds) >= threshold
        point = int(called.sum()) - 1
        return float(self.false_positive[point]), float(self.true_positive[point])


def reader_curves(
    frame: Any,  # noqa: ANN401 - a data frame or a mapping
) -> dict[Hashable, dict[Hashable, RocCurve]]:
    """Return the curve of each reader under each modality.

    Args:
        frame: As `analysis.multireader_accuracy` takes it.

    Returns:
        By modality, then by reader. A reader without a rating of a diseased or of a
        non-diseased case has no curve.

    Raises:
        InputError: If the table cannot be used.
    """
    from sklearn.metrics import roc_curve  # slow to import

    scores = scores_of(frame)
    found: dict[Hashable, dict[Hashable, RocCurve]] = {}
    for modality, of_modality in zip(scores.modalities, scores.ratings, strict=True):
        curves = found.setdefault(modality, {})
        for reader, ratings in zip(scores.readers, of_modality, strict=True):
            rated = ~np.isnan(ratings)
            truth = scores.truth[rated]
            if truth.all() or not truth.any():
                continue
            points = roc_curve(truth, ratings[rated], drop_intermediate=False)
            false_positive, true_positive, thresholds = points
            curves[reader] = RocCurve(
                false_positive, true_positive, tuple(map(float, thresholds))
            )
    return found


def mean_curve(curves: Mapping[Hashable, RocCurve] | Sequence[RocCurve]) -> RocCurve:
    """Return the mean of curves, whose area is the mean of their areas.

    Curves are averaged where they cross lines along which one more false positive costs
    one true positive: neither sensitivity nor specificity is preferred, and the
    vertical parts of empirical curves do no harm.

    Args:
        curves: One or more.

    Raises:
        ValueError: If there is none.

    References:
        Chen W, Samuelson FW. Br J Radiol 2014;87:20140016. doi:10.1259/bjr.20140016
    """
    listed = list(curves.values() if isinstance(curves, Mapping) else curves)
    if not listed:
        msg = "At least one curve must be given, got none"
        raise ValueError(msg)
    called = [curve.false_positive + curve.true_positive for curve in listed]
    every = np.unique(np.concatenate(called))
    mean = [
        np.mean(
            [
                np.interp(every, along, getattr(curve, of))
                for along, curve in zip(called, listed, strict=True)
            ],
            axis=0,
        )
        for of in ("false_positive", "true_positive")
    ]
    return RocCurve(mean[0], mean[1])
