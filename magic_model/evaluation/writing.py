"""An evaluation in the terminal and as a folder: tables, figures, JSON and a page."""

import csv
import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import jinja2

from magic_model.evaluation import field, statistics
from magic_model.evaluation import tables as evaluation_tables
from magic_model.evaluation.decisions import decide
from magic_model.evaluation.figures import draw_figures
from magic_model.evaluation.metric import METRICS, Metric
from magic_model.evaluation.predictors import CONSTANT, MEASURED
from magic_model.evaluation.result import Evaluation
from magic_model.evaluation.scores import Key
from magic_model.maps import MAP_SPECS, PerfusionMap
from magic_model.metrics.method_agreement import Interval
from magic_model.output import complete_or_untouched

_SCHEMA = 1


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """Return everything as plain dictionaries and lists, without NaN."""
    scores = evaluation.scores
    groups = statistics.patient_groups(scores.patients)
    return {
        "schema": _SCHEMA,
        "seed": evaluation.seed,
        "methods": evaluation.methods,
        "maps": [str(name) for name in evaluation.maps],
        "notes": evaluation.notes,
        "metrics": {
            str(metric): {"title": spec.title, "unit": spec.unit}
            for metric, spec in METRICS.items()
        },
        "groups": {name: int(members.sum()) for name, members in groups.items()},
        "summaries": [_summary(summary) for summary in evaluation.summaries],
        "comparisons": [_comparison(c) for c in evaluation.comparisons],
        "decisions": [found.to_row() for found in decide(scores, evaluation.rows)],
        "volumes": [_volume(agreement) for agreement in evaluation.volumes],
        "realism": list(evaluation.realism.to_rows()) if evaluation.realism else [],
        "likeness": _likeness(evaluation),
        "patients": [
            {
                "patient_id": patient.patient_id,
                "severity": statistics.severity_of(patient),
                "mismatch_ratio": _number(patient.mismatch_ratio),
                "figures": [
                    {**_key(key), "value": _number(value), **_reason(key, value)}
                    for key, value in zip(scores.keys, row.tolist(), strict=True)
                ],
            }
            for patient, row in zip(scores.patients, scores.values, strict=True)
        ],
    }


_OF_MAPS = (
    ("MAE", Metric.MAE),
    ("r", Metric.CORRELATION),
    ("PSNR", Metric.PSNR),
    ("SSIM", Metric.SSIM_IN_BRAIN),
    ("UQI", Metric.UQI_IN_BRAIN),
    ("SSIM", Metric.SSIM_BOX),
    ("UQI", Metric.UQI_BOX),
    ("SSIM", Metric.SSIM_PAPER),
    ("UQI", Metric.UQI_PAPER),
)
_OF_PATIENTS = (
    ("core Dice", Metric.CORE_DICE),
    ("risk Dice", Metric.AT_RISK_DICE),
    ("core AUC", Metric.CORE_AUC),
    ("risk AUC", Metric.AT_RISK_AUC),
    ("core mL", Metric.CORE_ML),
    ("risk mL", Metric.AT_RISK_ML),
    ("residual", Metric.CENTRAL_RESIDUAL),
)


def describe(evaluation: Evaluation) -> str:
    """Write means over patients as two tables, and the notes."""
    n = len(evaluation.scores.patients)
    width = max(map(len, [MEASURED, *evaluation.rows])) + 2
    lines = [
        f"Means over {n} patient{'s' if n > 1 else ''}; MAE in the unit of the map",
        f"{'':{width + 5}}{'in brain':^40}{'bounding box':^16}{'paper-compatible':^16}",
        f"{'map':5}{'method':{width}}" + "".join(f"{t:>8}" for t, _ in _OF_MAPS),
        *_map_lines(evaluation, width),
        *_patient_lines(evaluation, width),
        _caution(evaluation),
    ]
    if evaluation.realism is not None:
        lines.append(evaluation.realism.describe())
    if n < statistics.FEWEST_PATIENTS:
        lines.append(
            f"No intervals or tests: they need {statistics.FEWEST_PATIENTS} patients"
        )
    return "\n".join([*lines, *(f"- {note}" for note in evaluation.notes)])


