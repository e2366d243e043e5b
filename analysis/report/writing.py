"""Write a report: results.json, tables, charts and report.html."""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from analysis.charts.style import EMPHASIS
from analysis.errors import InputError
from analysis.published import reconstructed_responses_path
from analysis.report import figures as report_figures
from analysis.report.documents import report_html, write_word
from analysis.report.formatting import Json
from analysis.report.frames import CROSSED, INDEPENDENT, ReportFrames, to_latex
from analysis.report.results import StudyResults, pictures_of
from analysis.report.results_json import results_json
from analysis.report.section import Picture, Provenance, Table, side_by_side
from reader_study.formats.questionnaire import paper_questionnaire_path

if TYPE_CHECKING:
    from analysis.reproduction import Reproduction


class OutputError(InputError):
    """Results cannot be written where they should go."""


@contextmanager
def complete_or_untouched(folder: Path) -> Iterator[Path]:
    """Yield a folder to write into; its files move to `folder` when all are there.

    If anything fails before, nothing of it is left behind. Files of the same name are
    replaced, others stay.

    Raises:
        OutputError: If `folder` is a file or cannot be made.
    """
    if folder.exists() and not folder.is_dir():
        msg = f"{folder} is a file; the output needs a folder"
        raise OutputError(msg)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        msg = f"{folder} cannot be made ({error.strerror})"
        raise OutputError(msg) from error
    try:
        yield staging
        folder.mkdir(exist_ok=True)
        for path in sorted(staging.iterdir()):
            path.replace(folder / path.name)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


_MARKS: Mapping[Provenance, str] = {
    "study": "",
    "simulated": "Simulated data",
    "reconstructed": "Reconstructed data",
    "published": "",
}
_STRIP = 0.16  # inches


def stamp_provenance(figure: Figure, provenance: Provenance) -> Figure:
    """Name the data below a figure, which may be passed on without its report.

    A strip is added for it, so that it covers nothing.
    """
    text = _MARKS[provenance]
    engine = figure.get_layout_engine()
    if not text:
        return figure
    if isinstance(engine, ConstrainedLayoutEngine):
        width, height = figure.get_size_inches()
        figure.set_size_inches(width, height + _STRIP)
        share = _STRIP / (height + _STRIP)
        engine.set(rect=(0, share, 1, 1 - share))
    figure.text(0.995, 0.01, text, ha="right", va="bottom", fontsize=6, color=EMPHASIS)
    return figure


Progress = Callable[[str], None]
"""Told what is being written."""


def write_report(
    study: StudyResults,
    folder: Path,
    *,
    reproduction: "Reproduction | None" = None,
    progress: Progress = lambda _: None,
    jobs: int = 1,
) -> None:
    """Write all results of a study into a folder, drawing on several processors.

    Raises:
        OutputError: If the folder cannot be made; then nothing is written.
    """
    with complete_or_untouched(folder) as staging, report_figures.house_style():
        progress("results.json")
        write_json(results_json(study), staging / "results.json")
        progress("tables")
        frames = ReportFrames.of(study)
        _write_tables(study, frames, staging)
        figures = {}
        for name, figure in _figures(study, reproduction).items():
            progress(name)
            report_figures.save_figure(
                stamp_provenance(figure, study.provenance), staging, name
            )
            figures[name] = (staging / f"{name}.svg").read_bytes()
        progress("agreement_chart of each question")
        by_question = {
            f"agreement_chart_{result.pairs.question.id}": stamp_provenance(
                report_figures.agreement_figure_of(study, result), study.provenance
            )
            for result in study.questions
        }
        report_figures.save_pages(by_question, staging, "agreement_chart_by_question")
        if reproduction:  # something to try `magic-analyze report` on
            shutil.copy(reconstructed_responses_path(), staging)
            shutil.copy(paper_questionnaire_path(), staging / "questionnaire.json")
        pictures = {picture.name: picture for picture in pictures_of(study)}
        for name in pictures:
            progress(name)
        figures |= side_by_side(
            jobs,
            _draw,
            {name: (of, study.provenance, staging) for name, of in pictures.items()},
        )
        progress("report.html")
        page = report_html(study, figures, reproduction, frames)
        (staging / "report.html").write_text(page, encoding="utf-8")
        progress("report.docx")
        write_word(study, frames, staging)


