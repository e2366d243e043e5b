"""Bangdiwala's agreement chart, as in the paper's Figure S.5."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from analysis.arrays import FloatArray, IntArray
from analysis.charts.style import AGREEMENT, GUIDE, OUTLINE, PARTIAL
from analysis.columns import TableLike, as_table
from analysis.errors import instance_of
from analysis.tables import ContingencyTable

_LABEL_GAP = 0.075  # of the axis, between two labels
_LEADER = 0.04  # of the axis, from the rectangle's middle to its label
_LABEL_PAD = 9  # points, the same distance


def agreement_chart(
    table: TableLike,
    ax: Axes,
    *,
    method_names: tuple[str, str],
    labels: Sequence[str] | None = None,
) -> Axes:
    """Draw Bangdiwala's agreement chart.

    Each category has a rectangle as wide as its column total and as high as its row
    total, along the diagonal. The dark square in it is as wide as the number of pairs
    that agree; lighter shades add pairs that are one, two, ... steps apart, on scales
    of three answers or more. Where both methods draw every answer equally often, the
    rectangles are squares on the dashed diagonal.

    Args:
        table: Counts of pairs of answers, categories in the order of the scale; see
            `analysis.cohen_kappa` for what a table may be.
        ax: Axes to draw on; both run from 0 to the number of pairs.
        method_names: Reference method (vertical) and test method (horizontal).
        labels: Name of each category; its code if left out.

    References:
        Bangdiwala SI, Shankar V. BMC Med Res Methodol 2013;13:97.
        doi:10.1186/1471-2288-13-97
    """
    instance_of("Axes to draw on", ax, Axes)
    table = as_table(table)
    n = max(table.n, 1)
    columns, rows = _edges(table.column_totals), _edges(table.row_totals)
    ax.plot([0, n], [0, n], color=GUIDE, linewidth=0.7, linestyle=(0, (4, 3)), zorder=1)
    for category in range(table.k):
        _draw_category(ax, table, category, (columns[category], rows[category]))
    ax.set(xlim=(0, n), ylim=(0, n), aspect="equal")
    ax.set_xlabel(method_names[1])
    ax.set_ylabel(method_names[0])
    for side in ("top", "right"):
        ax.spines[side].set_visible(True)
    names = [str(c) for c in (labels or table.categories)]
    _label_axis(ax, "x", table.column_totals, names)
    _label_axis(ax, "y", table.row_totals, names)
    return ax


def _edges(totals: IntArray) -> IntArray:
    return np.concatenate([[0], np.cumsum(totals)[:-1]])


def _draw_category(
    ax: Axes, table: ContingencyTable, category: int, corner: tuple[int, int]
) -> None:
    """Outline of one category, and its strips of agreement, widest first."""
    in_column, in_row = table.counts[:, category], table.counts[category]
    steps = min(table.k - 2, len(PARTIAL)) if table.k > 2 else 0
    for step in range(steps, -1, -1):
        first, last = max(0, category - step), category + step + 1
        ax.add_patch(
            Rectangle(
                (
                    corner[0] + int(in_column[:first].sum()),
                    corner[1] + int(in_row[:first].sum()),
                ),
                int(in_column[first:last].sum()),
                int(in_row[first:last].sum()),
                facecolor=(AGREEMENT, *PARTIAL)[step],
                edgecolor="none",
                zorder=3,
                gid=f"step-{step}-category-{category}",
            )
        )
    ax.add_patch(
        Rectangle(
            corner,
            int(in_column.sum()),
            int(in_row.sum()),
            facecolor="none",
            edgecolor=OUTLINE,
            linewidth=0.8,
            zorder=4,
            gid=f"total-category-{category}",
        )
    )


def _label_axis(
    ax: Axes, axis: Literal["x", "y"], totals: IntArray, names: Sequence[str]
) -> None:
    """Name each category and its total at the middle of its rectangle.

    Labels that would touch are moved apart and joined to their place by a line;
    categories that nobody chose have no label.
    """
    n = max(int(totals.sum()), 1)
    drawn = [i for i, total in enumerate(totals) if total]
    middles = np.array([_edges(totals)[i] + totals[i] / 2 for i in drawn]) / n
    places = _apart(middles)
    texts = [f"{names[i]} ({totals[i]})" for i in drawn]
    if axis == "x":
        ax.set_xticks(places * n, texts, rotation=90)
    else:
        ax.set_yticks(places * n, texts)
    ax.tick_params(axis=axis, length=0, pad=_LABEL_PAD, labelsize=6.5)
    for middle, place in zip(middles, places, strict=True):
        ends = [(middle, 0.0), (place, -_LEADER)]
        x, y = zip(*(end if axis == "x" else end[::-1] for end in ends), strict=True)
        ax.plot(x, y, color=GUIDE, linewidth=0.5, transform=ax.transAxes, clip_on=False)


def _apart(places: FloatArray) -> FloatArray:
    """Move rising places just so far apart that none is nearer than the gap."""
    moved = places.copy()
    for index in range(1, len(moved)):
        moved[index] = max(moved[index], moved[index - 1] + _LABEL_GAP)
    overshoot = moved[-1] - 1 if len(moved) else 0
    if overshoot > 0:
        moved[-1] = 1
        for index in range(len(moved) - 2, -1, -1):
            moved[index] = min(moved[index], moved[index + 1] - _LABEL_GAP)
    return np.asarray(moved)
