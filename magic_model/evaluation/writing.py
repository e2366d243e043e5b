"""Write an evaluation as a folder: tables, figures, JSON and a page."""

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import jinja2

from magic_model.evaluation.figures import draw_figures
from magic_model.evaluation.folder import complete_or_untouched
from magic_model.evaluation.groups import severity_of
from magic_model.evaluation.result import Evaluation
from magic_model.evaluation.results_json import as_json
from magic_model.evaluation.table import Table, to_csv_rows, to_markdown, unrounded
from magic_model.evaluation.tables import all_tables

RESULTS = "evaluation.json"
PAGE = "evaluation.html"
TEXT = "evaluation.md"


def write_evaluation(evaluation: Evaluation, out: Path) -> None:
    """Write every file in one step.

    Tables come as one CSV each (unrounded), all together as Markdown and HTML; figures
    as PNG and SVG; patients.csv and summary.csv hold a line per figure.

    Raises:
        DataError: If an image cannot be read again, or the folder cannot be written.
    """
    tables = all_tables(evaluation)
    with complete_or_untouched(out) as folder:
        for table in tables:
            _write_csv(folder / f"table_{table.name}.csv", to_csv_rows(table))
        _write_csv(folder / "patients.csv", _patient_rows(evaluation))
        _write_csv(folder / "summary.csv", _summary_rows(evaluation))
        figures = draw_figures(evaluation, folder)
        results = json.dumps(as_json(evaluation), indent=1, allow_nan=False)
        (folder / RESULTS).write_text(results + "\n", encoding="utf-8")
        (folder / TEXT).write_text(_markdown(evaluation, tables), encoding="utf-8")
        page = _page(evaluation, tables, figures)
        (folder / PAGE).write_text(page, encoding="utf-8")


def _markdown(evaluation: Evaluation, tables: Sequence[Table]) -> str:
    notes = "\n".join(f"- {note}" for note in evaluation.notes)
    head = f"# Evaluation of generated maps\n\nResearch use only.\n\n{notes}\n"
    return "\n".join([head, *(to_markdown(table) for table in tables)])


def _page(
    evaluation: Evaluation, tables: Sequence[Table], figures: dict[str, str]
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
        who = [patient.patient_id, severity_of(patient) or ""]
        who.append(unrounded(patient.mismatch_ratio))
        for key, value in zip(scores.keys, row.tolist(), strict=True):
            yield [*who, key.method, key.map or "", key.metric, unrounded(value)]


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
            *(unrounded(x) for x in numbers), s.reason or "",
        ]  # fmt: skip


def _write_csv(path: Path, rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
