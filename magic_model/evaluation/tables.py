"""The tables of an evaluation."""

from collections.abc import Sequence

from magic_model.evaluation.comparison import Comparison
from magic_model.evaluation.groups import ALL, patient_groups
from magic_model.evaluation.metric import METRICS, Metric, unit_of
from magic_model.evaluation.predictors import BASELINES
from magic_model.evaluation.result import Evaluation
from magic_model.evaluation.summary import Summary
from magic_model.evaluation.table import MISSING, Cell, Figure, Table
from magic_model.evaluation.tables_of_lesions import lesion_table
from magic_model.maps import MAP_SPECS, PerfusionMap

_IN_BRAIN = (
    Metric.SSIM_IN_BRAIN,
    Metric.UQI_IN_BRAIN,
    Metric.MAE,
    Metric.RMSE,
    Metric.CORRELATION,
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
    """Give every table that the maps allow, the project's own first."""
    tables = [
        _in_brain(evaluation),
        lesion_table(evaluation),
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
            f"{', '.join(BASELINES)} score.",
            (Metric.SSIM_PAPER, Metric.UQI_PAPER),
        ),
        _by_severity(evaluation),
        _comparisons(evaluation.comparisons),
    ]
    return [table for table in tables if table.rows]


def _figure(summary: Summary | None, *, interval: bool = True) -> Cell:
    if summary is None:
        return MISSING
    digits = METRICS[summary.key.metric].digits
    return Figure(summary.mean, digits, summary.interval if interval else None)


def _in_brain(evaluation: Evaluation) -> Table:
    rows: list[list[Cell]] = []
    for name in evaluation.maps:
        for method in evaluation.rows:
            found = [evaluation.summary(method, name, metric) for metric in _IN_BRAIN]
            label = f"{MAP_SPECS[name].title} [{MAP_SPECS[name].unit}]"
            rows.append([label, method, *(_figure(summary) for summary in found)])
    return Table(
        name="in_brain",
        title="In the brain, in physical units",
        caption=f"{_INTERVALS} n = {len(evaluation.scores.patients)} patients. SSIM "
        "and UQI over windows centred in the brain; MAE and RMSE in the map's unit.",
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
    rows: list[list[Cell]] = []
    for method in evaluation.rows:
        found = [evaluation.summary(method, m, metric) for m, metric in columns]
        means = [Figure(s.mean, 4) if s else MISSING for s in found]
        rows.append([method, *means])
    header = [f"{MAP_SPECS[m].title} {kinds[metric]}" for m, metric in columns]
    return Table(name, title, caption, ["Method", *header], rows)


def _by_severity(evaluation: Evaluation) -> Table:
    counts = {
        group: int(members.sum())
        for group, members in patient_groups(evaluation.scores.patients).items()
        if group != ALL and members.any()
    }
    rows: list[list[Cell]] = []
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


def _comparisons(comparisons: Sequence[Comparison]) -> Table:
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
