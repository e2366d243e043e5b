"""Bland-Altman plots of lesion volumes."""

from typing import TYPE_CHECKING

import numpy as np

from magic_model.evaluation.figures.style import METHOD_COLOURS, add_foot, leave_room
from magic_model.evaluation.metric import METRICS
from magic_model.evaluation.predictors import MEASURED
from magic_model.evaluation.result import Evaluation
from magic_model.evaluation.score_table import Key
from magic_model.evaluation.table import format_number
from magic_model.evaluation.volumes import LESION_VOLUMES, VolumeAgreement

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def volume_plots(evaluation: Evaluation) -> "Figure":
    """Draw generated minus measured volume against their mean.

    A row per method, a column for core and one for tissue at risk; solid line: bias,
    dashed: 95 % limits of agreement. All rows share the axes of a column.
    """
    from matplotlib.figure import Figure

    rows = len(evaluation.methods)
    figure = Figure(figsize=(6.4, 0.6 + 2.2 * rows))
    axes = figure.subplots(rows, 2, squeeze=False, sharex="col", sharey="col")
    for row, method in enumerate(evaluation.methods):
        for column, metric in enumerate(LESION_VOLUMES):
            key = (method, metric)
            found = next(v for v in evaluation.volumes if (v.method, v.metric) == key)
            ax = axes[row, column]
            _draw(ax, evaluation, found, METHOD_COLOURS[row % len(METHOD_COLOURS)])
            if row == rows - 1:
                ax.set_xlabel("Mean of generated and measured [mL]")
            if column == 0:
                ax.set_ylabel("Generated - measured [mL]")
    leave_room(figure)
    add_foot(figure)
    return figure


def _draw(
    ax: "Axes", evaluation: Evaluation, found: VolumeAgreement, colour: str
) -> None:
    measured = evaluation.scores.column(Key(MEASURED, None, found.metric))
    generated = evaluation.scores.column(Key(found.method, None, found.metric))
    differences = found.differences
    ax.axhline(0, color="0.8", lw=0.6)
    ax.plot((measured + generated) / 2, generated - measured, "o", ms=4, color=colour)
    ax.axhline(differences.bias, color="black", lw=0.9)
    words = [f"bias {format_number(differences.bias, 1)}"]
    limits = differences.limits
    if np.isfinite(limits.low):
        for limit in (limits.low, limits.high):
            ax.axhline(limit, color="black", lw=0.7, ls="--")
        low, high = (format_number(x, 1) for x in (limits.low, limits.high))
        words.append(f"limits {low} to {high}")
    if np.isfinite(found.icc):
        words.append(f"ICC {format_number(found.icc, 2)}")
    name = METRICS[found.metric].title.lower()
    ax.set_title(f"{found.method}: {name}\n", loc="left")
    ax.text(0, 1.03, ", ".join(words), transform=ax.transAxes, fontsize=7, color="0.3")
    ax.margins(x=0.08, y=0.12)
