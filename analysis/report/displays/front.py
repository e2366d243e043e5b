"""The page in front of a study of several pictures at once, and its checklists."""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import pandas as pd
from matplotlib.figure import Figure

from analysis.arrays import FloatArray, IntArray
from analysis.charts.forest import ForestRow, forest_plot
from analysis.displays import ForcedChoice, Preferences
from analysis.multireader.estimate import ClusteredEstimate
from analysis.multireader.score import proportion_of
from analysis.report import answers, checklist, formatting, front, setting
from analysis.report.displays.results import CHOICE, DisplayResults
from analysis.report.endpoints import PlanAnswered, answer_study
from analysis.report.estimates import Alone, Estimated, Unanswerable
from analysis.report.section import Picture, Section, Table
from reader_study.formats.endpoint import Endpoint
from reader_study.formats.plan import AnalysisPlan
from reader_study.formats.questionnaire import Question
from reader_study.formats.showing.display import in_words
from reader_study.formats.showing.shown import ShownReadings

_MOST_ROWS = 14
_LONGEST, _SHORT = 44, 24
_MEANING = (
    "Intervals say what other readers and other patients of the same kind could have "
    "given. What readers prefer, or take for real, need not be of use for diagnosis."
)


@dataclass(frozen=True, eq=False)
class PlannedDisplays:
    """Readings of several pictures at once that a plan is answered from.

    Attributes:
        study: Its results.
    """

    study: DisplayResults

    @property
    def plan(self) -> AnalysisPlan:
        """What was to be analysed."""
        return self.study.plan

    @property
    def readings(self) -> ShownReadings:
        """All of them."""
        return self.study.responses

    def question(self, endpoint: Endpoint) -> Question:
        """Return the question of an endpoint that fits the questionnaire."""
        asked = self.readings.questionnaire
        return next(question for question in asked if question.id == endpoint.question)

    def estimates(self, endpoint: Endpoint) -> list[Estimated] | Unanswerable:
        """Estimate an endpoint for the reference, or against each test method."""
        asked = next(a for a in self.study.asked if a.question.id == endpoint.question)
        shown = asked.preferences
        if shown is None:
            return Unanswerable("needs answers; this file has none")
        if (endpoint.measure == "found") != (asked.found is not None):
            no = "" if endpoint.measure == "found" else "no "
            return Unanswerable(
                f"needs {no}pictures of which one is to be found; the display is "
                f"{self.plan.display or 'not known'}"
            )
        if asked.found is not None:
            return [_found(asked.found, shown, self.study)]
        compared = self.plan.compared_in(self.study.methods)
        contrasts = asked.worths.contrasts if asked.worths else ()
        shares = {c.methods: c.share for c in contrasts}
        return [
            Estimated(methods, shares[methods], _readers_of(shown, methods), 0.5)
            for methods in compared
        ] or Unanswerable(
            f"compares others; this file holds {', '.join(self.study.methods)}"
        )


def _readers_of(shown: Preferences, methods: tuple[str, str]) -> Alone:
    one, other = map(shown.methods.index, methods)
    first, at = shown.by_pair(other, one)
    return _alone(first, shown.reader[at], shown.case[at], shown.readers)


def _found(found: ForcedChoice, shown: Preferences, study: DisplayResults) -> Estimated:
    right = (shown.order[:, 0] == 0).astype(float)
    alone = _alone(right, shown.reader, shown.case, shown.readers)
    return Estimated((study.methods[0],), found.correct, alone, found.chance)


def _alone(
    values: FloatArray, reader: IntArray, case: IntArray, names: tuple[str, ...]
) -> Alone:
    """Return the share of each reader who has one, patients random."""
    return tuple(
        (name, proportion_of(values[own], reader[own], case[own], "patient"))
        for place, name in enumerate(names)
        if (own := reader == place).any()
    )


def front_of(study: DisplayResults) -> front.Front:
    """Answer the plan and say what was studied."""
    answered = answer_study(PlannedDisplays(study))
    own = front.Own(
        facts={"Display": _display(study), **setting.facts(study, methods_of(study))},
        meaning=_MEANING,
        picture=_picture(study, answered),
        questions=_questions(study),
        deviations=setting.deviations(study, _deviations(study)),
    )
    primary = {"results": [answers.endpoint_json(one) for one in answered.primaries]}
    return front.front_from(study, answered, own, primary)


def methods_of(study: DisplayResults) -> str:
    """Return which methods were shown."""
    reference, *others = study.methods
    role = "to be found" if study.plan.display == CHOICE else "reference"
    *most, last = others
    rest = f"{', '.join(most)} and {last}" if most else last
    return f"{reference} ({role}), {rest}"


def _display(study: DisplayResults) -> str:
    at_once = max(len(reading.shown) for reading in study.responses.readings)
    return in_words("side by side", at_once)


