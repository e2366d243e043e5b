"""The results of a study by method: every arm alone, and every pair of methods."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from analysis.multireader import (
    ClusteredEstimate,
    clustered_agreement,
    clustered_kappa,
)
from analysis.questions import arms as question_arms
from analysis.questions.accuracy import MethodAccuracies, accuracies_of
from analysis.questions.overall import OverallOfQuestion, overall_of
from analysis.report import section as report_section
from analysis.report.question import Incomplete
from analysis.responses import Question
from analysis.responses.pairing import paired_readings
from analysis.responses.scales import arms_on_scales, arms_that_rate, with_ordered
from reader_study.formats.arms import Arms
from reader_study.formats.flow import StudyFlow
from reader_study.formats.plan import AnalysisPlan
from reader_study.formats.responses import ONE_METHOD


@dataclass(frozen=True)
class QuestionInArm:
    """One question under one method.

    Attributes:
        question: What was asked.
        between: How readers agree with one another.
        others: Each reader against the others; empty with one reader.
        within: How readers agree with themselves, None without repeat readings.
    """

    question: Question
    between: question_arms.BetweenReaders
    others: tuple[question_arms.WithOthers, ...]
    within: question_arms.WithinReader | None


@dataclass(frozen=True)
class ArmResults:
    """All questions under one method.

    Attributes:
        method: Its name.
        readers: Names of the readers.
        n_cases: Number of cases read.
        n_readings: Number of first readings.
        n_repeats: Number of second and later readings.
        questions: In the order of the questionnaire.
    """

    method: str
    readers: tuple[str, ...]
    n_cases: int
    n_readings: int
    n_repeats: int
    questions: tuple[QuestionInArm, ...]


@dataclass(frozen=True)
class Contrast:
    """Two of the methods against each other, readers and patients random.

    Attributes:
        reference: The method that stands first by the plan, else in the file.
        test: The other.
        agreement: Share of pairs that agree, by question.
        kappa: Cohen's kappa, by question.
    """

    reference: str
    test: str
    agreement: Mapping[str, ClusteredEstimate]
    kappa: Mapping[str, ClusteredEstimate]


@dataclass(frozen=True)
class ArmsContext:
    """A study by method as what is said of every study sees it.

    Attributes:
        responses: All readings.
        plan: What was to be analysed.
        confidence_level: Level of all intervals.
        flow: How far readings came.
        incomplete: What is done with pairs that lack an answer: they are left out.
        whole: All readings with answers of every type; None where `responses` has them.
    """

    responses: Arms
    plan: AnalysisPlan
    confidence_level: float
    flow: StudyFlow = field(default_factory=StudyFlow)
    incomplete: Incomplete = "exclude"
    whole: Arms | None = None

    @cached_property
    def rated(self) -> Arms:
        """The readings with all that can be a rating: codes, and numbers."""
        return arms_that_rate(self.responses, self.whole)


@dataclass(frozen=True)
class ArmsResults:
    """Results of all arms.

    Attributes:
        title: Heading of the report.
        context: The readings, and what was planned.
        arms: One for each method.
        contrasts: One for each two methods.
        readers: Names of the readers.
        n_cases: Number of cases read under any method.
        confidence_level: Level of all intervals.
        provenance: Where the readings come from.
        notes: What is incomplete in the data.
        assumed: How the file of readings was understood where that is not plain.
        accuracy: Ratings against the truth; a sentence where they cannot be, None where
            nobody asks.
        overall: Three methods or more compared at once, by question.
    """

    title: str
    context: ArmsContext
    arms: tuple[ArmResults, ...]
    contrasts: tuple[Contrast, ...]
    readers: Sequence[str]
    n_cases: int
    confidence_level: float = 0.95
    provenance: report_section.Provenance = "study"
    notes: Sequence[str] = ()
    assumed: Sequence[str] = ()
    accuracy: MethodAccuracies | str | None = None
    overall: tuple[OverallOfQuestion, ...] = ()

    @property
    def warning(self) -> str:
        """What must be said about the data wherever a number stands; may be empty."""
        return report_section.PROVENANCE_WARNING[self.provenance]

    @property
    def repeated(self) -> bool:
        """Readers have read cases again."""
        return any(arm.n_repeats for arm in self.arms)

    def __repr__(self) -> str:
        """Return what was analysed, in one line."""
        return f"ArmsResults({self.title!r}, {', '.join(a.method for a in self.arms)})"


def analyse_arms(
    arms: Arms, plan: AnalysisPlan, level: float, flow: StudyFlow | None = None
) -> ArmsResults:
    """Analyse every method of a study alone, and every two of them.

    Args:
        arms: All readings.
        plan: What was to be analysed.
        level: Of all intervals.
        flow: How far readings came.
    """
    whole = replace(arms, methods=plan.ordered(arms.methods))
    arms = arms_on_scales(whole)
    plan = with_ordered(plan, whole.questionnaire)
    pairs = list(itertools.combinations(arms.methods, 2))
    several = len(arms.readers) > 1
    about = "Agreement between readers" if several else "Agreement of repeat readings"
    if pairs:
        about = "Agreement between methods" + (" and readers" if several else "")
    named = [method for method in arms.methods if method != ONE_METHOD]
    context = ArmsContext(arms, plan, level, flow or StudyFlow(), whole=whole)
    return ArmsResults(
        title=f"{about}: {', '.join(named)}" if named else about,
        context=context,
        arms=tuple(_arm(arms, method, plan) for method in arms.methods),
        contrasts=tuple(_contrast(arms, *methods) for methods in pairs),
        readers=arms.readers,
        n_cases=len(arms.cases),
        confidence_level=level,
        provenance=report_section.provenance_of(arms),
        notes=arms.notes,
        assumed=arms.assumed,
        accuracy=accuracies_of(context.rated, plan),
        overall=overall_of(whole, plan),
    )


def _arm(arms: Arms, method: str, plan: AnalysisPlan) -> ArmResults:
    first = [reading for reading in arms.readings if reading.method == method]
    repeats = [reading for reading in arms.repeats if reading.method == method]
    questions = []
    for question in arms.questionnaire:
        ordinal = question.id in plan.ordinal_questions
        between = question_arms.between_readers_of(first, question, ordinal=ordinal)
        within = (
            question_arms.within_reader_of(first, repeats, question)
            if repeats
            else None
        )
        others = (
            question_arms.reader_by_reader(between) if len(between.readers) > 1 else ()
        )
        questions.append(QuestionInArm(question, between, others, within))
    return ArmResults(
        method=method,
        readers=tuple(dict.fromkeys(reading.reader for reading in first)),
        n_cases=len({reading.case for reading in first}),
        n_readings=len(first),
        n_repeats=len(repeats),
        questions=tuple(questions),
    )


def _contrast(arms: Arms, reference: str, test: str) -> Contrast:
    responses = arms.compared(reference, test)
    pairs = {
        question.id: paired_readings(responses, question)
        for question in arms.questionnaire
    }
    return Contrast(
        reference,
        test,
        agreement={name: clustered_agreement(of) for name, of in pairs.items()},
        kappa={name: clustered_kappa(of) for name, of in pairs.items()},
    )