@dataclass(frozen=True)
class Pages:
    """What a report made of parts is written from.

    Attributes:
        content: Of results.json.
        tables: In order.
        pictures: In order.
        provenance: Where the readings come from.
        html: Renders the page, given SVG files by name.
        word: Writes the Word document into a folder that has the figures.
    """

    content: Json
    tables: Sequence[Table]
    pictures: Sequence[Picture]
    provenance: Provenance
    html: Callable[[Mapping[str, bytes]], str]
    word: Callable[[Path], None]


def write_pages(
    pages: Pages, folder: Path, progress: Progress = lambda _: None
) -> None:
    """Write results.json, tables, figures and both pages of a report made of parts.

    Args:
        pages: What is written.
        folder: Where to.
        progress: Called with the name of each part before it is written.

    Raises:
        OutputError: If the folder cannot be made; then nothing is written.
    """
    with complete_or_untouched(folder) as staging, report_figures.house_style():
        progress("results.json")
        write_json(pages.content, staging / "results.json")
        progress("tables")
        for table in pages.tables:
            write_table(table, staging)
        figures = {}
        for picture in pages.pictures:
            progress(picture.name)
            figures[picture.name] = _draw(picture, pages.provenance, staging)
        progress("report.html")
        page = pages.html(figures)
        (staging / "report.html").write_text(page, encoding="utf-8")
        progress("report.docx")
        pages.word(staging)


def _draw(picture: Picture, provenance: Provenance, folder: Path) -> bytes:
    """Draw and save a figure; return it as SVG."""
    with report_figures.house_style():
        figure = stamp_provenance(picture.draw(), provenance)
        report_figures.save_figure(figure, folder, picture.name)
    return (folder / f"{picture.name}.svg").read_bytes()


def write_json(content: Json, path: Path) -> None:
    """Write results.json."""
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def _write_tables(study: StudyResults, computed: ReportFrames, folder: Path) -> None:
    said = "Agreement and Cohen's kappa with confidence intervals"
    crossed = computed.independent is not None
    captions = {"table1": f"{said}; {CROSSED if crossed else INDEPENDENT}."}
    frames: dict[str, pd.DataFrame] = {"table1": computed.table_one}
    if computed.independent is not None:
        frames["table1_independent"] = computed.independent
        captions["table1_independent"] = f"{said}; {INDEPENDENT}, as in the paper."
    if study.front and study.front.family:
        frames["endpoints"] = study.front.family.frame
        captions["endpoints"] = study.front.family.caption
    for result, (name, frame) in zip(
        study.questions, computed.supplementary.items(), strict=True
    ):
        frames[name] = frame
        captions[name] = f"{result.pairs.question.id}: {result.pairs.question.text}"
    for table in (table for section in study.sections for table in section.tables):
        frames[table.name], captions[table.name] = table.frame, table.caption
    prose = {t.name for section in study.sections for t in section.tables if t.prose}
    for name, frame in frames.items():
        write_table(Table(name, captions[name], frame, prose=name in prose), folder)
    if study.reasons:
        computed.reasons.to_csv(
            folder / "reasons.csv", index=False, lineterminator="\n"
        )


def write_table(table: Table, folder: Path) -> None:
    """Write a table as CSV and for LaTeX."""
    table.frame.to_csv(folder / f"{table.name}.csv", index=False, lineterminator="\n")
    latex = to_latex(table.frame, table.caption, prose=table.prose)
    (folder / f"{table.name}.tex").write_text(latex, encoding="utf-8")


def _figures(
    study: StudyResults, reproduction: "Reproduction | None"
) -> dict[str, Figure]:
    figures = {
        "agreement_charts": report_figures.agreement_figure(study),
        "forest": report_figures.forest_figure(study),
    }
    if reproduction:
        size, test = reproduction.claim
        tables = {r.pairs.question.id: r.table for r in study.questions}
        wanted = reproduction.published.power_minimum
        figures["power"] = report_figures.power_figure(tables, size, test, wanted)
    return figures
