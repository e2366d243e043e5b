"""Which way does the test method move the answers to each question?"""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from analysis.multireader import ClusteredEstimate
from analysis.questions import odds, shifts
from analysis.report import formatting
from analysis.report.section import ARBITRARY_CASES, ReportContext, Section, Table
from analysis.responses import Question, Responses
from analysis.responses.pairing import paired_readings

ID = "odds"
TITLE = "Which way answers move"


@dataclass(frozen=True)
class QuestionMove:
    """How the answers to one question move.

    Attributes:
        shift: Mean of test minus reference in steps, readers and patients random.
        ratio: Odds ratio of all answers, patients as clusters.
    """

    shift: ClusteredEstimate
    ratio: odds.MarginalOddsRatio


def odds_section(context: ReportContext) -> Section | None:
    """Return mean shift and odds ratio of the test method for each question."""
    if context.provenance == "reconstructed":
        return Section(ID, TITLE, refused=ARBITRARY_CASES)
    level, questions = context.confidence_level, context.responses.questionnaire
    found = {q.id: question_move(context.responses, q) for q in questions}
    test = context.responses.test
    return Section(
        ID,
        TITLE,
        findings=(
            f"How far answers move along the scale with {test}, by question. This "
            "describes; it decides nothing that was not planned.",
            "A shift tells whether one method draws other answers on the whole, not "
            "whether the methods agree.",
        ),
        tables=(
            Table(
                "odds_ratios",
                f"Mean shift in steps of the scale with {test}, readers and patients "
                "random, and odds ratio of an answer further along it, patients "
                f"random, with {100 * level:g} % confidence intervals",
                pd.DataFrame([_row(q, found[q.id], level) for q in questions]),
                _notes(found),
            ),
        ),
        methods=(
            "Odds ratios are from a proportional odds model fitted by generalised "
            "estimating equations with patients as clusters {heagerty_zeger}, its "
            "error multiplied by sqrt(K/(K-1)) with Student's t of K-1 for K "
            "patients; they describe these readers.",
        ),
        references=("heagerty_zeger",),
        content={name: _json(of, level) for name, of in found.items()},
    )


def question_move(responses: Responses, question: Question) -> QuestionMove:
    """Estimate how the answers to one question move."""
    readings = [r for r in responses.readings if question.id in r.answers]
    place: dict[float | str, int] = {code: n for n, code in enumerate(question.codes)}
    return QuestionMove(
        shift=shifts.mean_shift(paired_readings(responses, question)),
        ratio=odds.marginal_odds_ratio(
            [place[r.answers[question.id]] for r in readings],
            [r.method == responses.test for r in readings],
            [r.case for r in readings],
        ),
    )


def _row(question: Question, of: QuestionMove, level: float) -> dict[str, str]:
    ratio = of.ratio
    row = {
        "Question": formatting.neutralise(question.id),
        "Further along is": formatting.neutralise(question.labels[-1]),
        "Mean shift": formatting.format_clustered(of.shift, level),
        "p": formatting.format_p(of.shift.p_value()),
    }
    if ratio.undefined_reason:
        return row | {"Odds ratio": "not estimable"}
    limits = formatting.format_interval(ratio.confidence_interval(level), 2)
    return row | {
        "Odds ratio": f"{formatting.format_estimate(ratio.estimate, 2)} {limits}"
    }


def _notes(found: Mapping[str, QuestionMove]) -> tuple[str, ...]:
    notes = ["p: of no mean shift, readers and patients random; exploratory."]
    said: dict[str, list[str]] = {}
    for name, of in found.items():
        if of.ratio.undefined_reason:
            said.setdefault(of.ratio.undefined_reason, []).append(name)
    notes += [
        f"{', '.join(names)}: no odds ratio, {reason}."
        for reason, names in said.items()
    ]
    return tuple(notes)


def _json(of: QuestionMove, level: float) -> formatting.Json:
    interval = of.ratio.confidence_interval(level)
    return {
        "mean_shift": formatting.clustered_json(of.shift, level),
        "p_value": formatting.number(of.shift.p_value()),
        "odds_ratio": formatting.number(of.ratio.estimate),
        "low": formatting.number(interval.low),
        "high": formatting.number(interval.high),
        "n_answers": of.ratio.n,
        "undefined_reason": of.ratio.undefined_reason,
    }