RESULTS = "evaluation.json"
PAGE = "evaluation.html"
TEXT = "evaluation.md"


def write_evaluation(evaluation: Evaluation, out: Path) -> None:
    """Write every file in one step.

    `table_field.csv` and `table_field.tex` hold the figures of recent papers in one.
    Tables come as one CSV each (unrounded), all together as Markdown and HTML; figures
    as PNG and SVG; patients.csv and summary.csv hold a line per figure.

    Raises:
        DataError: If an image cannot be read again, or the folder cannot be written.
    """
    tables = evaluation_tables.all_tables(evaluation)
    with complete_or_untouched(out) as folder:
        for table in tables:
            _write_csv(
                folder / f"table_{table.name}.csv", evaluation_tables.to_csv_rows(table)
            )
        _write_csv(folder / f"table_{field.TABLE}.csv", field.to_csv_rows(evaluation))
        (folder / f"table_{field.TABLE}.tex").write_text(
            field.to_latex(evaluation), encoding="utf-8"
        )
        _write_csv(folder / "patients.csv", _patient_rows(evaluation))
        _write_csv(folder / "summary.csv", _summary_rows(evaluation))
        figures = draw_figures(evaluation, folder)
        results = json.dumps(as_json(evaluation), indent=1, allow_nan=False)
        (folder / RESULTS).write_text(results + "\n", encoding="utf-8")
        (folder / TEXT).write_text(_markdown(evaluation, tables), encoding="utf-8")
        page = _page(evaluation, tables, figures)
        (folder / PAGE).write_text(page, encoding="utf-8")


def _likeness(evaluation: Evaluation) -> dict[str, float | None]:
    """Return how alike maps are to patches of the training split, by method."""
    alike = evaluation.realism.likeness if evaluation.realism else {}
    return {method: _number(value) for method, value in alike.items()}


def _number(value: float) -> float | None:
    """Return a number, None (null in JSON) for NaN and infinite values."""
    return float(value) if math.isfinite(value) else None


def _key(key: Key) -> dict[str, Any]:
    return {"method": key.method, "map": key.map, "metric": key.metric}


def _reason(key: Key, value: float) -> dict[str, str]:
    return {"reason": METRICS[key.metric].undefined} if math.isnan(value) else {}


def _limits(interval: Interval) -> dict[str, float | None]:
    return {"low": _number(interval.low), "high": _number(interval.high)}


def _summary(summary: statistics.Summary) -> dict[str, Any]:
    return {
        "group": summary.group,
        **_key(summary.key),
        "n": summary.n,
        "mean": _number(summary.mean),
        **_limits(summary.interval),
        "median": _number(summary.median),
        "first_quartile": _number(summary.quartiles.low),
        "third_quartile": _number(summary.quartiles.high),
        "reason": summary.reason,
    }


def _comparison(comparison: statistics.Comparison) -> dict[str, Any]:
    return {
        "first": comparison.first,
        "second": comparison.second,
        "map": comparison.map,
        "metric": comparison.metric,
        "n": comparison.n,
        "difference": _number(comparison.difference),
        **_limits(comparison.interval),
        "p_value": _number(comparison.p_value),
        "p_holm": _number(comparison.p_holm),
        "reason": comparison.reason,
    }


def _volume(agreement: statistics.VolumeAgreement) -> dict[str, Any]:
    differences = agreement.differences
    return {
        "method": agreement.method,
        "metric": agreement.metric,
        "n": differences.n,
        "bias_ml": _number(differences.bias),
        "bias_interval": _limits(differences.bias_interval()),
        "standard_deviation_ml": _number(differences.standard_deviation),
        "limits_of_agreement": _limits(differences.limits),
        "icc": _number(agreement.icc),
        "icc_interval": _limits(agreement.icc_interval),
        "reason": agreement.reason,
    }


