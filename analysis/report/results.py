"""The results of a study, from which every part of its report is made."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from analysis.report import section as report_section
from analysis.report.front import Front, front_of
from analysis.report.question import (
    Incomplete,
    QuestionResult,
    analyse_question,
    crossed_result,
)
from analysis.report.sections import sections_of
from analysis.responses import Responses, pair_answers
from analysis.responses.scales import on_scales, with_ordered
from reader_study.formats.closing import ClosingAnswer
from reader_study.formats.flow import StudyFlow
from reader_study.formats.plan import AnalysisPlan


@dataclass(frozen=True)
class ReasonGiven:
    """An explanation that a reader gave for an answer."""

    question: str
    reader: str
    case: str
    method: str
    answer: str
    reason: str


@dataclass(frozen=True)
class StudyResults:
    """Results of all questions.

    Attributes:
        title: Heading of the report.
        readers: Names of the readers.
        reference: Reference method, in rows.
        test: Test method, in columns.
        confidence_level: Level of all intervals.
        incomplete: What was done with pairs that lack an answer.
        provenance: Where the readings come from.
        notes: What is incomplete in the data, each with its line.
        assumed: How the file of readings was understood where that is not plain.
        reasons: Explanations that readers gave.
        sections: What goes beyond pairs taken as independent.
        flow: How far readings came.
        front: The page in front, None where there are printed counts only.
    """

    title: str
    questions: Sequence[QuestionResult]
    readers: Sequence[str]
    reference: str
    test: str
    confidence_level: float = 0.95
    incomplete: Incomplete = "exclude"
    provenance: report_section.Provenance = "study"
    notes: Sequence[str] = ()
    assumed: Sequence[str] = ()
    reasons: Sequence[ReasonGiven] = field(default_factory=tuple)
    sections: Sequence[report_section.Section] = ()
    flow: StudyFlow = field(default_factory=StudyFlow)
    front: Front | None = None

    def __repr__(self) -> str:
        """Return what was analysed, in one line."""
        questions = ", ".join(result.pairs.question.id for result in self.questions)
        return f"StudyResults({self.title!r}, questions {questions})"

    @property
    def warning(self) -> str:
        """What must be said about the data wherever a number stands; may be empty."""
        return report_section.PROVENANCE_WARNING[self.provenance]


@dataclass(frozen=True)
class Choices:
    """What was chosen instead of the plan.

    Attributes:
        confidence_level: Level of all intervals, None for the plan's.
        incomplete: What is done with pairs that lack an answer, None for the plan's.
        jobs: Processors to use; the results are the same.
    """

    confidence_level: float | None = None
    incomplete: Incomplete | None = None
    jobs: int = 1

    def over(self, plan: AnalysisPlan) -> tuple[float, Incomplete]:
        """Return the level and what is done with incomplete pairs, else the plan's."""
        level = self.confidence_level or plan.confidence_level
        return level, self.incomplete or plan.incomplete_pairs


def analyse_questions(
    responses: Responses, incomplete: Incomplete
) -> list[QuestionResult]:
    """Analyse every question of a study: pairs as independent, and crossed."""
    return [
        analyse_question(
            pair_answers(responses, question),
            incomplete,
            None
            if responses.reconstructed  # which case an answer belongs to is arbitrary
            else crossed_result(responses, question, incomplete),
        )
        for question in responses.questionnaire
    ]


def analyse_responses(
    responses: Responses,
    *,
    title: str,
    chosen: Choices | None = None,
    plan: AnalysisPlan | None = None,
    closing: Sequence[ClosingAnswer] = (),
    flow: StudyFlow | None = None,
) -> StudyResults:
    """Analyse every question of a study, and what the study as a whole says.

    Args:
        responses: All readings.
        title: Heading of the report.
        chosen: What was chosen instead of the plan.
        plan: What was to be analysed; None for the paper's questionnaire, no margins.
        closing: What readers said after their last trial.
        flow: How far readings came.
    """
    whole, responses = responses, on_scales(responses)
    plan = with_ordered(plan or AnalysisPlan(), whole.questionnaire)
    chosen = chosen or Choices()
    level, incomplete = chosen.over(plan)
    questions = analyse_questions(responses, incomplete)
    context = report_section.ReportContext(
        responses,
        plan,
        questions,
        level,
        closing,
        flow or StudyFlow(),
        incomplete,
        jobs=chosen.jobs,
        whole=whole,
    )
    return StudyResults(
        title=title,
        questions=questions,
        readers=responses.readers,
        reference=responses.reference,
        test=responses.test,
        confidence_level=level,
        incomplete=incomplete,
        provenance=context.provenance,
        notes=responses.notes,
        assumed=responses.assumed,
        reasons=_reasons(whole),
        sections=sections_of(context),
        flow=context.flow,
        front=front_of(context),
    )


def pictures_of(study: StudyResults) -> list[report_section.Picture]:
    """Return the figure of the page in front and those of all sections, in order."""
    first = [study.front.picture] if study.front else []
    return [*first, *(p for section in study.sections for p in section.pictures)]


def _reasons(responses: Responses) -> list[ReasonGiven]:
    questions = {question.id: question for question in responses.questionnaire}
    found = []
    for reading in responses.readings:
        for name, reason in reading.reasons.items():
            label = questions[name].says(reading.answers.get(name))
            found.append(
                ReasonGiven(
                    name, reading.reader, reading.case, reading.method, label, reason
                )
            )
    return found
