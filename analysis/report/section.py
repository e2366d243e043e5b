"""Sections of a report, their tables and pictures, and the context of them all."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Protocol, TypeVar

import pandas as pd
from matplotlib.figure import Figure

from analysis.report.question import Incomplete, QuestionResult
from analysis.responses import Responses
from analysis.responses.scales import that_rate
from reader_study.formats.arms import Arms
from reader_study.formats.closing import ClosingAnswer
from reader_study.formats.flow import StudyFlow
from reader_study.formats.plan import AnalysisPlan
from reader_study.formats.showing.shown import ShownReadings

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

CLAIMS = "What is claimed, if it was planned, stands on the first page."
ARBITRARY_CASES = (
    "The readings were reconstructed from published tables: which case an answer "
    "belongs to is arbitrary, so nothing that depends on cases can come from them."
)


def provenance_of(readings: Responses | Arms | ShownReadings) -> Provenance:
    """Return where the readings of a study come from."""
    if readings.reconstructed:
        return "reconstructed"
    return "simulated" if readings.simulated else "study"


class Setting(Protocol):
    """A study as what is said of all studies sees it, whatever its methods."""

    @property
    def responses(self) -> Responses | Arms | ShownReadings:
        """All readings."""
        ...

    @property
    def plan(self) -> AnalysisPlan:
        """What was to be analysed."""
        ...

    @property
    def confidence_level(self) -> float:
        """Level of all intervals."""
        ...

    @property
    def flow(self) -> StudyFlow:
        """How far readings came."""
        ...

    @property
    def incomplete(self) -> Incomplete:
        """What is done with pairs that lack an answer."""
        ...


@dataclass(frozen=True)
class ReportContext:
    """A study as its sections see it.

    Attributes:
        responses: All readings.
        plan: What was to be analysed.
        questions: Statistics of each question, pairs taken as independent.
        confidence_level: Level of all intervals.
        closing: What readers said after their last trial.
        flow: How far readings came.
        incomplete: What is done with pairs that lack an answer.
        jobs: Processors to use.
        whole: All readings with answers of every type; None where `responses` has them.
    """

    responses: Responses
    plan: AnalysisPlan
    questions: Sequence[QuestionResult]
    confidence_level: float
    closing: Sequence[ClosingAnswer] = ()
    flow: StudyFlow = field(default_factory=StudyFlow)
    incomplete: Incomplete = "exclude"
    jobs: int = 1
    whole: Responses | None = None

    @cached_property
    def rated(self) -> Responses:
        """The readings with all that can be a rating: codes, and numbers."""
        return that_rate(self.responses, self.whole)

    @property
    def decision_level(self) -> float:
        """Level of every decision: the plan's, whatever intervals were asked for."""
        return float(self.plan.confidence_level)

    @property
    def provenance(self) -> Provenance:
        """Where the readings come from."""
        return provenance_of(self.responses)


@dataclass(frozen=True, eq=False)
class Table:
    """A table of text as it is printed.

    Attributes:
        name: File name without suffix.
        caption: One sentence.
        frame: Cells as text; the first column names the row.
        notes: What must be said below it.
        prose: Cells are sentences.
    """

    name: str
    caption: str
    frame: pd.DataFrame
    notes: tuple[str, ...] = ()
    prose: bool = False


@dataclass(frozen=True)
class Picture:
    """A figure that is drawn when it is needed.

    Attributes:
        name: File name without suffix.
        draw: Draws it, in the style that is set.
        alternative: What it shows, for who cannot see it.
        caption: What stands below it.
    """

    name: str
    draw: Callable[[], Figure]
    alternative: str
    caption: str


@dataclass(frozen=True)
class Section:
    """A part of a report.

    Attributes:
        id: Anchor, and key in results.json.
        title: Heading.
        findings: Sentences with the results.
        tables: In order.
        pictures: In order.
        methods: Sentences on how it was computed, ready for a paper.
        references: Keys of `analysis.report.methods` behind them.
        refused: Why the data cannot support it; then there is nothing else.
        content: Numbers, unrounded, for results.json.
    """

    id: str
    title: str
    findings: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    pictures: tuple[Picture, ...] = ()
    methods: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    refused: str | None = None
    content: Mapping[str, Any] = field(default_factory=dict)


_Result = TypeVar("_Result")


def side_by_side(
    jobs: int,
    analyse: Callable[..., _Result],
    arguments: Mapping[str, tuple[Any, ...]],
) -> dict[str, _Result]:
    """Analyse some questions, or draw some figures, on several processors.

    Args:
        jobs: Processors; on one nothing is copied.
        analyse: A function of a module.
        arguments: By name.

    Returns:
        What each gave, by name.
    """
    if jobs == 1 or len(arguments) < 2:
        return {name: analyse(*given) for name, given in arguments.items()}
    # Slow to import, and of no use to a small study.
    from joblib import Parallel, delayed

    # Each in one tuple, which a cluster sends with the work: joblib leaves large arrays
    # with one of its workers, and with it they would be lost.
    found = Parallel(n_jobs=jobs)(
        delayed(_apply)(analyse, given) for given in arguments.values()
    )
    return dict(zip(arguments, found, strict=True))


def _apply(analyse: Callable[..., _Result], given: tuple[Any, ...]) -> _Result:
    return analyse(*given)
