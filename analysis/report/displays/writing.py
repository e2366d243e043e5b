"""Write the report of a study of several pictures at once."""

import base64
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from analysis.report import documents, methods, writing
from analysis.report import figures as report_figures
from analysis.report.displays.results import DisplayResults
from analysis.report.displays.sections import sections_of
from analysis.report.formatting import Json
from analysis.report.front import origin_of_plan
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
    made = sections_of(study)
    with writing.complete_or_untouched(folder) as staging, report_figures.house_style():
        progress("results.json")
        writing.write_json(displays_json(study, made), staging / "results.json")
        progress("tables")
        for table in (table for section in made for table in section.tables):
            writing.write_table(table, staging)
        figures = {}
        for picture in (one for section in made for one in section.pictures):
            progress(picture.name)
            figure = writing.stamp_provenance(picture.draw(), study.provenance)
            report_figures.save_figure(figure, staging, picture.name)
            figures[picture.name] = (staging / f"{picture.name}.svg").read_bytes()
        progress("report.html")
        (staging / "report.html").write_text(page(study, made, figures), "utf-8")
        progress("report.docx")
        _write_word(study, made, staging)


def displays_json(study: DisplayResults, made: Sequence[Section]) -> Json:
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
            section.id: {"refused": section.refused, **section.content}
            for section in made
        },
        "notes": list(study.notes),
        "assumed": list(study.assumed),
    }


def page(
    study: DisplayResults, made: Sequence[Section], figures: Mapping[str, bytes]
) -> str:
    """Render the page.

    Args:
        study: What to report.
        made: Its sections.
        figures: SVG files by name.
    """
    encoded = {name: base64.b64encode(svg).decode() for name, svg in figures.items()}
    return documents.page_template("displays.html.j2").render(
        study=study,
        lead=lead_of(study),
        sections=made,
        figures=encoded,
        methods=methods.of_parts(made, study.provenance),
        references=methods.cited(made, ()),
        version=version("magic-ctp"),
        front=None,
        reproduction=None,
    )


def lead_of(study: DisplayResults) -> list[str]:
    """Return paragraphs that say who read what, and what was planned."""
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
    return [said, f"Plan of analysis: {origin_of_plan(study.plan)}"]


def _write_word(study: DisplayResults, made: Sequence[Section], folder: Path) -> None:
    document = documents.new_document(study.title, study.warning)
    for sentence in lead_of(study):
        document.add_paragraph(sentence)
    for section in made:
        documents.add_section(document, section, folder)
    documents.add_methods(
        document, methods.of_parts(made, study.provenance), methods.cited(made, ())
    )
    document.save(str(folder / documents.WORD_NAME))
