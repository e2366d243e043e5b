"""Results of a study of several pictures at once, question by question."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from analysis.displays import (
    ForcedChoice,
    Preferences,
    Worths,
    fit_worths,
    forced_choice,
)
from analysis.multireader.estimate import ClusteredEstimate
from analysis.multireader.score import proportion_of
from analysis.report.question import Incomplete
from analysis.report.section import PROVENANCE_WARNING, Provenance, provenance_of
from reader_study.formats.flow import StudyFlow
from reader_study.formats.plan import AnalysisPlan
from reader_study.formats.questionnaire import Question
from reader_study.formats.showing.shown import ShownReading, ShownReadings

CHOICE = "choice"
"""Display in which the reference is to be found."""


@dataclass(frozen=True)
class PicturesAsked:
    """A question about the pictures of a display.

    Attributes:
        question: What was asked.
        found: How often the reference was found, where that was asked.
        worths: Worth of the methods, where they were compared.
        places: `(m,)` how often the picture at each place came first, ties parted.
        n: Answers.
        missing: Displays without an answer.
        again: Share of second answers that put the same picture first, None where no
            display was shown twice.
        preferences: The answers, None without any.
    """

    question: Question
    found: ForcedChoice | None
    worths: Worths | None
    places: tuple[float, ...]
    n: int
    missing: int
    again: ClusteredEstimate | None = None
    preferences: Preferences | None = None


@dataclass(frozen=True)
class DisplayResults:
    """Results of all questions.

    Attributes:
        title: Heading of the report.
        responses: All readings.
        plan: What was to be analysed.
        methods: Those of the study, the reference first.
        confidence_level: Level of all intervals.
        asked: Questions about the pictures.
        counts: How often each answer was given, by other question and label.
        notes: What is incomplete.
        assumed: How the file was understood; nothing here.
        flow: How far readings came.
        incomplete: What is done with displays without an answer: they are left out.
    """

    title: str
    responses: ShownReadings
    plan: AnalysisPlan
    methods: tuple[str, ...]
    confidence_level: float
    asked: Sequence[PicturesAsked]
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    notes: Sequence[str] = ()
    assumed: Sequence[str] = ()
    flow: StudyFlow = field(default_factory=StudyFlow)
    incomplete: Incomplete = "exclude"

    @property
    def provenance(self) -> Provenance:
        """Where the readings come from."""
        return provenance_of(self.responses)

    @property
    def warning(self) -> str:
        """What must be said about the data wherever a number stands; may be empty."""
        return PROVENANCE_WARNING[self.provenance]


def analyse_displays(
    responses: ShownReadings,
    plan: AnalysisPlan,
    level: float,
    flow: StudyFlow | None = None,
) -> DisplayResults:
    """Analyse every question of a study of several pictures at once.

    Args:
        responses: All readings.
        plan: What was to be analysed.
        level: Of all intervals.
        flow: How far readings came.
    """
    known = responses.methods
    first = [name for name in (plan.reference, *(plan.tests or (plan.test,)))
             if name in known]  # fmt: skip
    methods = tuple(dict.fromkeys([*first, *known]))
    asked = [
        _asked(question, responses, plan, methods)
        for question in responses.questionnaire
        if question.of_display
    ]
    others = [q for q in responses.questionnaire if not q.of_display and q.scale]
    counts = {q.id: _counted(q, responses.readings) for q in others}
    missing = [f"{of.missing} of {of.question.id}" for of in asked if of.missing]
    notes = [f"Answers not given: {'; '.join(missing)}."] if missing else []
    title = plan.title or "Several pictures at once"
    return DisplayResults(
        title,
        responses,
        plan,
        methods,
        level,
        asked,
        counts,
        notes,
        flow=flow or StudyFlow(),
    )


def _asked(
    question: Question,
    responses: ShownReadings,
    plan: AnalysisPlan,
    methods: tuple[str, ...],
) -> PicturesAsked:
    rows = [r for r in responses.readings if question.id in r.orders]
    missing = len(responses.readings) - len(rows)
    places = _places(rows, question)
    again = _again(question, responses)
    if not rows:
        return PicturesAsked(question, None, None, places, 0, missing, again)
    preferences = _preferences(rows, question, responses.readers, methods)
    found, worths = None, None
    if plan.display == CHOICE and plan.reference in methods:
        found = forced_choice(
            preferences.order[:, 0] == methods.index(plan.reference),
            preferences.reader,
            preferences.case,
            preferences.shown.shape[1],
            names=responses.readers,
        )
    else:
        worths = fit_worths(preferences)
    return PicturesAsked(
        question, found, worths, places, len(rows), missing, again, preferences
    )


def _preferences(
    rows: Sequence[ShownReading],
    question: Question,
    readers: Sequence[str],
    methods: tuple[str, ...],
) -> Preferences:
    cases = {name: n for n, name in enumerate(dict.fromkeys(r.case for r in rows))}
    orders = [r.orders[question.id] for r in rows]
    return Preferences(
        methods,
        np.array([readers.index(r.reader) for r in rows]),
        np.array([cases[r.case] for r in rows]),
        np.array([[methods.index(m) for m in r.shown] for r in rows]),
        np.array([[methods.index(m) for m in order] or [-1] for order in orders]),
        tuple(readers),
    )


def _places(rows: Sequence[ShownReading], question: Question) -> tuple[float, ...]:
    """Count how often each place came first; a tie counts half for both."""
    found = [0.0] * (question.pictures or 0)
    for row in rows:
        order = row.orders[question.id]
        for method in order[:1] or row.shown:
            share = 1.0 if order else 1 / len(row.shown)
            found[row.shown.index(method)] += share
    return tuple(found)


def _again(question: Question, responses: ShownReadings) -> ClusteredEstimate | None:
    def key(reading: ShownReading) -> tuple[str, str, tuple[str, ...]]:
        return reading.reader, reading.case, tuple(sorted(reading.shown))

    first = {key(r): r.orders.get(question.id) for r in responses.readings}
    pairs = [
        (r, first[key(r)], r.orders.get(question.id))
        for r in responses.repeats
        if first.get(key(r)) is not None and question.id in r.orders
    ]
    if not pairs:
        return None
    cases = {name: n for n, name in enumerate(dict.fromkeys(r.case for r, *_ in pairs))}
    same = [(one or ())[:1] == (other or ())[:1] for _, one, other in pairs]
    readers = [responses.readers.index(r.reader) for r, *_ in pairs]
    return proportion_of(same, readers, [cases[r.case] for r, *_ in pairs])


def _counted(question: Question, rows: Sequence[ShownReading]) -> dict[str, int]:
    given = Counter(r.answers.get(question.id) for r in rows)
    return {choice.label: given[choice.code] for choice in question.scale}
