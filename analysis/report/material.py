"""What the sections of a report are made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from analysis.report.question import QuestionResult
from analysis.responses import Responses
from reader_study.formats.closing import ClosingAnswer
from reader_study.formats.flow import StudyFlow
from reader_study.formats.plan import AnalysisPlan

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

ARBITRARY_CASES = (
    "The readings were reconstructed from published tables: which case an answer "
    "belongs to is arbitrary, so nothing that depends on cases can come from them."
)


@dataclass(frozen=True)
class Material:
    """A study as its sections see it.

    Attributes:
        responses: All readings.
        plan: What was to be analysed.
        questions: Statistics of each question, pairs taken as independent.
        confidence_level: Level of all intervals.
        closing: What readers said after their last trial.
        flow: How far readings came.
    """

    responses: Responses
    plan: AnalysisPlan
    questions: Sequence[QuestionResult]
    confidence_level: float
    closing: Sequence[ClosingAnswer] = ()
    flow: StudyFlow = field(default_factory=StudyFlow)

    @property
    def provenance(self) -> Provenance:
        """Where the readings come from."""
        if self.responses.reconstructed:
            return "reconstructed"
        return "simulated" if self.responses.simulated else "study"
