"""The tables of an evaluation; figures are rounded for people nowhere else."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from magic_model.evaluation import statistics
from magic_model.evaluation.decisions import decide
from magic_model.evaluation.metric import METRICS, Metric, unit_of
from magic_model.evaluation.predictors import MEASURED
from magic_model.evaluation.realism import JOINTLY, Realism
from magic_model.evaluation.result import Evaluation
from magic_model.maps import MAP_SPECS, PerfusionMap
from magic_model.metrics.embedding import NETWORK
from magic_model.metrics.method_agreement import Interval
from magic_model.metrics.spectrum import BANDS

MISSING = "n/a"
_SMALLEST_P = 0.001


@dataclass(frozen=True)
class Figure:
    """A number in a table, with its interval where it has one.

    Attributes:
        value: NaN if undefined.
        digits: Shown after the point.
        interval: None where the column has none.
        is_p: A p-value, never shown as 0.
    """

    value: float
    digits: int
    interval: Interval | None = None
    is_p: bool = False

    @property
    def text(self) -> str:
        """As people read it: `0.371 (0.250 to 0.490)`."""
        if math.isnan(self.value):
            return MISSING
        if self.is_p and self.value < _SMALLEST_P:
            return f"<{_SMALLEST_P}"
        shown = format_number(self.value, self.digits)
        if self.interval is None or math.isnan(self.interval.low):
            return shown
        low = format_number(self.interval.low, self.digits)
        high = format_number(self.interval.high, self.digits)
        return f"{shown} ({low} to {high})"


_Cell = str | Figure


@dataclass(frozen=True)
class Table:
    """A table of the report.

    Attributes:
        name: Of its file.
        title: One line.
        caption: What the numbers are.
        header: Of the columns.
        rows: Of cells, as long as the header.
    """

    name: str
    title: str
    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[_Cell]]

    @property
    def text_rows(self) -> list[list[str]]:
        """Cells as people read them."""
        return [[_text(cell) for cell in row] for row in self.rows]


def format_number(value: float, digits: int) -> str:
    """Round; never a negative zero.

    Examples:
        >>> format_number(-0.0004, 3), format_number(2.5, 1)
        ('0.000', '2.5')
    """
    return f"{value:.{digits}f}".replace("-" + f"{0:.{digits}f}", f"{0:.{digits}f}")


def to_markdown(table: Table) -> str:
    """Write heading, caption and a pipe table."""
    lines = [table.header, ["---"] * len(table.header), *table.text_rows]
    body = "\n".join(
        "| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |"
        for line in lines
    )
    return f"## {table.title}\n\n{table.caption}\n\n{body}\n"


def to_csv_rows(table: Table) -> Iterator[list[str]]:
    """Return header and rows unrounded; limits of intervals in columns of their own."""
    with_limits = [
        any(isinstance(cell, Figure) and cell.interval for cell in column)
        for column in zip(*table.rows, strict=True)
    ]
    header = []
    for name, limits in zip(table.header, with_limits, strict=True):
        header += [name, f"{name} low", f"{name} high"] if limits else [name]
    yield header
    for row in table.rows:
        cells = []
        for cell, limits in zip(row, with_limits, strict=True):
            cells += _csv_cells(cell, limits=limits)
        yield cells


def unrounded(value: float) -> str:
    """Write a number in full, nothing for NaN."""
    return "" if math.isnan(value) else repr(float(value))


_FIGURES = (
    Metric.CORE_DICE,
    Metric.AT_RISK_DICE,
    Metric.CORE_AUC,
    Metric.AT_RISK_AUC,
    Metric.CENTRAL_RESIDUAL,
)


_IN_BRAIN = (
    Metric.SSIM_IN_BRAIN,
    Metric.UQI_IN_BRAIN,
    Metric.MAE,
    Metric.RMSE,
    Metric.CORRELATION,
    Metric.PSNR,
)
_BY_SEVERITY = (
    Metric.SSIM_IN_BRAIN,
    Metric.UQI_IN_BRAIN,
    Metric.SSIM_BOX,
    Metric.UQI_BOX,
    Metric.MAE,
)
_INTERVALS = "Mean over patients (95 % interval by bootstrap over patients)."
_RUNS = "Rows are runs and trivial predictors; means over the same patients."


def all_tables(evaluation: Evaluation) -> list[Table]:
    """Return every table that the maps allow, the project's own first."""
    tables = [
        _in_brain(evaluation),
        _lesion_table(evaluation),
        _runs(
            evaluation,
            "bounding_box",
            "SSIM and UQI in the bounding box of the brain",
            f"{_RUNS} The region of the paper (2.2.1), SSIM with the range of each map "
            "as data range, and UQI by Wang and Bovik (paper Eq. 9 and 10).",
            (Metric.SSIM_BOX, Metric.UQI_BOX),
        ),
        _runs(
            evaluation,
            "paper_compatible",
            "SSIM and UQI, paper-compatible",
            f"{_RUNS} As the public evaluation code computes them, to stand beside "
            "Tables S.8 and S.9: whole frame with its background, data range = largest "
            "generated value, UQI with means for sums. They say little: see how "
            f"{', '.join(evaluation.scores.baselines)} score.",
            (Metric.SSIM_PAPER, Metric.UQI_PAPER),
        ),
        _by_severity(evaluation),
        _comparisons(evaluation.comparisons),
        _decision_table(evaluation),
        *([_looks(evaluation.realism)] if evaluation.realism is not None else []),
    ]
    return [table for table in tables if table.rows]


