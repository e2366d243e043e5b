"""`magic-analyze report`: everything about one responses.csv."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from analysis.commands.options import OutFolder, progress
from analysis.commands.text import text_of_frame
from analysis.errors import user_input

if TYPE_CHECKING:
    from analysis.report.results import StudyResults
    from analysis.responses.closing import ClosingAnswer


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
    from analysis.intervals import normal_quantile
    from analysis.report.flow import flow_beside
    from analysis.report.results import Choices, analyse_responses
    from analysis.report.writing import write_report
    from analysis.responses import load_questionnaire, read_responses
    from analysis.responses.plan import plan_beside

    if confidence_level is not None:
        with user_input():
            normal_quantile(confidence_level)
    progress(f"reading {responses}")
    asked = load_questionnaire(questionnaire or _questionnaire_beside(responses))
    plan = plan_beside(responses)
    reference, test = reference or plan.reference, test or plan.test
    study = analyse_responses(
        read_responses(responses, asked, reference=reference, test=test),
        title=f"Agreement between {reference} and {test}",
        chosen=Choices(confidence_level, incomplete),
        plan=plan,
        closing=_closing_beside(responses),
        flow=flow_beside(responses),
    )
    write_report(study, out, progress=progress)
    print(_describe(study, out))


def _questionnaire_beside(responses: Path) -> Path:
    """Take questionnaire.json beside the responses, else that of the paper."""
    from analysis.published import questionnaire_path

    beside = responses.with_name("questionnaire.json")
    return beside if beside.exists() else questionnaire_path()


def _closing_beside(responses: Path) -> "list[ClosingAnswer]":
    from analysis.responses.closing import FILE_NAME, read_closing

    beside = responses.with_name(FILE_NAME)
    return read_closing(beside) if beside.exists() else []


def _describe(study: "StudyResults", out: Path) -> str:
    from analysis.report.frames import table_one

    parts = [study.warning] if study.warning else []
    parts.append(text_of_frame(table_one(study)))
    reasons = [
        f"{result.pairs.question.id} kappa: {result.kappa.undefined_reason}."
        for result in study.questions
        if result.kappa.undefined_reason
    ]
    parts += ["\n".join(reasons)] if reasons else []
    if study.notes:
        shown = [f"  {note}" for note in study.notes[:25]]
        more = len(study.notes) - len(shown)
        shown += [f"  and {more} more, in results.json"] if more else []
        parts.append("\n".join([f"{len(study.notes)} incomplete readings:", *shown]))
    parts.append(f"Report: {out / 'report.html'}")
    return "\n\n".join(parts)
