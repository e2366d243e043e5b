"""What a report is made of: the results of a study and what to say beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from analysis.report.question import Incomplete, QuestionResult, analyse_question
from analysis.responses import Responses, pair_answers

Provenance = Literal["study", "simulated", "reconstructed", "published"]

PROVENANCE_WARNING: Mapping[str, str] = {
    "study": "",
    "simulated": (
        "Simulated data: some or all readings come from a rehearsal, not from readers."
    ),
    "reconstructed": (
        "Reconstructed data: one set of readings consistent with the published tables. "
        "Which case an answer belongs to, and how a reader's answers to different "
        "questions go together, is arbitrary, so no result per case and no interval "
        "that takes account of cases or readers can come from it."
    ),
    "published": (
        "Recomputed from the counts printed in the paper; no reading-level data."
    ),
}


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
        reasons: Explanations that readers gave.
    """

    title: str
    questions: Sequence[QuestionResult]
    readers: Sequence[str]
    reference: str
    test: str
    confidence_level: float = 0.95
    incomplete: Incomplete = "exclude"
    provenance: Provenance = "study"
    notes: Sequence[str] = ()
    reasons: Sequence[ReasonGiven] = field(default_factory=tuple)

    @property
    def warning(self) -> str:
        """What must be said about the data wherever a number stands; may be empty."""
        return PROVENANCE_WARNING[self.provenance]


def analyse_responses(
    responses: Responses,
    *,
    title: str,
    confidence_level: float = 0.95,
    incomplete: Incomplete = "exclude",
) -> StudyResults:
    """Analyse every question of a study."""
    pairs = [pair_answers(responses, question) for question in responses.questionnaire]
    return StudyResults(
        title=title,
        questions=[analyse_question(p, incomplete) for p in pairs],
        readers=responses.readers,
        reference=responses.reference,
        test=responses.test,
        confidence_level=confidence_level,
        incomplete=incomplete,
        provenance=_provenance(responses),
        notes=responses.notes,
        reasons=_reasons(responses),
    )


def _provenance(responses: Responses) -> Provenance:
    if responses.reconstructed:
        return "reconstructed"
    return "simulated" if responses.simulated else "study"


def _reasons(responses: Responses) -> list[ReasonGiven]:
    questions = {question.id: question for question in responses.questionnaire}
    found = []
    for reading in responses.readings:
        for name, reason in reading.reasons.items():
            question, code = questions[name], reading.answers.get(name)
            label = "" if code is None else question.labels[question.codes.index(code)]
            found.append(
                ReasonGiven(
                    name, reading.reader, reading.case, reading.method, label, reason
                )
            )
    return found
