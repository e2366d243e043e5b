"""Power and sample size for kappa of two methods."""

from analysis.power.interval import interval_figures
from analysis.power.normal import (
    PowerTest,
    UnattainableKappaError,
    actual_margins,
    cantor,
    design_effect,
    detectable_kappa,
    flack,
    gof_power,
    gof_sample_size,
    largest_icc,
    normal_power,
    normal_sample_size,
)
from analysis.power.overview import PowerFigures, StudySize, power_overview

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
    "interval_figures",
    "largest_icc",
    "normal_power",
    "normal_sample_size",
    "power_overview",
]