def _picture(study: DisplayResults, answered: PlanAnswered) -> Picture:
    """Return the figure of the primary endpoint, else that of every question."""
    if answered.primaries and answered.primaries[0].estimate.n:
        return answers.primary_picture(answered.primaries)
    rows = list(_rows(study))
    left = f" The first {_MOST_ROWS} of {len(rows)}." if rows[_MOST_ROWS:] else ""
    return Picture(
        "primary",
        partial(_draw, rows[:_MOST_ROWS], study.confidence_level),
        "Shares of every question with their intervals",
        f"Shares of displays, {front.CROSSED}; line: no preference, or guessing.{left}",
    )


def _draw(rows: list["_Row"], level: float) -> Figure:
    shown = [
        ForestRow(
            textwrap.shorten(f"{row.name}  {row.what}", 30, placeholder="..."),
            row.share.estimate,
            row.share.confidence_interval(level),
        )
        for row in rows
    ]
    figure = Figure(figsize=(4.2, 0.75 + 0.19 * len(rows)), layout="constrained")
    chances = {row.chance for row in rows}
    ax = forest_plot(
        shown,
        figure.subplots(),
        xlabel=f"Share of displays, {100 * level:g}% CI",
        reference=chances.pop() if len(chances) == 1 else None,
    )
    ax.set_xlim(0, 1)
    ax.tick_params(labelsize=7)
    return figure


@dataclass(frozen=True)
class _Row:
    """One share of a question: of what, and what it is if nothing is told apart."""

    name: str
    text: str
    what: str
    share: ClusteredEstimate
    p_value: float
    chance: float


def _rows(study: DisplayResults) -> Iterator[_Row]:
    for asked in study.asked:
        name, text = asked.question.id, asked.question.text
        if asked.found is not None:
            of = asked.found
            what = f"{study.methods[0]} found among {of.m}"
            yield _Row(name, text, what, of.correct, of.p_value, of.chance)
        if asked.worths is not None:
            for c in asked.worths.contrasts:
                what = f"{c.methods[1]} before {c.methods[0]}"
                yield _Row(name, text, what, c.share, c.adjusted, 0.5)


def _questions(study: DisplayResults) -> Table:
    level, rows = f"{100 * study.confidence_level:g}%", list(_rows(study))
    frame = pd.DataFrame(
        [
            {
                "Question": formatting.neutralise(
                    f"{row.name} {textwrap.shorten(row.text, _LONGEST, placeholder='')}"
                ),
                "Share of": formatting.neutralise(row.what),
                "Displays": str(row.share.n),
                f"Share [{level}]": formatting.format_share(
                    row.share, study.confidence_level
                ),
                "Chance": f"{100 * row.chance:.3g}%",
                "p": formatting.format_p(row.p_value),
            }
            for row in rows[:_MOST_ROWS]
        ]
    )
    planned = study.plan.prespecified
    said = "Exploratory, but for what the plan names." if planned else "Exploratory."
    notes = [
        f"In brackets {level} confidence intervals. p is adjusted for all pairs of a "
        f"question by Holm's method. {said}"
    ]
    if len(rows) > _MOST_ROWS:
        more = setting.counted(len(rows) - _MOST_ROWS, "more row")
        notes.append(f"{more} after this page.")
    caption = f"Every question about the pictures; {front.CROSSED}"
    return Table("questions", caption, frame, tuple(notes))


def _deviations(study: DisplayResults) -> Iterator[str]:
    plan = study.plan
    if plan.prespecified:
        planned = (plan.reference, *(plan.tests or (plan.test,)))
        absent = [name for name in planned if name not in study.methods]
        if absent:
            yield f"Planned, but not in this file: {', '.join(absent)}."
    missing = {asked.question.id: asked.missing for asked in study.asked}
    yield from setting.incomplete("Answers not given", missing)


def checklist_of(study: DisplayResults) -> Section:
    """Return GRRAS and what CLAIM and STARD-AI ask, as far as known."""
    level = study.confidence_level
    again = any(asked.again is not None for asked in study.asked)
    within = (
        "Within readers, of displays shown again: in this report."
        if again
        else "Within readers on the same display: not measured, none was shown again."
    )
    shares = "; ".join(
        f"{row.name}, {row.what} {formatting.format_share(row.share, level)}"
        for row in _rows(study)
    )
    said = checklist.Told(
        methods=f"Methods: {methods_of(study)}; shown: {_display(study)}.",
        estimates=f"Shares of displays [{100 * level:g} % CI], {front.CROSSED}: "
        f"{shares}.",
        readers={
            "missing": "Answers that were not given are left out, of that question "
            "only.",
            "uncertainty": f"{100 * level:g} % confidence intervals, {front.CROSSED}; "
            "see Methods.",
            "variability": f"Between readers: each alone in the figures of this "
            f"report. {within}",
        },
    )
    return checklist.section_of(study, said)
