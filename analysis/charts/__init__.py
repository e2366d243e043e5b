"""Figures; each function draws on the axes it is given."""

from analysis.charts.agreement_chart import agreement_chart
from analysis.charts.forest import forest_plot
from analysis.charts.power_curve import power_against_icc, power_against_pairs

__all__ = [
    "agreement_chart",
    "forest_plot",
    "power_against_icc",
    "power_against_pairs",
]
