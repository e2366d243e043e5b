"""Power and sample size for kappa of two methods."""

from analysis.power.clustering import design_effect, largest_icc
from analysis.power.goodness_of_fit import gof_power, gof_sample_size
from analysis.power.normal import (
    PowerTest,
    UnattainableKappaError,
    detectable_kappa,
    normal_power,
    normal_sample_size,
)
from analysis.power.overview import PowerFigures, StudySize, power_overview
from analysis.power.variances import actual_margins, cantor, flack

__all__ = [
    "PowerFigures",
    "PowerTest",
    "StudySize",
    "UnattainableKappaError",
    "actual_margins",
    "cantor",
    "design_effect",
    "detectable_kappa",
    "flack",
    "gof_power",
    "gof_sample_size",
    "largest_icc",
    "normal_power",
    "normal_sample_size",
    "power_overview",
]