def _decision_table(evaluation: Evaluation) -> Table:
    """Decisions by generated maps beside those by measured ones."""
    decisions = decide(evaluation.scores, evaluation.rows)
    rows: list[list[_Cell]] = []
    for found in decisions:
        cells: list[_Cell] = [found.method, Figure(found.auc, 2)]
        for rate in (
            found.small_core,
            found.large_core,
            found.mismatch,
            found.no_mismatch,
        ):
            cells += [Figure(rate.value, 2, rate.interval), str(rate.of)]
        rows.append(cells)
    return Table(
        name="decisions",
        title="Decisions by generated and by measured maps",
        caption="Core below 70 mL, and the target mismatch of DEFUSE 3 (core below 70 "
        "mL, tissue at risk 1.8 times the core or more and 15 mL or more larger), as "
        "the measured maps have it: AUC of the generated volume of core for the first, "
        "sensitivity and specificity of the generated maps for both (95 % interval by "
        "Wilson's score), and the patients that they are of.",
        header=[
            "Method",
            "Core < 70 mL AUC",
            "sensitivity",
            "n with",
            "specificity",
            "n without",
            "Mismatch sensitivity",
            "n with mismatch",
            "Mismatch specificity",
            "n without mismatch",
        ],
        rows=rows,
    )


def _looks(realism: Realism) -> Table:
    """How real maps look."""
    bands = [f"Power {low:g}-{high:g}" for low, high in BANDS]
    rows: list[list[_Cell]] = []
    for row in realism.rows:
        told = row.machine
        rows.append(
            [
                MAP_SPECS[row.name].title if row.name else JOINTLY,
                row.method,
                *(Figure(x, 2) if not math.isnan(x) else MISSING for x in row.power),
                MISSING if math.isnan(row.histogram) else Figure(row.histogram, 3),
                MISSING if math.isnan(row.kernel) else Figure(row.kernel, 3),
                MISSING if math.isnan(row.frechet) else Figure(row.frechet, 1),
                MISSING if math.isnan(told.auc) else Figure(told.auc, 2, told.interval),
            ]
        )
    alike = "; ".join(f"{name} {x:.2f}" for name, x in realism.likeness.items())
    return Table(
        name="realism",
        title="How real the maps look",
        caption="Power of generated over measured maps by cycles per pixel, median "
        "over patients: 1 is as rough as measured, 0 is blank; lowest and highest of "
        "single measured maps over the median patient's. Distance of "
        "histograms as a share of the range. KID and FD: kernel and Frechet distance "
        f"in features {NETWORK}, by the formulas of KID and FID, which are of other "
        "features. Machine's AUC: a forest tells generated "
        "from measured patches by texture, spectrum and histogram, each patient's by "
        "the others' (95 % interval by bootstrap over patients); .5 cannot tell, as "
        "with two halves of "
        "the measured maps."
        + (
            f" Likeness to the nearest patch of the training split: {alike}."
            * bool(alike)
        ),
        header=["Map", "Method", *bands, "Histogram", "KID", "FD", "Machine's AUC"],
        rows=rows,
    )


def _csv_cells(cell: _Cell, *, limits: bool) -> list[str]:
    if isinstance(cell, str):
        return [cell, "", ""] if limits else [cell]
    if not limits:
        return [unrounded(cell.value)]
    interval = cell.interval or Interval(math.nan, math.nan)
    return [unrounded(x) for x in (cell.value, interval.low, interval.high)]


def _text(cell: _Cell) -> str:
    return cell if isinstance(cell, str) else cell.text


def _lesion_table(evaluation: Evaluation) -> Table:
    """Overlap and volumes of core and tissue at risk, and the central residual.

    The first row is the measured maps under the same rules: how far these reproduce
    the measured lesion at all.
    """
    agreement = {(v.method, v.metric): v for v in evaluation.volumes}
    rows: list[list[_Cell]] = []
    for method in (MEASURED, *evaluation.rows):
        cells: list[_Cell] = []
        for metric in _FIGURES:
            summary = evaluation.summary(method, None, metric)
            digits = METRICS[metric].digits
            cells.append(
                Figure(summary.mean, digits, summary.interval) if summary else MISSING
            )
        for metric in statistics.LESION_VOLUMES:
            cells += _volume_cells(agreement.get((method, metric)))
        rows.append([method, *cells])
    if all(cell == MISSING for row in rows for cell in row[1:]):
        rows = []
    return Table(
        name="lesions",
        title="Core, tissue at risk, and the central volume principle",
        caption="Dice: mean over patients in whom the measured lesion is not empty (95 "
        "% interval by bootstrap, none below 3 patients). AUC: how often a voxel of "
        "the measured core has the lower CBF, or one of the tissue at risk the later "
        "Tmax or TTP, than a voxel of the brain outside. Residual: mean |CBV - CBF x "
        "MTT / 60| in the brain. Bias: generated minus measured volume (95 % limits of "
        "agreement). ICC(2,1): absolute agreement (95 % interval).",
        header=[
            "Method",
            "Core Dice",
            "At-risk Dice",
            "Core AUC",
            "At-risk AUC",
            "Residual [mL/100g]",
            "Core bias [mL]",
            "Core ICC",
            "At-risk bias [mL]",
            "At-risk ICC",
        ],
        rows=rows,
    )


