"""Write the report of a study by method: results.json, tables, figures and pages."""

import base64
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from analysis.report import documents, methods, word, writing
from analysis.report.arms import content, results, sections
from analysis.report.arms.front import front_of
from analysis.report.front import Front
from analysis.report.section import Picture, Section
from analysis.report.setting import counted
from reader_study.formats.responses import ONE_METHOD

FIRST = ("between", "repeats", "contrasts", "overall", "accuracy")
"""Parts in front of the methods; the others are the supplement."""


def write_arms_report(
    study: results.ArmsResults,
    folder: Path,
    *,
    progress: writing.Progress = lambda _: None,
) -> None:
    """Write all results of a study into a folder.

    Raises:
        OutputError: If the folder cannot be made; then nothing is written.
    """
    made, front = sections.sections_of(study), front_of(study)
    tables = [table for section in made for table in section.tables]
    pages = writing.Pages(
        content=content.arms_json(study, front),
        tables=[*([front.family] if front and front.family else ()), *tables],
        pictures=pictures_of(made, front),
        provenance=study.provenance,
        html=lambda figures: page(study, made, figures, front),
        word=lambda to: _write_word(study, made, front, to),
    )
    writing.write_pages(pages, folder, progress)


def page(
    study: results.ArmsResults,
    made: Sequence[Section],
    figures: Mapping[str, bytes],
    front: Front | None,
) -> str:
    """Render the page.

    Args:
        study: What to report.
        made: Its sections.
        figures: SVG files by name.
        front: The page in front.
    """
    parts = _parts(made, front)
    encoded = {name: base64.b64encode(svg).decode() for name, svg in figures.items()}
    return documents.page_template("arms.html.j2").render(
        study=study,
        lead=lead_of(study),
        front=front,
        sections=made,
        first=FIRST,
        figures=encoded,
        methods=methods.of_parts(parts, study.provenance),
        references=methods.cited(parts, ()),
        version=version("magic-ctp"),
        reproduction=None,
    )


def pictures_of(made: Sequence[Section], front: Front | None) -> list[Picture]:
    """Return the figure of the page in front and those of all sections, in order."""
    first = [front.picture] if front else []
    return [*first, *(one for section in made for one in section.pictures)]


def _parts(made: Sequence[Section], front: Front | None) -> list[methods.Cites]:
    """Return what cites sources; the page in front does so where it has a plan."""
    return [*([front] if front else []), *made]


def _write_word(
    study: results.ArmsResults,
    made: Sequence[Section],
    front: Front | None,
    folder: Path,
) -> None:
    document = documents.new_document(study.title, study.warning)
    if front:
        word.add_front(document, front, folder)
    for sentence in lead_of(study):
        document.add_paragraph(sentence)
    for section in (one for one in made if one.id in FIRST):
        documents.add_section(document, section, folder)
    parts = _parts(made, front)
    documents.add_methods(
        document, methods.of_parts(parts, study.provenance), methods.cited(parts, ())
    )
    documents.add_remarks(document, study)
    word.add_page_break(document)
    document.add_heading("Supplement", 1)
    for section in (one for one in made if one.id not in FIRST):
        documents.add_section(document, section, folder)
    document.save(str(folder / documents.WORD_NAME))


def lead_of(study: results.ArmsResults) -> list[str]:
    """Return paragraphs that say who read what."""
    said = [
        f"{counted(len(arm.readers), 'reader')} rated {counted(arm.n_cases, 'patient')}"
        f"{_under(arm)}: {counted(arm.n_readings, 'reading')}"
        + (
            f", and {counted(arm.n_repeats, 'repeat reading')}."
            if arm.n_repeats
            else "."
        )
        for arm in study.arms
    ]
    level = f"Intervals are at the {100 * study.confidence_level:g} % level."
    return [" ".join([*said, level])]


def _under(arm: results.ArmResults) -> str:
    return f" under {arm.method}" if arm.method != ONE_METHOD else ""
