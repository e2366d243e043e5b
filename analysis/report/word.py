"""The report as a Word document, to work on a paper with."""

from pathlib import Path

import pandas as pd
from docx import Document
from docx.document import Document as WordDocument
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.shared import Cm, Pt

from analysis.report.frames import ReportFrames
from analysis.report.methods import cited, methods_paragraphs
from analysis.report.results import StudyResults
from analysis.report.section import Section

NAME = "report.docx"
_USE = "Research use only; not for diagnosis."


def write_word(study: StudyResults, frames: ReportFrames, folder: Path) -> None:
    """Write report.docx into a folder that holds the figures already.

    Args:
        study: What to report.
        frames: Its tables.
        folder: With a PNG of each figure.
    """
    document = Document()
    document.styles["Normal"].font.size = Pt(10)
    for page in document.sections:
        page.left_margin = page.right_margin = Cm(2)
        # On every page, so that no printed sheet can be taken for something else.
        page.header.paragraphs[0].text = " ".join(filter(None, (study.warning, _USE)))
        page.header.paragraphs[0].runs[0].font.size = Pt(8)
    document.add_heading(study.title, 0)
    _results(document, study, frames, folder)
    for section in study.sections:
        _section(document, section, folder)
    _methods(document, study)
    document.save(str(folder / NAME))


def _results(
    document: WordDocument, study: StudyResults, frames: ReportFrames, folder: Path
) -> None:
    document.add_heading("Agreement", 1)
    level = f"{100 * study.confidence_level:g}"
    _table(
        document,
        frames.table_one,
        f"Table 1. Agreement and Cohen's kappa with {level} % confidence intervals; "
        "pairs taken as independent.",
    )
    _figure(document, folder / "forest.png", "Agreement and Cohen's kappa.")
    _figure(document, folder / "agreement_charts.png", "Agreement charts (Bangdiwala).")
    for result, frame in zip(
        study.questions, frames.supplementary.values(), strict=True
    ):
        question = result.pairs.question
        _table(document, frame, f"{question.id}. {question.text}")


def _section(document: WordDocument, section: Section, folder: Path) -> None:
    document.add_heading(section.title, 1)
    if section.refused:
        document.add_paragraph(f"Not analysed. {section.refused}")
    for sentence in section.findings:
        document.add_paragraph(sentence)
    for picture in section.pictures:
        _figure(document, folder / f"{picture.name}.png", picture.caption)
    for table in section.tables:
        _table(document, table.frame, table.caption, prose=table.prose)
        for note in table.notes:
            document.add_paragraph(note).runs[0].font.size = Pt(8)


def _methods(document: WordDocument, study: StudyResults) -> None:
    document.add_heading("Methods", 1)
    for paragraph in methods_paragraphs(study):
        document.add_paragraph(paragraph)
    document.add_heading("References", 1)
    for source in cited(study.sections):
        document.add_paragraph(source, style="List Number")


def _figure(document: WordDocument, path: Path, caption: str) -> None:
    document.add_picture(str(path), width=Cm(17))
    document.add_paragraph(caption).runs[0].italic = True


def _table(
    document: WordDocument, frame: pd.DataFrame, caption: str, *, prose: bool = False
) -> None:
    document.add_paragraph(caption).runs[0].bold = True
    table = document.add_table(rows=1, cols=len(frame.columns), style="Light List")
    rows = [list(frame.columns), *frame.to_numpy().tolist()]
    for _ in rows[1:]:
        table.add_row()
    for cells, row in zip(table.rows, rows, strict=True):
        for column, (cell, value) in enumerate(zip(cells.cells, row, strict=True)):
            paragraph = cell.paragraphs[0]
            paragraph.add_run(str(value)).font.size = Pt(8)
            if column and not prose:
                paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    document.add_paragraph()
