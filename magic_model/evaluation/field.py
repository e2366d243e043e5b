"""The table of recent papers on synthetic perfusion maps: one for all figures.

Rows are figures by map, then lesions and decisions; columns are methods. Cells are mean
and standard deviation over patients where there is one value a patient.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from magic_model.evaluation.decisions import Decision, decide
from magic_model.evaluation.metric import METRICS, Metric, unit_of
from magic_model.evaluation.realism import Realism
from magic_model.evaluation.result import Evaluation
from magic_model.evaluation.scores import Key
from magic_model.maps import MAP_SPECS, PerfusionMap
from magic_model.metrics.embedding import NETWORK

TABLE = "field"
"""Of the files `table_field.csv` and `table_field.tex`."""

LESIONS = "Lesion"
DECISIONS = "Decision"
COPIES = "Copying"

_MISSING = "--"
_OF_MAPS = {
    Metric.SSIM_IN_BRAIN: "up",
    Metric.SSIM_BOX: "up",
    Metric.PSNR: "up",
    Metric.MAE: "down",
    Metric.CORRELATION: "up",
}
_OF_LESIONS = {
    Metric.CORE_DICE: "up",
    Metric.AT_RISK_DICE: "up",
    Metric.CORE_AUC: "up",
    Metric.AT_RISK_AUC: "up",
}
_ARROWS = {"up": r" $\uparrow$", "down": r" $\downarrow$", "": ""}
_ESCAPED = str.maketrans({c: f"\\{c}" for c in "&%$#_{}"} | {"\\": r"\textbackslash{}"})


@dataclass(frozen=True)
class Cell:
    """A mean, and the standard deviation where there are values of patients."""

    value: float
    deviation: float = math.nan


@dataclass(frozen=True)
class Line:
    """A figure of all methods.

    Attributes:
        group: Map, or what the figure is about.
        title: With its unit.
        better: `up`, `down`, or nothing.
        digits: Shown after the point.
        cells: Of the methods.
    """

    group: str
    title: str
    better: str
    digits: int
    cells: Sequence[Cell]


def field_lines(evaluation: Evaluation) -> list[Line]:
    """Return the lines of the table; those without any value are left out."""
    lines = [
        line
        for name in evaluation.maps
        for line in _of_map(evaluation, name, evaluation.realism)
    ]
    lines += [
        _line(evaluation, None, metric, LESIONS, better)
        for metric, better in _OF_LESIONS.items()
    ]
    lines += _of_decisions(decide(evaluation.scores, evaluation.rows))
    if evaluation.realism is not None:
        lines += _of_copies(evaluation.rows, evaluation.realism.likeness)
    return [line for line in lines if not all(math.isnan(c.value) for c in line.cells)]


def to_csv_rows(evaluation: Evaluation) -> Iterator[list[str]]:
    """Yield header and rows, unrounded; standard deviations in columns of their own."""
    header = ["Map", "Figure", "Better"]
    for method in evaluation.rows:
        header += [method, f"{method} SD"]
    yield header
    for line in field_lines(evaluation):
        row = [line.group, line.title, line.better]
        for cell in line.cells:
            row += [_unrounded(cell.value), _unrounded(cell.deviation)]
        yield row


def to_latex(evaluation: Evaluation) -> str:
    r"""Write a `table` environment to `\input`; it needs package graphicx."""
    lines = field_lines(evaluation)
    columns = "ll" + "r" * len(evaluation.rows)
    body = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{_caption(evaluation)}}}",
        r"\label{tab:synthetic-perfusion}",
        # Whatever the number of methods, it is as wide as the text.
        r"\resizebox{\textwidth}{!}{%",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\hline",
        _latex_row(["", "", *(_escape(method) for method in evaluation.rows)]),
    ]
    before = None
    for line in lines:
        if line.group != before:
            body.append(r"\hline")
        named = _escape(line.group) if line.group != before else ""
        before = line.group
        title = _escape(line.title) + _ARROWS[line.better]
        cells = [_shown(cell, line.digits) for cell in line.cells]
        body.append(_latex_row([named, title, *cells]))
    return "\n".join([*body, r"\hline", r"\end{tabular}}", r"\end{table}", ""])


def _of_map(
    evaluation: Evaluation, name: PerfusionMap, realism: Realism | None
) -> Iterator[Line]:
    group = MAP_SPECS[name].title
    for metric, better in _OF_MAPS.items():
        yield _line(evaluation, name, metric, group, better)
    if realism is None:
        return
    rows = {row.method: row for row in realism.rows if row.name is name}
    chosen = [rows.get(method) for method in evaluation.rows]
    for title, digits, attribute in (("KID*", 3, "kernel"), ("FD*", 1, "frechet")):
        values = [getattr(row, attribute) if row else math.nan for row in chosen]
        yield Line(group, title, "down", digits, [Cell(value) for value in values])


def _line(
    evaluation: Evaluation,
    name: PerfusionMap | None,
    metric: Metric,
    group: str,
    better: str,
) -> Line:
    scores = evaluation.scores
    cells = []
    for method in evaluation.rows:
        key = Key(method, name, metric)
        column = scores.column(key) if key in scores.keys else np.array([])
        known = column[np.isfinite(column)]
        mean = float(known.mean()) if known.size else math.nan
        spread = float(known.std(ddof=1)) if known.size > 1 else math.nan
        cells.append(Cell(mean, spread))
    unit = unit_of(metric, name)
    title = METRICS[metric].title + (f" [{unit}]" if unit else "")
    return Line(group, title, better, METRICS[metric].digits, cells)


def _of_decisions(decisions: Sequence[Decision]) -> Iterator[Line]:
    if not decisions:
        return
    core = decisions[0].small_core.of, decisions[0].large_core.of
    mismatch = decisions[0].mismatch.of, decisions[0].no_mismatch.of
    small, target = "Core below 70 mL", "DEFUSE 3 mismatch"
    for title, values in (
        (f"{small}, AUC", [d.auc for d in decisions]),
        (
            f"{small}, sensitivity (n = {core[0]})",
            [d.small_core.value for d in decisions],
        ),
        (
            f"{small}, specificity (n = {core[1]})",
            [d.large_core.value for d in decisions],
        ),
        (
            f"{target}, sensitivity (n = {mismatch[0]})",
            [d.mismatch.value for d in decisions],
        ),
        (
            f"{target}, specificity (n = {mismatch[1]})",
            [d.no_mismatch.value for d in decisions],
        ),
    ):
        yield Line(DECISIONS, title, "up", 2, [Cell(value) for value in values])


def _of_copies(methods: Sequence[str], likeness: Mapping[str, float]) -> Iterator[Line]:
    if not likeness:
        return
    measured = likeness.get("measured", math.nan)
    title = f"Nearest training patch, r (measured: {measured:.2f})"
    cells = [Cell(likeness.get(method, math.nan)) for method in methods]
    yield Line(COPIES, title, "", 2, cells)


def _caption(evaluation: Evaluation) -> str:
    n = len(evaluation.scores.patients)
    text = (
        f"Synthetic against measured perfusion maps in {n} patients; mean $\\pm$ "
        "standard deviation over patients. SSIM, PSNR, MAE and r within the brain, "
        "with the range of a map as data range. Research use only."
    )
    if evaluation.realism is not None:
        text += (
            f" *Kernel and Fr\\'echet distance in the features of {_escape(NETWORK)}, "
            "not of Inception: no plain KID or FID."
        )
    return text


def _latex_row(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


def _escape(text: str) -> str:
    return text.translate(_ESCAPED).replace("^", r"\^{}").replace("~", r"\~{}")


def _shown(cell: Cell, digits: int) -> str:
    if math.isnan(cell.value):
        return _MISSING
    mean = f"{cell.value:.{digits}f}"
    if mean.startswith("-"):
        mean = f"${mean}$"
    if math.isnan(cell.deviation):
        return mean
    return f"{mean} $\\pm$ {cell.deviation:.{digits}f}"


def _unrounded(value: float) -> str:
    return "" if math.isnan(value) else repr(float(value))
