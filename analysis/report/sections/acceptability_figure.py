"""The figure of the questions of quality: differences and the margin."""

from collections.abc import Mapping

from matplotlib.figure import Figure

from analysis.charts.forest import ForestRow, forest_plot
from analysis.charts.style import EMPHASIS
from analysis.report.material import Material
from analysis.report.sections.acceptability_results import QuestionAcceptability


def acceptability_figure(
    found: Mapping[str, QuestionAcceptability], material: Material
) -> Figure:
    """Draw the difference of each question, no difference, and the margin if fixed."""
    level, margin = material.confidence_level, material.plan.non_inferiority_margin
    test, reference = material.responses.test, material.responses.reference
    rows = [
        ForestRow(name, of.headline.estimate, of.headline.confidence_interval(level))
        for name, of in found.items()
    ]
    figure = Figure(figsize=(5.2, 1 + 0.28 * len(rows)), layout="constrained")
    ax = forest_plot(
        rows,
        figure.subplots(),
        xlabel=f"Proportion acceptable, {test} minus {reference} ({100 * level:g}% CI)",
        reference=0,
    )
    if margin is not None:
        ax.axvline(-margin, color=EMPHASIS, linewidth=0.9, linestyle="--", gid="margin")
    edge = max(1.25 * (margin or 0), 0.1, *map(abs, ax.get_xlim()))
    ax.set_xlim(-edge, edge)
    return figure
