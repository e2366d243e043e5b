"""Agreement between readers under both methods as a forest plot."""

from matplotlib.figure import Figure

from analysis.charts.forest import ForestRow, forest_plot
from analysis.charts.style import GUIDE
from analysis.report.sections.consistency_results import OfQuestions


def consistency_figure(
    found: OfQuestions, names: tuple[str, str], level: float
) -> Figure:
    """Draw both methods on the left and their difference on the right."""
    figure = Figure(figsize=(7.2, 0.9 + 0.36 * len(found)), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    both, differences = [], []
    for question, of in found.items():
        for label, one, faint in (
            (f"{question}  {names[0]}", of.reference, True),
            (names[1], of.test, False),
        ):
            interval = one.confidence_interval(level)
            both.append(ForestRow(label, one.estimate, interval, faint))
        interval = of.difference.confidence_interval(level)
        differences.append(ForestRow(question, of.difference.estimate, interval))
    named = f"{100 * level:g}% CI"
    forest_plot(both, left, xlabel=f"Fleiss' kappa ({named})", reference=0)
    forest_plot(differences, right, xlabel=f"Difference ({named})", reference=0)
    left.set_xlim(min(-0.25, left.get_xlim()[0]), 1)
    for of_row in left.get_yticklabels()[::2]:
        of_row.set_color(GUIDE)
    return figure
