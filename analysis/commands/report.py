"""`magic-analyze report`: everything about one responses.csv."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from analysis.commands.shared import OutFolder, progress, text_of_frame
from analysis.errors import user_input

if TYPE_CHECKING:
    from analysis.report.results import StudyResults


def report(
    responses: Annotated[Path, typer.Argument(help="responses.csv")],
    out: OutFolder,
    questionnaire: Annotated[
        Path | None,
        typer.Option(help="questionnaire.json; else the one beside the responses."),
    ] = None,
    reference: Annotated[
        str | None, typer.Option(help="Reference method; else the plan's, or RAPID.")
    ] = None,
    test: Annotated[
        str | None, typer.Option(help="Test method; else the plan's, or MAGIC.")
    ] = None,
    confidence_level: Annotated[
        float | None, typer.Option(help="Of all intervals; else the plan's, or 0.95.")
    ] = None,
    incomplete: Annotated[
        Literal["exclude", "disagree"] | None,
        typer.Option(help="Pairs with one answer: leave out, or count as disagreeing."),
    ] = None,
) -> None:
    """Analyse the answers of a study and write tables, charts and a report.

    What was planned is taken from plan.json beside the responses.
    """
    from analysis.api import read_study

    progress(f"reading {responses}")
    with user_input():
        study = read_study(
            responses,
            questionnaire=questionnaire,
            reference=reference,
            test=test,
            confidence_level=confidence_level,
            incomplete=incomplete,
        )
    page = study.report(out, progress=progress)
    print(_describe(study.results, page))


def _describe(study: "StudyResults", page: Path) -> str:
    from analysis.report.frames import table_one

    parts = [study.warning] if study.warning else []
    parts.append(text_of_frame(table_one(study)))
    reasons = [
        f"{result.pairs.question.id} kappa: {result.kappa.undefined_reason}."
        for result in study.questions
        if result.kappa.undefined_reason
    ]
    parts += ["\n".join(reasons)] if reasons else []
    if study.assumed:
        said = [f"  {sentence}" for sentence in study.assumed]
        parts.append("\n".join(["How the file was understood:", *said]))
    if study.notes:
        shown = [f"  {note}" for note in study.notes[:25]]
        more = len(study.notes) - len(shown)
        shown += [f"  and {more} more, in results.json"] if more else []
        parts.append("\n".join([f"{len(study.notes)} incomplete readings:", *shown]))
    parts.append(f"Report: {page}")
    return "\n\n".join(parts)
