"""Accuracy of several readers against a truth: AUC, sensitivity and specificity."""

from analysis.accuracy.inference import Equality, Inference, NonInferiority
from analysis.accuracy.study import MultireaderAccuracy, multireader_accuracy

__all__ = [
    "Equality",
    "Inference",
    "MultireaderAccuracy",
    "NonInferiority",
    "multireader_accuracy",
]
