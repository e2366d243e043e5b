"""Forest plot: estimates and intervals of all questions in one column."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analysis.charts.style import AGREEMENT, GUIDE
from analysis.intervals import ConfidenceInterval


@dataclass(frozen=True)
class ForestRow:
    """One line of a forest plot.

    Attributes:
        label: Name of the row.
        estimate: Where the point stands.
        interval: Its line.
        faint: Drawn to compare with, not to look at first.
    """

    label: str
    estimate: float
    interval: ConfidenceInterval
    faint: bool = False


def forest_plot(
    rows: Sequence[ForestRow], ax: Axes, *, xlabel: str, reference: float | None = None
) -> Axes:
    """Draw a point and its interval per row, the first row on top.

    An estimate whose interval carries no information is an open point with a note; an
    undefined one has a note only.

    Args:
        rows: What to draw.
        ax: Axes to draw on.
        xlabel: What is drawn, with its unit.
        reference: Where to draw a thin vertical line, such as agreement by chance.
    """
    if reference is not None:
        ax.axvline(reference, color=GUIDE, linewidth=0.7, zorder=1)
    for place, row in enumerate(rows):
        if math.isnan(row.estimate):
            ax.annotate(
                "undefined",
                (0.02, place),
                xycoords=("axes fraction", "data"),
                va="center",
                fontsize=6.5,
                color=GUIDE,
            )
            continue
        informative = row.interval.caution is None
        colour = GUIDE if row.faint else AGREEMENT
        if informative:
            limits = [row.interval.low, row.interval.high]
            # Of a figure with many rows `plot` takes most of the time.
            ax.add_line(
                Line2D(
                    limits,
                    [place, place],
                    color=colour,
                    linewidth=1.4,
                    zorder=2,
                    solid_capstyle="butt",
                    gid=f"interval-{place}",
                )
            )
        else:
            ax.annotate(
                "no interval",
                (row.estimate, place),
                xytext=(6, 0),
                textcoords="offset points",
                va="center",
                fontsize=6.5,
            )
        ax.add_line(
            Line2D(
                [row.estimate],
                [place],
                marker="s",
                linestyle="none",
                markersize=4.5,
                color=colour,
                zorder=3,
                markerfacecolor=colour if informative else "white",
            )
        )
    ax.autoscale_view()
    ax.set_yticks(range(len(rows)), [row.label for row in rows])
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", linewidth=0.4, color="#e0e0e0", zorder=0)
    ax.set_axisbelow(True)
    ax.spines["left"].set_visible(False)
    ax.set_xlabel(xlabel)
    return ax
