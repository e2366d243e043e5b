"""Kappa of ordinal questions, in which near misses count in part."""

from collections.abc import Iterator, Mapping

import pandas as pd

from analysis.agreement.batch import Weights
from analysis.multireader import ClusteredEstimate, Coefficient, with_clustered_error
from analysis.report import formatting, section
from analysis.responses import Question
from analysis.responses.pairing import paired_readings
from reader_study.formats.plan import AnalysisPlan

ID = "weighted"
TITLE = "Weighted kappa"

_Found = Mapping[str, Mapping[str, ClusteredEstimate]]
"""By question, then by weights."""


def weighted_section(context: section.ReportContext) -> section.Section | None:
    """Return kappa of each ordinal question under each weighting."""
    plan = context.plan
    asked = [
        question
        for question in context.responses.questionnaire
        if question.id in plan.weights
        or (question.id in plan.ordinal_questions and len(question.codes) > 2)
    ]
    if not asked:
        return None
    if context.provenance == "reconstructed":
        return section.Section(ID, TITLE, refused=section.ARBITRARY_CASES)
    level = context.confidence_level
    found, notes = {}, []
    for question in asked:
        pairs = paired_readings(context.responses, question)
        found[question.id] = {
            name: with_clustered_error(pairs, Coefficient.kappa(weights), "crossed")
            for name, weights in _weightings(question, plan)
        }
        notes += _own_weights_note(question, plan)
    return section.Section(
        ID,
        TITLE,
        findings=tuple(_finding(name, of, level) for name, of in found.items()),
        tables=(
            section.Table(
                "weighted_kappa",
                f"Cohen's kappa with weights and {100 * level:g} % confidence "
                "intervals, readers and patients random",
                _frame(found, level),
                (*notes, *formatting.reasons_of(_named(found))),
            ),
        ),
        methods=(
            "Kappa of ordinal answers was weighted by the steps that two answers are "
            "apart, linearly {cohen_1968} or by their square {fleiss_cohen}"
            + (", and with the weights of the plan" if plan.weights else "")
            + "; intervals take readers and patients as random {gallas}.",
        ),
        references=("cohen_1968", "fleiss_cohen", "gallas"),
        content={
            name: {
                weights: formatting.clustered_json(estimate, level)
                for weights, estimate in of_question.items()
            }
            for name, of_question in found.items()
        },
    )


def _weightings(
    question: Question, plan: AnalysisPlan
) -> Iterator[tuple[str, Weights]]:
    yield "none", None
    if len(question.codes) > 2:
        yield "linear", "linear"
        yield "quadratic", "quadratic"
    own = plan.own_weights(question)
    if own is not None:
        yield "own", own


def _own_weights_note(question: Question, plan: AnalysisPlan) -> list[str]:
    if question.id not in plan.weights:
        return []
    given = plan.weights[question.id]
    own = plan.own_weights(question)
    if own is None:
        return [
            f"{question.id}: the plan's own weights are for {len(given)} answers and "
            f"the question has {len(question.codes)}, so they are left out."
        ]
    rows = "; ".join(", ".join(f"{weight:g}" for weight in row) for row in own)
    return [f"{question.id}: own weights {rows} (rows: reference method)."]


def _finding(
    name: str, of_question: Mapping[str, ClusteredEstimate], level: float
) -> str:
    said = ", ".join(
        f"{'without weights' if weights == 'none' else f'with {weights} weights'} "
        f"{formatting.format_clustered(estimate, level)}"
        for weights, estimate in of_question.items()
    )
    return f"Kappa of {name}, readers and patients random: {said}."


def _named(found: _Found) -> Iterator[tuple[str, ClusteredEstimate]]:
    for name, of_question in found.items():
        for estimate in of_question.values():
            yield name, estimate


def _frame(found: _Found, level: float) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "Question": formatting.neutralise(name),
                "Weights": weights,
                "Pairs": str(estimate.n),
                f"Kappa [{100 * level:g}% CI]": formatting.format_clustered(
                    estimate, level
                ),
            }
            for name, of_question in found.items()
            for weights, estimate in of_question.items()
        ]
    )
