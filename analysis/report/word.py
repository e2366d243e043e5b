"""Parts of a Word document: tables, figures, and the page in front on one sheet."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import pandas as pd
from docx.document import Document as WordDocument
from docx.enum.text import WD_BREAK
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from docx.shared import Cm, Length, Pt
from docx.table import _Cell
from docx.text.paragraph import Paragraph

from analysis.report.front import Front

_WIDTH = 17.4  # cm between the margins
_LONGEST, _AROUND = 36, 7  # letters of a cell that count, and what its edges take
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")  # not allowed in XML
_SMALL, _BODY, _TABLE = Pt(7), Pt(9), Pt(8)


def add_table(
    document: WordDocument, frame: pd.DataFrame, caption: str, *, prose: bool = False
) -> None:
    """Add a table; columns are as wide as what stands in them asks for."""
    document.add_paragraph(caption).runs[0].bold = True
    _fill(document, frame, 1 if not prose else len(frame.columns), _TABLE)
    document.add_paragraph()


def add_figure(
    document: WordDocument, path: Path, caption: str, width: float = _WIDTH
) -> None:
    """Add a picture, so many cm wide, with what stands below it."""
    document.add_picture(str(path), width=Cm(width))
    document.add_paragraph(caption).runs[0].italic = True


def add_notes(document: WordDocument, notes: Iterable[str]) -> None:
    """Add sentences in small type."""
    for note in notes:
        document.add_paragraph(note).runs[0].font.size = Pt(8)


def add_page_break(document: WordDocument) -> None:
    """Begin a new page."""
    document.add_paragraph().add_run().add_break(WD_BREAK.PAGE)


def add_front(document: WordDocument, front: Front, folder: Path) -> None:
    """Add the page in front, which must fit on one sheet.

    Args:
        document: With its title.
        front: What the page says.
        folder: With a PNG of its figure.
    """
    facts = {**front.facts, "Plan": front.plan}
    for heading, fact in facts.items():
        said = _say(document.add_paragraph(), f"{heading}: ", _BODY)
        said.runs[0].bold = True
        said.add_run(fact).font.size = _BODY
    _heading(document, "Primary result")
    side = document.add_table(rows=1, cols=2).rows[0].cells
    for cell, width in zip(side, (9.0, _WIDTH - 9.0), strict=True):
        cell.width = Cm(width)
    _answer(side[0], front.primary)
    _say(side[0].add_paragraph(), front.meaning, _SMALL)
    run = side[1].paragraphs[0].add_run()
    run.add_picture(str(folder / f"{front.picture.name}.png"), width=Cm(7.6))
    _say(side[1].add_paragraph(), front.picture.caption, _SMALL)
    if front.family:
        _heading(document, "Further planned endpoints")
        _say(document.add_paragraph(), front.family.caption, _BODY, bold=True)
        _fill(document, front.family.frame, 2, _SMALL)
        _notes(document, front.family.notes)
    _notes(document, front.remarks)
    _heading(document, "Every question")
    _say(document.add_paragraph(), front.questions.caption, _BODY, bold=True)
    _fill(document, front.questions.frame, 1, _SMALL)
    _notes(document, front.questions.notes)
    _heading(document, "Deviations")
    for sentence in front.deviations:
        _say(document.add_paragraph(style="List Bullet"), sentence, _BODY)
    document.paragraphs[-1].add_run().add_break(WD_BREAK.PAGE)


def _answer(cell: _Cell, sentences: Sequence[str]) -> None:
    _say(cell.paragraphs[0], sentences[0], Pt(10.5), bold=True)
    for sentence in sentences[1:]:
        _say(cell.add_paragraph(), sentence, _BODY)


def _say(
    paragraph: Paragraph, text: str, size: Length, *, bold: bool = False
) -> Paragraph:
    paragraph.paragraph_format.space_after = Pt(2)
    paragraph.paragraph_format.line_spacing = 1.0
    run = paragraph.add_run(text)
    run.font.size, run.bold = size, bold
    return paragraph


def _heading(document: WordDocument, text: str) -> None:
    heading = document.add_heading(text, 1)
    heading.paragraph_format.space_before = Pt(7)
    heading.paragraph_format.space_after = Pt(1)
    heading.runs[0].font.size = Pt(11.5)


def _notes(document: WordDocument, notes: Iterable[str]) -> None:
    for note in notes:
        _say(document.add_paragraph(), note, _SMALL)


def _fill(
    document: WordDocument, frame: pd.DataFrame, n_left: int, size: Length
) -> None:
    """Add the table itself; the first so many columns stand on the left."""
    table = document.add_table(rows=0, cols=len(frame.columns), style="Light List")
    table.autofit = False
    rows = [list(frame.columns), *frame.to_numpy().tolist()]
    widths = [Cm(width) for width in _widths(rows)]
    for column, width in zip(table.columns, widths, strict=True):
        column.width = width  # some programs go by the column, some by its cells
    # Written as XML at once: python-docx looks for each cell anew, again and again.
    written = "".join(_row(row, widths, n_left, size) for row in rows)
    for row in parse_xml(f"<w:tbl {nsdecls('w')}>{written}</w:tbl>"):
        table._tbl.append(row)


def _row(
    row: Sequence[object], widths: Sequence[Length], n_left: int, size: Length
) -> str:
    cells = []
    for place, (value, width) in enumerate(zip(row, widths, strict=True)):
        aligned = '<w:pPr><w:jc w:val="right"/></w:pPr>' if place >= n_left else ""
        lines = "</w:t><w:br/><w:t xml:space='preserve'>".join(
            escape(_UNPRINTABLE.sub("", str(value))).split("\n")
        )
        cells.append(
            f'<w:tc><w:tcPr><w:tcW w:type="dxa" w:w="{width.twips}"/></w:tcPr>'
            f'<w:p>{aligned}<w:r><w:rPr><w:sz w:val="{round(2 * size.pt)}"/></w:rPr>'
            f"<w:t xml:space='preserve'>{lines}</w:t></w:r></w:p></w:tc>"
        )
    return f"<w:tr>{''.join(cells)}</w:tr>"


def _widths(rows: Sequence[Sequence[object]]) -> list[float]:
    """Share the width by the longest text of each column."""
    longest = [
        max(len(str(cell)) for cell in column) for column in zip(*rows, strict=True)
    ]
    asked = [min(_LONGEST, n) + _AROUND for n in longest]
    return [_WIDTH * n / sum(asked) for n in asked]
