"""The figure of question 1: balanced accuracy, and hits against false alarms."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.charts.forest import ForestRow, forest_plot
from analysis.charts.style import AGREEMENT, GUIDE, PARTIAL
from analysis.intervals import ConfidenceInterval
from analysis.report.sections.turing_results import TuringResults

_BAND: Any = {  # of a Patch
    "color": PARTIAL[-1],
    "zorder": 0,
    "linewidth": 0,
}


def turing_figure(found: TuringResults, level: float) -> Figure:
    """Draw each reader and all readers, chance and its margin, in two panels."""
    height = max(2.9, 1 + 0.2 * (len(found.alone) + 1))
    figure = Figure(figsize=(7.2, height), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.25, 1))
    margin = found.equivalence.margin if found.equivalence else None
    _forest(found, left, level, margin)
    _plane(found, right, level, margin)
    return figure


def turing_caption(found: TuringResults, level: float) -> str:
    """Say what the figure shows."""
    band = ""
    if found.equivalence:
        band = f" Shaded: within the margin of {found.equivalence.margin:g} of chance."
    return (
        f"Left, balanced accuracy with {100 * level:g} % intervals: grey, each reader "
        "(patients random); dark, all readers (readers and patients random). Right, "
        "shares of pictures called synthetic: circles, readers; square, all readers "
        f"with both intervals. Lines: chance.{band}"
    )


def _forest(found: TuringResults, ax: Axes, level: float, margin: float | None) -> None:
    if margin is not None:
        ax.axvspan(0.5 - margin, 0.5 + margin, **_BAND)
    rows = [
        ForestRow(
            own.name,
            own.balanced_accuracy.estimate,
            own.balanced_accuracy.confidence_interval(level),
            faint=True,
        )
        for own in found.alone
    ]
    together = found.pooled.balanced_accuracy
    rows.append(
        ForestRow("all", together.estimate, together.confidence_interval(level))
    )
    forest_plot(
        rows, ax, xlabel=f"Balanced accuracy ({100 * level:g}% CI)", reference=0.5
    )
    ax.set_xlim(0, 1)


def _plane(found: TuringResults, ax: Axes, level: float, margin: float | None) -> None:
    diagonal = np.array([0.0, 1.0])
    if margin is not None:  # the margin of the mean of two rates is twice as wide here
        low, high = diagonal - 2 * margin, diagonal + 2 * margin
        ax.fill_between(diagonal, low, high, **_BAND)
    ax.plot(diagonal, diagonal, color=GUIDE, linewidth=0.7, zorder=1)
    readers = [own for own in found.alone if own.n_real and own.n_synthetic]
    ax.plot(
        [1 - own.specificity.estimate for own in readers],
        [own.sensitivity.estimate for own in readers],
        "o",
        color=GUIDE,
        markerfacecolor="none",
        markersize=4.5,
        gid="readers",
        zorder=2,
    )
    hit = found.pooled.sensitivity
    x, y = 1 - found.pooled.specificity.estimate, hit.estimate
    of_hit = hit.confidence_interval(level)
    of_real = found.pooled.specificity.confidence_interval(level)
    false_alarm = ConfidenceInterval(1 - of_real.high, 1 - of_real.low, of_real.caution)
    style: Any = {"color": AGREEMENT, "linewidth": 1.4, "solid_capstyle": "butt"}
    if false_alarm.caution is None:
        ax.plot([false_alarm.low, false_alarm.high], [y, y], **style)
    if of_hit.caution is None:
        ax.plot([x, x], [of_hit.low, of_hit.high], **style)
    ax.plot(x, y, "s", color=AGREEMENT, markersize=4.5, zorder=3)
    ax.set(
        xlim=(-0.02, 1.02),
        ylim=(-0.02, 1.02),
        aspect="equal",
        xlabel="Real pictures called synthetic",
        ylabel="Synthetic pictures called synthetic",
    )
