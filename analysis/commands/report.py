"""`magic-analyze report`: everything about one responses.csv."""

from dataclasses import dataclass
from pathlib import Path

from analysis.commands.text import text_of_frame
from analysis.errors import user_input
from analysis.intervals import normal_quantile
from analysis.report.question import Incomplete
from analysis.report.study import Choices, StudyResults, analyse_responses
from analysis.report.tables import table_one
from analysis.report.writing import Progress, write_report
from reader_study.formats.closing import closing_beside
from reader_study.formats.flow import flow_beside
from reader_study.formats.plan import plan_beside
from reader_study.formats.questionnaire import (
    FILE_NAME,
    Questionnaire,
    paper_questionnaire,
    read_questionnaire,
)
from reader_study.formats.responses import read_responses


@dataclass(frozen=True)
class ReportRequest:
    """What the user asks; None leaves it to the study's plan."""

    responses: Path
    questionnaire: Path | None
    reference: str | None
    test: str | None
    confidence_level: float | None
    incomplete: Incomplete | None


def report(request: ReportRequest, out: Path, progress: Progress) -> str:
    """Analyse the responses, write everything to a folder, and sum up in text."""
    if request.confidence_level is not None:
        with user_input():
            normal_quantile(request.confidence_level)
    progress(f"reading {request.responses}")
    asked = _questionnaire(request)
    plan = plan_beside(request.responses)
    reference, test = request.reference or plan.reference, request.test or plan.test
    study = analyse_responses(
        read_responses(request.responses, asked, reference=reference, test=test),
        title=f"Agreement between {reference} and {test}",
        chosen=Choices(request.confidence_level, request.incomplete),
        plan=plan,
        closing=closing_beside(request.responses),
        flow=flow_beside(request.responses),
    )
    write_report(study, out, progress=progress)
    return _describe(study, out)


def _questionnaire(request: ReportRequest) -> Questionnaire:
    """Return what is named, else what is in the folder, else that of the paper."""
    path = request.questionnaire or request.responses.with_name(FILE_NAME)
    named = request.questionnaire is not None
    return read_questionnaire(path) if named or path.exists() else paper_questionnaire()


def _describe(study: StudyResults, out: Path) -> str:
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