def _map_lines(evaluation: Evaluation, width: int) -> list[str]:
    return [
        f"{MAP_SPECS[name].title:5}{method:{width}}"
        + "".join(f"{_mean(evaluation, method, name, m):>8}" for _, m in _OF_MAPS)
        for name in evaluation.maps
        for method in evaluation.rows
    ]


def _caution(evaluation: Evaluation) -> str:
    """Say what the paper-compatible figures give a map that shows nothing."""
    name = evaluation.maps[0]
    paper, brain = (
        " and ".join(_mean(evaluation, CONSTANT, name, metric) for metric in metrics)
        for metrics in (
            (Metric.SSIM_PAPER, Metric.UQI_PAPER),
            (Metric.SSIM_IN_BRAIN, Metric.UQI_IN_BRAIN),
        )
    )
    return (
        f"Paper-compatible SSIM and UQI give a constant {MAP_SPECS[name].title} "
        f"{paper}; in the brain it has {brain}"
    )


def _patient_lines(evaluation: Evaluation, width: int) -> list[str]:
    taken = {key.metric for key in evaluation.scores.keys}
    columns = [(title, metric) for title, metric in _OF_PATIENTS if metric in taken]
    if not columns:
        return []
    head = f"{'':5}{'method':{width}}" + "".join(f"{title:>11}" for title, _ in columns)
    return [
        head,
        *(
            f"{'':5}{method:{width}}"
            + "".join(f"{_mean(evaluation, method, None, m):>11}" for _, m in columns)
            for method in (MEASURED, *evaluation.rows)
        ),
    ]


def _mean(
    evaluation: Evaluation, method: str, name: PerfusionMap | None, metric: Metric
) -> str:
    summary = evaluation.summary(method, name, metric)
    return _shown(summary) if summary and summary.n else evaluation_tables.MISSING


def _shown(summary: statistics.Summary) -> str:
    return evaluation_tables.format_number(
        summary.mean, min(3, METRICS[summary.key.metric].digits)
    )


def _markdown(evaluation: Evaluation, tables: Sequence[evaluation_tables.Table]) -> str:
    notes = "\n".join(f"- {note}" for note in evaluation.notes)
    head = f"# Evaluation of generated maps\n\nResearch use only.\n\n{notes}\n"
    return "\n".join(
        [head, *(evaluation_tables.to_markdown(table) for table in tables)]
    )


def _page(
    evaluation: Evaluation,
    tables: Sequence[evaluation_tables.Table],
    figures: dict[str, str],
) -> str:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("magic_model.evaluation"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template("evaluation.html.j2").render(
        tables=tables, figures=figures, notes=evaluation.notes
    )


def _patient_rows(evaluation: Evaluation) -> Iterable[list[str]]:
    yield [
        "patient_id", "severity", "mismatch_ratio", "method", "map", "metric", "value",
    ]  # fmt: skip
    scores = evaluation.scores
    for patient, row in zip(scores.patients, scores.values, strict=True):
        who = [patient.patient_id, statistics.severity_of(patient) or ""]
        who.append(evaluation_tables.unrounded(patient.mismatch_ratio))
        for key, value in zip(scores.keys, row.tolist(), strict=True):
            yield [
                *who,
                key.method,
                key.map or "",
                key.metric,
                evaluation_tables.unrounded(value),
            ]


def _summary_rows(evaluation: Evaluation) -> Iterable[list[str]]:
    yield [
        "group", "method", "map", "metric", "n", "mean", "low", "high", "median",
        "first_quartile", "third_quartile", "reason",
    ]  # fmt: skip
    for s in evaluation.summaries:
        numbers = (
            s.mean, s.interval.low, s.interval.high, s.median,
            s.quartiles.low, s.quartiles.high,
        )  # fmt: skip
        yield [
            s.group, s.key.method, s.key.map or "", s.key.metric, str(s.n),
            *(evaluation_tables.unrounded(x) for x in numbers), s.reason or "",
        ]  # fmt: skip


def _write_csv(path: Path, rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
