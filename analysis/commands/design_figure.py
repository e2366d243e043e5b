"""Figure of `magic-analyze power --design`: power above, precision below."""

from collections.abc import Mapping

from matplotlib.figure import Figure

from analysis.charts.design_curve import (
    DesignCurve,
    power_against_cases,
    width_against_cases,
)
from analysis.power.design import MEASURES, Measure
from analysis.power.simulation_grid import DesignGrid


def design_figure(grid: DesignGrid, names: Mapping[str, str], wanted: float) -> Figure:
    """Draw power and width of all measures against the number of cases."""
    figure = Figure(figsize=(7.5, 4.8), layout="constrained")
    panels = figure.subplots(2, len(MEASURES), sharex=True)
    for column, measure in enumerate(MEASURES):
        above, below = panels[0, column], panels[1, column]
        power_against_cases(_curves(grid, measure, "power"), above, wanted=wanted)
        width_against_cases(_curves(grid, measure, "width"), below)
        above.set_title(names[measure], fontsize=7.5)
        above.set_xlabel("")
        if column:
            above.set_ylabel("")
            below.set_ylabel("")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="outside lower center",
        ncols=len(labels),
        frameon=False,
        title="Marks: simulated; lines: by formula",
        title_fontsize=7.5,
    )
    return figure


def _curves(grid: DesignGrid, measure: Measure, what: str) -> dict[int, DesignCurve]:
    curves = {}
    for readers in sorted({result.size.readers for result in grid.results}):
        results = grid.of(measure, readers)
        curves[readers] = DesignCurve(
            [result.size.cases for result in results],
            [getattr(result, f"formula_{what}") for result in results],
            [getattr(result, what) for result in results],
        )
    return curves
