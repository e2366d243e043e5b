"""Accuracy of several readers against a truth: AUC, sensitivity and specificity."""

from analysis.accuracy.calls import (
    LikelihoodRatios,
    likelihood_ratios,
    mcnemar_by_reader,
)
from analysis.accuracy.inference import Equality, Inference, NonInferiority
from analysis.accuracy.localisation import froc_area, lroc_area
from analysis.accuracy.partial_area import partial_auc
from analysis.accuracy.study import MultireaderAccuracy, multireader_accuracy

__all__ = [
    "Equality",
    "Inference",
    "LikelihoodRatios",
    "MultireaderAccuracy",
    "NonInferiority",
    "froc_area",
    "likelihood_ratios",
    "lroc_area",
    "mcnemar_by_reader",
    "multireader_accuracy",
    "partial_auc",
]
