"""`magic-analyze report`: everything about one responses.csv."""

import gc
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from analysis.commands.cluster import Scheduler, workers
from analysis.commands.shared import OutFolder, progress, text_of_frame
from analysis.errors import InputError, user_input

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analysis.api import ArmsStudy, DisplayStudy
    from analysis.report.results import StudyResults

_BETWEEN_COLLECTIONS = 50_000  # objects made; 700 of Python's own


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
    jobs: Annotated[
        int, typer.Option(help="Processors to use; the results are the same.")
    ] = 1,
    scheduler: Scheduler = "",
    every_method: Annotated[
        bool, typer.Option("--every-method", help="Each method alone and every two.")
    ] = False,
) -> None:
    """Analyse the answers of a study and write tables, charts and a report.

    What was planned is taken from plan.json beside the responses. A file with one
    method gives agreement between readers, and of repeat readings.
    """
    from analysis import api

    # Figures make objects by the hundred thousand and hardly any cycle among them;
    # looking for cycles as often as Python does takes a thirteenth of the time.
    gc.set_threshold(_BETWEEN_COLLECTIONS)
    progress(f"reading {responses}")
    with workers(scheduler, jobs) as n:
        with user_input():
            if every_method and (reference or test or incomplete):
                msg = "--every-method takes no --reference, --test or --incomplete"
                raise InputError(msg)
            study = (
                api.read_arms(
                    responses,
                    questionnaire=questionnaire,
                    confidence_level=confidence_level,
                )
                if every_method
                else api.read_study(
                    responses,
                    questionnaire=questionnaire,
                    reference=reference,
                    test=test,
                    confidence_level=confidence_level,
                    incomplete=incomplete,
                    jobs=n,
                )
            )
        page = study.report(out, progress=progress)
    if isinstance(study, api.DisplayStudy):
        parts = _of_displays(study)
    elif isinstance(study, api.ArmsStudy):
        parts = _by_method(study)
    else:
        parts = _describe(study.results)
    said = [*_understood(study.results.assumed), *_noted(study.results.notes)]
    print("\n\n".join([*parts, *said, f"Report: {page}"]))


def _of_displays(study: "DisplayStudy") -> list[str]:
    from analysis.report.displays.front import front_of

    results = study.results
    first = "\n".join(front_of(results).primary)
    return [*filter(None, [results.warning]), first, *study.findings()]


def _by_method(study: "ArmsStudy") -> list[str]:
    from analysis.report.arms.front import front_of

    results = study.results
    parts = [results.warning] if results.warning else []
    front = front_of(results)
    parts += ["\n".join(front.primary)] if front else []
    parts.append(text_of_frame(study.table_one()))
    if results.repeated and len(results.readers) > 1:
        repeats = text_of_frame(study.table_of_repeats())
        parts.append(f"First and second reading\n\n{repeats}")
    return parts


def _describe(study: "StudyResults") -> list[str]:
    from analysis.report.frames import table_one

    parts = [study.warning] if study.warning else []
    parts += ["\n".join(study.front.primary)] if study.front else []
    parts.append(text_of_frame(table_one(study)))
    reasons = [
        f"{result.pairs.question.id} kappa: {result.kappa.undefined_reason}."
        for result in study.questions
        if result.kappa.undefined_reason
    ]
    parts += ["\n".join(reasons)] if reasons else []
    return parts


def _understood(assumed: "Sequence[str]") -> list[str]:
    said = [f"  {sentence}" for sentence in assumed]
    return ["\n".join(["How the file was understood:", *said])] if said else []


def _noted(notes: "Sequence[str]") -> list[str]:
    if not notes:
        return []
    shown = [f"  {note}" for note in notes[:25]]
    more = len(notes) - len(shown)
    shown += [f"  and {more} more, in results.json"] if more else []
    return ["\n".join([f"{len(notes)} incomplete readings:", *shown])]
