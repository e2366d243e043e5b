"""Write a report: results.json, tables, charts and report.html."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure

from analysis.published import reconstructed_responses_path
from analysis.report.figures import (
    agreement_figure,
    agreement_figure_of,
    forest_figure,
    house_style,
    power_figure,
    save_figure,
    save_pages,
)
from analysis.report.folder import complete_or_untouched
from analysis.report.html import report_html
from analysis.report.marking import mark
from analysis.report.numbers import Json
from analysis.report.results_json import results_json
from analysis.report.study import StudyResults, pictures_of
from analysis.report.tables import (
    reasons_table,
    supplementary_tables,
    table_one,
    to_latex,
)
from analysis.report.word import write_word
from analysis.reproduction.power_claim import claim_test
from reader_study.formats.questionnaire import paper_questionnaire_path

if TYPE_CHECKING:
    from analysis.reproduction.study import Reproduction

Progress = Callable[[str], None]
"""Told what is being written."""


def write_report(
    study: StudyResults,
    folder: Path,
    *,
    reproduction: "Reproduction | None" = None,
    progress: Progress = lambda _: None,
) -> None:
    """Write all results of a study into a folder.

    Raises:
        OutputError: If the folder cannot be made; then nothing is written.
    """
    with complete_or_untouched(folder) as staging, house_style():
        progress("results.json")
        _write_json(results_json(study), staging / "results.json")
        progress("tables")
        _write_tables(study, staging)
        figures = {}
        for name, figure in _figures(study, reproduction).items():
            progress(name)
            save_figure(mark(figure, study.provenance), staging, name)
            figures[name] = (staging / f"{name}.svg").read_bytes()
        progress("agreement_chart of each question")
        by_question = {
            f"agreement_chart_{result.pairs.question.id}": mark(
                agreement_figure_of(study, result), study.provenance
            )
            for result in study.questions
        }
        save_pages(by_question, staging, "agreement_chart_by_question")
        if reproduction:  # something to try `magic-analyze report` on
            shutil.copy(reconstructed_responses_path(), staging)
            shutil.copy(paper_questionnaire_path(), staging / "questionnaire.json")
        for picture in pictures_of(study):
            progress(picture.name)
            figure = mark(picture.draw(), study.provenance)
            save_figure(figure, staging, picture.name)
            figures[picture.name] = (staging / f"{picture.name}.svg").read_bytes()
        progress("report.html")
        page = report_html(study, figures, reproduction)
        (staging / "report.html").write_text(page, encoding="utf-8")
        progress("report.docx")
        write_word(study, staging)


def _write_json(content: Json, path: Path) -> None:
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def _write_tables(study: StudyResults, folder: Path) -> None:
    captions = {"table1": "Agreement and Cohen's kappa with confidence intervals."}
    frames: dict[str, pd.DataFrame] = {"table1": table_one(study)}
    for result, (name, frame) in zip(
        study.questions, supplementary_tables(study).items(), strict=True
    ):
        frames[name] = frame
        captions[name] = f"{result.pairs.question.id}: {result.pairs.question.text}"
    for table in (table for section in study.sections for table in section.tables):
        frames[table.name], captions[table.name] = table.frame, table.caption
    prose = {t.name for section in study.sections for t in section.tables if t.prose}
    for name, frame in frames.items():
        frame.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
        latex = to_latex(frame, captions[name], prose=name in prose)
        (folder / f"{name}.tex").write_text(latex, encoding="utf-8")
    if study.reasons:
        reasons = reasons_table(study)
        reasons.to_csv(folder / "reasons.csv", index=False, lineterminator="\n")


def _figures(
    study: StudyResults, reproduction: "Reproduction | None"
) -> dict[str, Figure]:
    figures = {
        "agreement_charts": agreement_figure(study),
        "forest": forest_figure(study),
    }
    if reproduction:
        size, test = claim_test(reproduction.published)
        tables = {r.pairs.question.id: r.table for r in study.questions}
        wanted = reproduction.published.power_minimum
        figures["power"] = power_figure(tables, size, test, wanted)
    return figures
