"""The report as one self-contained page, and as a Word document to work on."""

import base64
import re
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
import pandas as pd
from docx import Document
from docx.document import Document as WordDocument
from docx.shared import Cm, Pt

from analysis.report import frames as report_frames
from analysis.report.frames import CROSSED, INDEPENDENT, ReportFrames
from analysis.report.methods import INCOMPLETE, cited, methods_paragraphs, parts_of
from analysis.report.question import QuestionResult
from analysis.report.results import StudyResults
from analysis.report.section import Section
from analysis.report.word import (
    add_figure,
    add_front,
    add_notes,
    add_page_break,
    add_table,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analysis.report.arms.results import ArmsResults
    from analysis.reproduction import Reproduction


WORD_NAME = "report.docx"
_USE = "Research use only; not for diagnosis."
_MOST = 25  # remarks; a page of them helps nobody


def write_word(study: StudyResults, frames: ReportFrames, folder: Path) -> None:
    """Write report.docx into a folder that holds the figures already.

    Args:
        study: What to report.
        frames: Its tables.
        folder: With a PNG of each figure.
    """
    document = new_document(study.title, study.warning)
    if study.front:
        add_front(document, study.front, folder)
    add_methods(document, methods_paragraphs(study), cited(parts_of(study)))
    add_remarks(document, study)
    add_page_break(document)
    document.add_heading("Supplement", 1)
    _results(document, study, frames, folder)
    for section in study.sections:
        add_section(document, section, folder)
    document.save(str(folder / WORD_NAME))


def new_document(title: str, warning: str) -> WordDocument:
    """Return a document with a heading, and with what must stand on every page."""
    document = Document()
    document.styles["Normal"].font.size = Pt(10)
    document.styles["Normal"].font.name = "Calibri"
    for page in document.sections:
        page.left_margin = page.right_margin = Cm(2)
        page.top_margin = page.bottom_margin = Cm(1.8)
        # On every page, so that no printed sheet can be taken for something else.
        page.header.paragraphs[0].text = " ".join(filter(None, (warning, _USE)))
        page.header.paragraphs[0].runs[0].font.size = Pt(8)
    document.add_heading(title, 0).runs[0].font.size = Pt(18)
    return document


def _results(
    document: WordDocument, study: StudyResults, frames: ReportFrames, folder: Path
) -> None:
    document.add_heading("Agreement", 1)
    level = f"{100 * study.confidence_level:g}"
    said = f"Agreement and Cohen's kappa with {level} % confidence intervals"
    if frames.independent is not None:
        add_table(document, frames.table_one, f"{said}; {CROSSED}.")
    as_printed = frames.table_one if frames.independent is None else frames.independent
    add_table(document, as_printed, f"Table 1 as in the paper. {said}; {INDEPENDENT}.")
    caption = f"Agreement and Cohen's kappa; {INDEPENDENT}."
    add_figure(document, folder / "forest.png", caption)
    add_figure(
        document, folder / "agreement_charts.png", "Agreement charts (Bangdiwala)."
    )
    for result, frame in zip(
        study.questions, frames.supplementary.values(), strict=True
    ):
        question = result.pairs.question
        add_table(document, frame, f"{question.id}. {question.text}")


def add_section(document: WordDocument, section: Section, folder: Path) -> None:
    """Add a part of a report; its figures are in the folder."""
    document.add_heading(section.title, 1)
    if section.refused:
        document.add_paragraph(f"Not analysed. {section.refused}")
    for sentence in section.findings:
        document.add_paragraph(sentence)
    for picture in section.pictures:
        add_figure(document, folder / f"{picture.name}.png", picture.caption)
    for table in section.tables:
        add_table(document, table.frame, table.caption, prose=table.prose)
        add_notes(document, table.notes)


def add_methods(
    document: WordDocument, paragraphs: Iterable[str], sources: Iterable[str]
) -> None:
    """Add how it was computed, and the sources."""
    document.add_heading("Methods", 1)
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    document.add_heading("References", 1)
    for source in sources:
        document.add_paragraph(source, style="List Number")


def add_remarks(document: WordDocument, study: "StudyResults | ArmsResults") -> None:
    """Add how the file was understood and what is incomplete, if anything."""
    parts = {
        "How the file was understood": study.assumed,
        "Incomplete readings": study.notes,
    }
    for heading, sentences in parts.items():
        if sentences:
            document.add_heading(heading, 1)
        for sentence in sentences[:_MOST]:
            document.add_paragraph(sentence, style="List Bullet")
        if len(sentences) > _MOST:
            rest = f"and {len(sentences) - _MOST} more, in results.json."
            document.add_paragraph(rest)


def report_html(
    study: StudyResults,
    figures: "Mapping[str, bytes]",
    reproduction: "Reproduction | None" = None,
    frames: report_frames.ReportFrames | None = None,
) -> str:
    """Render the page.

    Args:
        study: What to report.
        figures: SVG files by name: `forest`, `agreement_charts`, and `power` with a
            reproduction.
        reproduction: The paper's figures to show beside the computed ones.
        frames: Tables of the study, if computed before.
    """
    frames = frames or report_frames.ReportFrames.of(study)
    return page_template("report.html.j2").render(
        study=study,
        level=f"{100 * study.confidence_level:g}",
        version=version("magic-ctp"),
        reproduction=reproduction,
        front=study.front,
        table_one=frames.table_one,
        independent=frames.independent,
        figures={
            name: base64.b64encode(svg).decode("ascii") for name, svg in figures.items()
        },
        questions=[_question(study, result) for result in study.questions],
        power_tables=_power_tables(reproduction),
        recovered_tables=_recovered_tables(reproduction),
        reasons=frames.reasons,
        analysed_sections=[s for s in study.sections if s.refused is None],
        references=cited(parts_of(study)),
        incomplete_text=INCOMPLETE[study.incomplete],
        methods=methods_paragraphs(study),
    )


def page_template(name: str) -> jinja2.Template:
    """Return a template of the report's pages."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("analysis.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    environment.filters["unbroken"] = unbroken
    return environment.get_template(name)


_INTERVAL = re.compile(r"\[(-?[\d.]+%?), (-?[\d.]+%?)\]")


def unbroken(cell: object) -> str:
    r"""Write a cell so that no line ends within an interval.

    Examples:
        >>> unbroken("0.52 [-0.10, 0.93]")
        '0.52 [-0.10,\xa00.93]'
    """
    return _INTERVAL.sub("[\\1,\N{NO-BREAK SPACE}\\2]", str(cell))


def _power_tables(reproduction: "Reproduction | None") -> dict[str, pd.DataFrame]:
    if reproduction is None:
        return {}
    return {
        question: report_frames.power_table(figures)
        for question, figures in reproduction.power_figures.items()
        if figures[0].refused is None
    }


def _recovered_tables(reproduction: "Reproduction | None") -> pd.DataFrame:
    recovered = reproduction.recovered if reproduction else []
    return pd.DataFrame(
        [
            {
                "Question": table.question.id,
                "Tables that fit totals and agreements": str(table.n_by_margins),
                "and the interval of kappa": str(table.n_by_kappa),
                "and the counts of each reader": str(len(table.fitting)),
                "Table": str(table.table.counts.tolist()),
            }
            for table in recovered
        ]
    )


def _question(study: StudyResults, result: QuestionResult) -> dict[str, Any]:
    question, table = result.pairs.question, result.table
    return {
        "id": question.id,
        "text": question.text,
        "reason": result.kappa.undefined_reason,
        "n": table.n,
        "n_incomplete": result.pairs.n_incomplete,
        "n_one": result.pairs.n_one_answer,
        "n_none": result.pairs.n_no_answer,
        "codes": question.codes,
        "rows": [
            {
                "label": f"{code} {label}",
                "counts": counts,
                "index": index,
                "total": sum(counts),
            }
            for index, (code, label, counts) in enumerate(
                zip(question.codes, question.labels, table.counts.tolist(), strict=True)
            )
        ],
        "column_totals": table.column_totals.tolist(),
        "coefficients": report_frames.coefficient_table(result, study.confidence_level),
        "tests": report_frames.test_table(result),
        "by_reader": None
        if result.pairs.by_reader is None
        else report_frames.counts_by_reader(study, result),
    }
