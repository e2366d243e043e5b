"""Composed figures of a report, and saving them as PNG, SVG and PDF."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Patch

from analysis import power
from analysis.charts import (
    agreement_chart,
    forest_plot,
    formats,
    power_against_icc,
    power_against_pairs,
    typeface,
)
from analysis.charts.forest import ForestRow
from analysis.charts.style import AGREEMENT, OUTLINE, PARTIAL, RC_PARAMS
from analysis.intervals import ConfidenceInterval
from analysis.report.formatting import format_estimate
from analysis.report.question import QuestionResult
from analysis.report.results import StudyResults
from analysis.tables import ContingencyTable

_PANELS_PER_ROW = 4
_LONGEST_LABEL = 14


@contextmanager
def house_style() -> Iterator[None]:
    """Draw in the house style, and the same bytes each time."""
    with mpl.rc_context({**RC_PARAMS, "font.family": typeface.families()}):
        yield


def save_figure(figure: Figure, folder: Path, name: str) -> None:
    """Save a figure as PNG, SVG and PDF."""
    with formats.pdf_pages(folder / f"{name}.pdf") as pages:
        formats.save(figure, folder / name, pages)


def save_pages(figures: Mapping[str, Figure], folder: Path, name: str) -> None:
    """Save figures as PNG and SVG each, and as the pages of one PDF.

    In one file the fonts are embedded once, which is most of the time a PDF takes.
    """
    with formats.pdf_pages(folder / f"{name}.pdf") as pages:
        for of_page, figure in figures.items():
            formats.save(figure, folder / of_page, pages)


def agreement_figure(study: StudyResults) -> Figure:
    """Agreement charts of all questions in panels, as in the paper's Figure S.5."""
    n_rows = -(-len(study.questions) // _PANELS_PER_ROW)
    n_columns = min(_PANELS_PER_ROW, len(study.questions))
    spaced = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1)
    figure = Figure(figsize=(2.9 * n_columns, 3.1 * n_rows), layout=spaced)
    grid = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
    for ax, result in zip(grid, study.questions, strict=False):
        _agreement_panel(ax, study, result)
    spare = grid[len(study.questions) :]
    for ax in spare:
        ax.axis("off")
    most = max(result.table.k for result in study.questions)
    if len(spare):
        spare[0].legend(handles=_legend(most), loc="center left", frameon=False)
    else:
        figure.legend(handles=_legend(most), loc="outside lower center", ncols=5)
    return figure


def agreement_figure_of(study: StudyResults, result: QuestionResult) -> Figure:
    """Agreement chart of one question."""
    figure = Figure(figsize=(3.9, 4.5))
    figure.subplots_adjust(left=0.31, right=0.97, bottom=0.37, top=0.94)
    _agreement_panel(figure.subplots(), study, result)
    figure.legend(
        handles=_legend(result.table.k),
        loc="lower center",
        ncols=2,
        frameon=False,
        fontsize=6.5,
    )
    return figure


def forest_figure(study: StudyResults) -> Figure:
    """Percent agreement and kappa of all questions side by side, as the paper."""
    height = 0.9 + 0.32 * len(study.questions)
    figure = Figure(figsize=(7.2, height), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    level = study.confidence_level
    percent, kappa = [], []
    for result in study.questions:
        label = result.pairs.question.id
        p = result.percent.confidence_interval(level)
        in_percent = ConfidenceInterval(100 * p.low, 100 * p.high, p.caution)
        percent.append(ForestRow(label, 100 * result.percent.estimate, in_percent))
        interval = result.kappa.confidence_interval(level)
        kappa.append(ForestRow(label, result.kappa.estimate, interval))
    named = f"{100 * level:g}% CI, pairs as independent"
    forest_plot(percent, left, xlabel=f"Agreement, %\n({named})")
    forest_plot(kappa, right, xlabel=f"Cohen's kappa\n({named})", reference=0)
    left.set_xlim(0, 100)
    right.set_xlim(min(-0.25, *right.get_xlim()), 1)
    return figure


def power_figure(
    tables: dict[str, ContingencyTable],
    size: power.StudySize,
    test: power.PowerTest,
    wanted: float,
    *,
    of_interval: bool = False,
) -> Figure:
    """Power curves of all questions whose margins allow the kappa.

    Args:
        tables: By question; only their margins matter.
        size: The study.
        test: What is tested.
        wanted: Power wanted, drawn as a line.
        of_interval: Draw the interval, whose error is that of kappa itself, and not the
            z test with the error under the null.
    """
    curves = {}
    for name, table in tables.items():
        model = power.actual_margins(
            table.row_totals / table.n, table.column_totals / table.n
        )
        try:
            variances = {
                kappa: model(test.kappa if of_interval else kappa)
                for kappa in (test.null, test.kappa)
            }
        except power.UnattainableKappaError:
            continue
        curves[name] = partial(power.normal_power, variances.__getitem__, test)
    figure = Figure(figsize=(7.2, 3.0), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    marked = {
        float(size.pairs): f"{size.readers} x {size.cases} = {size.pairs}",
        float(size.cases): f"{size.cases}",
    }
    n_pairs = [5 + step * (1.3 * size.pairs - 5) / 80 for step in range(81)]
    power_against_pairs(curves, left, n_pairs=n_pairs, marked=marked, wanted=wanted)
    power_against_icc(
        curves, right, readers=size.readers, cases=size.cases, wanted=wanted
    )
    right.set_ylabel("")
    if curves:
        left.legend(frameon=False, fontsize=7, loc="center right")
    left.set_title(f"Kappa {test.kappa:g} against {test.null:g}, alpha {test.alpha:g}")
    right.set_title("The same study, pairs within a case alike")
    return figure


def _agreement_panel(ax: Axes, study: StudyResults, result: QuestionResult) -> None:
    question, table = result.pairs.question, result.table
    short = all(len(label) <= _LONGEST_LABEL for label in question.labels)
    agreement_chart(
        table,
        ax,
        method_names=(study.reference, study.test),
        labels=question.labels if short else [str(code) for code in question.codes],
    )
    b = result.coefficients["bangdiwala_b"].estimate
    ax.set_title(
        f"{question.id}: {table.n_agree}/{table.n} agree, B = {format_estimate(b)}",
        fontsize=8,
    )


def _legend(k: int) -> Sequence[Patch]:
    steps = ["1 step apart", "2 steps apart", "3 steps apart"][: max(0, k - 2)]
    shades = [("same answer", AGREEMENT), *zip(steps, PARTIAL, strict=False)]
    patches = [Patch(facecolor=shade, label=label) for label, shade in shades]
    outline = Patch(facecolor="none", edgecolor=OUTLINE, label="totals of the answer")
    return [*patches, outline]
