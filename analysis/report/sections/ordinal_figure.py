"""Shifts on the scale as bars, one panel a question."""

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.charts.style import AGREEMENT, GUIDE, PARTIAL
from analysis.report.sections.ordinal_results import QuestionShift
from analysis.shifts.distribution import ShiftDistribution


def shift_figure(found: Mapping[str, QuestionShift]) -> Figure:
    """Draw the share of pairs by steps moved."""
    width = min(7.2, 1.0 + 2.9 * len(found))
    figure = Figure(figsize=(width, 2.4), layout="constrained")
    grid = figure.subplots(1, len(found), squeeze=False, sharey=True).ravel()
    for ax, (name, shift) in zip(grid, found.items(), strict=True):
        _bars(ax, shift.distribution)
        ax.set_title(name)
        ax.set_xlabel("steps, test minus reference")
    grid[0].set_ylabel("% of pairs")
    return figure


def _bars(ax: Axes, moved: ShiftDistribution) -> None:
    shares = 100 * moved.counts / max(1, moved.counts.sum())
    shades = [AGREEMENT, *PARTIAL]
    colours = [shades[min(abs(int(step)), len(PARTIAL))] for step in moved.steps]
    ax.bar(
        moved.steps,
        shares,
        width=0.8,
        color=colours,
        edgecolor=GUIDE,
        linewidth=0.5,
    )
    for step, share, count in zip(moved.steps, shares, moved.counts, strict=True):
        ax.annotate(
            str(count),
            (step, share),
            xytext=(0, 2),
            textcoords="offset points",
            ha="center",
            fontsize=6.5,
        )
    ax.set_xticks(moved.steps, [_signed(int(step)) for step in moved.steps])
    ax.tick_params(axis="x", length=0)


def _signed(step: int) -> str:
    return f"{step:+d}".replace("-", "\N{MINUS SIGN}") if step else "0"
