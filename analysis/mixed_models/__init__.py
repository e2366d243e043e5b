"""Ordinal mixed models: do two methods get different answers, reader and case apart."""

from analysis.mixed_models.fitting import fit, likelihood_ratio_test
from analysis.mixed_models.problem import crossing
from analysis.mixed_models.result import (
    Coefficient,
    LikelihoodRatioTest,
    OddsRatio,
    OrdinalMixedModel,
)

__all__ = [
    "Coefficient",
    "LikelihoodRatioTest",
    "OddsRatio",
    "OrdinalMixedModel",
    "crossing",
    "fit",
    "likelihood_ratio_test",
]
