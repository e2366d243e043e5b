"""Write the report of a study of several pictures at once."""

import base64
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from analysis.report import checklist, documents, methods, word, writing
from analysis.report.displays.front import checklist_of, front_of
from analysis.report.displays.results import DisplayResults
from analysis.report.displays.sections import sections_of
from analysis.report.formatting import Json
from analysis.report.front import Front
from analysis.report.section import Section
from analysis.report.setting import counted

SCHEMA = 1


def write_displays_report(
    study: DisplayResults,
    folder: Path,
    *,
    progress: writing.Progress = lambda _: None,
) -> None:
    """Write all results of a study into a folder.

    Raises:
        OutputError: If the folder cannot be made; then nothing is written.
    """
    made, front = sections_of(study), front_of(study)
    made.append(checklist_of(study))
    tables = [table for section in made for table in section.tables]
    pages = writing.Pages(
        content=displays_json(study, made, front),
        tables=[*((front.family,) if front.family else ()), *tables],
        pictures=[front.picture, *(p for section in made for p in section.pictures)],
        provenance=study.provenance,
        html=lambda figures: page(study, made, front, figures),
        word=lambda to: _write_word(study, made, front, to),
    )
    writing.write_pages(pages, folder, progress)


def displays_json(study: DisplayResults, made: Sequence[Section], front: Front) -> Json:
    """Return the content of results.json."""
    return {
        "schema": SCHEMA,
        "title": study.title,
        "provenance": study.provenance,
        "warning": study.warning or None,
        "methods": list(study.methods),
        "display": study.plan.display or None,
        "confidence_level": study.confidence_level,
        "readers": study.responses.readers,
        "inference": {
            **front.content,
            **{
                section.id: {"refused": section.refused, **section.content}
                for section in made
            },
        },
        "notes": list(study.notes),
        "assumed": list(study.assumed),
    }


def page(
    study: DisplayResults,
    made: Sequence[Section],
    front: Front,
    figures: Mapping[str, bytes],
) -> str:
    """Render the page.

    Args:
        study: What to report.
        made: Its sections.
        front: The page in front.
        figures: SVG files by name.
    """
    encoded = {name: base64.b64encode(svg).decode() for name, svg in figures.items()}
    return documents.page_template("displays.html.j2").render(
        study=study,
        lead=lead_of(study),
        sections=made,
        figures=encoded,
        methods=methods.of_parts([front, *made], study.provenance),
        references=methods.cited([front, *made], ()),
        version=version("magic-ctp"),
        front=front,
        reproduction=None,
    )


def lead_of(study: DisplayResults) -> list[str]:
    """Return paragraphs that say who read what."""
    responses = study.responses
    cases = len({reading.case for reading in responses.readings})
    again = len(responses.repeats)
    repeats = f", and {counted(again, 'display')} a second time" if again else ""
    reference, *others = study.methods
    said = (
        f"{counted(len(responses.readers), 'reader')} judged pictures of "
        f"{counted(cases, 'patient')} side by side in "
        f"{counted(len(responses.readings), 'display')}{repeats}. Methods: {reference} "
        f"(reference), {', '.join(others)}. Intervals are at the "
        f"{100 * study.confidence_level:g} % level."
    )
    return [said]


def _write_word(
    study: DisplayResults, made: Sequence[Section], front: Front, folder: Path
) -> None:
    document = documents.new_document(study.title, study.warning)
    word.add_front(document, front, folder)
    for sentence in lead_of(study):
        document.add_paragraph(sentence)
    parts: list[methods.Cites] = [front, *made]
    for section in (one for one in made if one.id != checklist.ID):
        documents.add_section(document, section, folder)
    documents.add_methods(
        document, methods.of_parts(parts, study.provenance), methods.cited(parts, ())
    )
    word.add_page_break(document)
    document.add_heading("Supplement", 1)
    for section in (one for one in made if one.id == checklist.ID):
        documents.add_section(document, section, folder)
    document.save(str(folder / documents.WORD_NAME))