def _volume_cells(agreement: statistics.VolumeAgreement | None) -> list[_Cell]:
    if agreement is None:
        return [MISSING, MISSING]
    differences = agreement.differences
    return [
        Figure(differences.bias, 1, differences.limits),
        Figure(agreement.icc, 3, agreement.icc_interval),
    ]


def _figure(summary: statistics.Summary | None, *, interval: bool = True) -> _Cell:
    if summary is None:
        return MISSING
    digits = METRICS[summary.key.metric].digits
    return Figure(summary.mean, digits, summary.interval if interval else None)


def _in_brain(evaluation: Evaluation) -> Table:
    rows: list[list[_Cell]] = []
    for name in evaluation.maps:
        for method in evaluation.rows:
            found = [evaluation.summary(method, name, metric) for metric in _IN_BRAIN]
            label = f"{MAP_SPECS[name].title} [{MAP_SPECS[name].unit}]"
            rows.append([label, method, *(_figure(summary) for summary in found)])
    return Table(
        name="in_brain",
        title="In the brain, in physical units",
        caption=f"{_INTERVALS} n = {len(evaluation.scores.patients)} patients. SSIM "
        "and UQI over windows centred in the brain; MAE and RMSE in the map's unit. "
        "PSNR with the range of the map as peak, within the brain.",
        header=["Map", "Method", *(METRICS[metric].title for metric in _IN_BRAIN)],
        rows=rows,
    )


def _runs(
    evaluation: Evaluation,
    name: str,
    title: str,
    caption: str,
    metrics: tuple[Metric, Metric],
) -> Table:
    """Lay out as Tables S.8 and S.9: a row per run, SSIM and UQI of each map."""
    columns = [(m, metric) for m in evaluation.maps for metric in metrics]
    kinds = dict(zip(metrics, ("SSIM", "UQI"), strict=True))
    rows: list[list[_Cell]] = []
    for method in evaluation.rows:
        found = [evaluation.summary(method, m, metric) for m, metric in columns]
        means = [Figure(s.mean, 4) if s else MISSING for s in found]
        rows.append([method, *means])
    header = [f"{MAP_SPECS[m].title} {kinds[metric]}" for m, metric in columns]
    return Table(name, title, caption, ["Method", *header], rows)


def _by_severity(evaluation: Evaluation) -> Table:
    counts = {
        group: int(members.sum())
        for group, members in statistics.patient_groups(
            evaluation.scores.patients
        ).items()
        if group != statistics.ALL and members.any()
    }
    rows: list[list[_Cell]] = []
    for group, n in counts.items():
        for name in evaluation.maps:
            for method in evaluation.rows:
                found = [
                    evaluation.summary(method, name, metric, group)
                    for metric in _BY_SEVERITY
                ]
                cells = [_figure(summary) for summary in found]
                rows.append([group, str(n), MAP_SPECS[name].title, method, *cells])
    return Table(
        name="by_severity",
        title="By severity",
        caption=f"{_INTERVALS} Ratio: measured core over tissue at risk. Groups with "
        "fewer than 3 patients have no interval.",
        header=[
            "Group",
            "n",
            "Map",
            "Method",
            *(METRICS[metric].title for metric in _BY_SEVERITY),
        ],
        rows=rows,
    )


def _comparisons(comparisons: Sequence[statistics.Comparison]) -> Table:
    return Table(
        name="comparisons",
        title="Methods compared in the same patients",
        caption="Mean difference, first minus second (95 % interval by bootstrap over "
        "patients); Wilcoxon's signed-rank test, and its p after Holm over all pairs "
        "and maps of a metric.",
        header=["Metric", "Map", "First", "Second", "n", "Difference", "p", "p (Holm)"],
        rows=[
            [
                _named(c.metric, c.map),
                MAP_SPECS[c.map].title if c.map else "",
                c.first,
                c.second,
                str(c.n),
                Figure(c.difference, METRICS[c.metric].digits, c.interval),
                Figure(c.p_value, 3, is_p=True),
                Figure(c.p_holm, 3, is_p=True),
            ]
            for c in comparisons
        ],
    )


def _named(metric: Metric, name: PerfusionMap | None) -> str:
    unit = unit_of(metric, name)
    return f"{METRICS[metric].title} [{unit}]" if unit else METRICS[metric].title
