"""How often each answer was given: tables by reader, and bars."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.arrays import FloatArray, IntArray
from analysis.report import formatting, section
from analysis.report.arms import results

MOST_READERS = 25
"""Readers that fit a figure, or a table with a column for each."""

_PANELS_PER_ROW = 2
_DARK = 0.45  # of a colour map; white text stands on what is darker
_LEAST_LABELLED = 0.08
_LONGEST_LABEL = 55
_COLUMNS = {3: 14, 2: 24}  # of a legend, and the longest label that fits


def answers_section(study: results.ArmsResults) -> section.Section:
    """Return how often each reader gave each answer."""
    tables = tuple(
        section.Table(
            f"answers_{place}",
            f"{asked.question.id}. {asked.question.text}",
            _answers_frame(study, asked.question.id),
        )
        for place, asked in enumerate(study.arms[0].questions, 1)
    )
    return section.Section(
        "answers",
        "Answers",
        tables=tables,
        pictures=(
            section.Picture(
                "answers",
                partial(_answers_figure, _answer_panels(study)),
                "How often each answer was given to each question",
                "Share of each answer, by reader where there are not too many; light "
                "to dark in the order of the scale.",
            ),
        ),
    )


def _answers_frame(study: results.ArmsResults, question: str) -> pd.DataFrame:
    rows = []
    for arm in study.arms:
        (asked,) = (one for one in arm.questions if one.question.id == question)
        counts = asked.between.counts
        labels = [formatting.neutralise(label) for label in asked.question.labels]
        for reader, own in zip(asked.between.readers, counts, strict=True):
            rows.append(
                _counted(study, arm, formatting.neutralise(reader), labels, own)
            )
        rows.append(_counted(study, arm, "All", labels, counts.sum(axis=0)))
    return pd.DataFrame(rows)


def _counted(
    study: results.ArmsResults,
    arm: results.ArmResults,
    reader: str,
    labels: Sequence[str],
    counts: IntArray,
) -> dict[str, str]:
    total = int(counts.sum())
    row = {"Reader": reader}
    if len(study.arms) > 1:
        row["Method"] = formatting.neutralise(arm.method)
    cells = {
        label: f"{count} ({100 * count / total:.0f}%)" if total else "0"
        for label, count in zip(labels, counts.tolist(), strict=True)
    }
    return row | cells | {"Answers": str(total)}


def _answer_panels(study: results.ArmsResults) -> list["_Panel"]:
    by_reader = len(study.readers) * len(study.arms) <= MOST_READERS
    panels = []
    for place, asked in enumerate(study.arms[0].questions):
        bars: dict[str, IntArray] = {}
        for arm in study.arms:
            between = arm.questions[place].between
            suffix = f"  {arm.method}" if len(study.arms) > 1 else ""
            if by_reader:
                bars |= {
                    f"{reader}{suffix}": own
                    for reader, own in zip(between.readers, between.counts, strict=True)
                }
            bars[f"all{suffix}"] = between.counts.sum(axis=0)
        panels.append(_Panel(asked.question.id, asked.question.labels, bars))
    return panels


@dataclass(frozen=True)
class _Panel:
    """How often each answer was given to one question.

    Attributes:
        title: Name of the question.
        labels: Answers in the order of the scale.
        bars: Counts `(k)` by the name of the bar.
    """

    title: str
    labels: Sequence[str]
    bars: Mapping[str, IntArray]


def _answers_figure(panels: Sequence[_Panel]) -> Figure:
    """Draw shares of answers as bars, a panel a question."""
    columns = min(_PANELS_PER_ROW, len(panels))
    n_rows = -(-len(panels) // columns)
    n_bars = max(len(panel.bars) for panel in panels)
    size = (7.2, n_rows * (0.95 + 0.17 * n_bars))
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(n_rows, columns, squeeze=False).ravel()
    for ax, panel in zip(grid, panels, strict=False):
        _draw_panel(ax, panel)
    for ax in grid[len(panels) :]:
        ax.axis("off")
    return figure


def _draw_panel(ax: Axes, panel: _Panel) -> None:
    names = list(panel.bars)
    counts: FloatArray = np.array([panel.bars[name] for name in names], dtype=float)
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    tones = np.linspace(0.12, 0.92, counts.shape[1])
    left = np.zeros(len(names))
    for place, (label, tone) in enumerate(zip(panel.labels, tones, strict=True)):
        colour = mpl.colormaps["Blues"](tone)
        width = shares[:, place]
        ax.barh(range(len(names)), width, left=left, height=0.8, color=colour,
                label=_clipped(label), edgecolor="white", linewidth=0.4)  # fmt: skip
        for bar, (start, share) in enumerate(zip(left, width, strict=True)):
            if share >= _LEAST_LABELLED:
                ax.text(start + share / 2, bar, f"{100 * share:.0f}", ha="center",
                        va="center", fontsize=6,
                        color="white" if tone > _DARK else "black")  # fmt: skip
        left = left + width
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_xlim(0, 1)
    ax.set_xticks([])
    ax.tick_params(axis="y", length=0)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    ax.set_title(panel.title, loc="left")
    longest = max(map(len, panel.labels))
    columns = next((n for n, limit in _COLUMNS.items() if longest <= limit), 1)
    ax.legend(
        loc="upper left",
        bbox_to_anchor=(0, 0),
        ncols=columns,
        frameon=False,
        fontsize=6,
        handlelength=1,
        columnspacing=1,
    )


def _clipped(label: str) -> str:
    too_long = len(label) > _LONGEST_LABEL
    return f"{label[: _LONGEST_LABEL - 1]}…" if too_long else label
