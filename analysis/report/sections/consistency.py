"""Do readers agree with each other as well on either method?"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import pandas as pd
from matplotlib.figure import Figure

from analysis.charts.forest import ForestRow, forest_plot
from analysis.charts.style import GUIDE
from analysis.multireader import ClusteredEstimate
from analysis.questions import between_readers
from analysis.questions.arms import agreement_between_readers
from analysis.report import formatting, section


@dataclass(frozen=True)
class _MethodsCompared:
    """One coefficient of agreement between readers.

    Attributes:
        reference: Under the reference method.
        test: Under the test method.
        difference: Test minus reference, of the same patients.
    """

    reference: ClusteredEstimate
    test: ClusteredEstimate
    difference: ClusteredEstimate


_OfQuestions = Mapping[str, _MethodsCompared]
"""By question."""


def _compared(
    context: section.ReportContext,
    question: str,
    coefficient: between_readers.ConsistencyCoefficient,
) -> _MethodsCompared:
    """Estimate a coefficient under both methods, and the difference.

    Args:
        context: The study.
        question: Id of the question.
        coefficient: Which one; alpha is ordinal where the plan calls the question so.
    """
    ordinal = question in context.plan.ordinal_questions
    if coefficient == "krippendorff_alpha" and ordinal:
        coefficient = "krippendorff_alpha_ordinal"
    ratings = between_readers.method_ratings(context.responses, question)
    return _MethodsCompared(
        reference=agreement_between_readers(
            ratings.reference, ratings.k, coefficient, "jackknife"
        ),
        test=agreement_between_readers(
            ratings.test, ratings.k, coefficient, "jackknife"
        ),
        difference=between_readers.consistency_difference(ratings, coefficient),
    )


def _consistency_figure(
    found: _OfQuestions, names: tuple[str, str], level: float
) -> Figure:
    """Draw both methods on the left and their difference on the right."""
    figure = Figure(figsize=(7.2, 0.9 + 0.36 * len(found)), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    both, differences = [], []
    for question, of in found.items():
        for label, one, faint in (
            (f"{question}  {names[0]}", of.reference, True),
            (names[1], of.test, False),
        ):
            interval = one.confidence_interval(level)
            both.append(ForestRow(label, one.estimate, interval, faint))
        interval = of.difference.confidence_interval(level)
        differences.append(ForestRow(question, of.difference.estimate, interval))
    named = f"{100 * level:g}% CI"
    forest_plot(both, left, xlabel=f"Fleiss' kappa ({named})", reference=0)
    forest_plot(differences, right, xlabel=f"Difference ({named})", reference=0)
    left.set_xlim(min(-0.25, left.get_xlim()[0]), 1)
    for of_row in left.get_yticklabels()[::2]:
        of_row.set_color(GUIDE)
    return figure


ID = "consistency"
TITLE = "Agreement between readers"
COEFFICIENTS: Mapping[between_readers.ConsistencyCoefficient, str] = {
    "fleiss_kappa": "Fleiss' kappa",
    "conger_kappa": "Conger's kappa",
    "gwet_ac1": "Gwet's AC1",
    "krippendorff_alpha": "Krippendorff's alpha",
}
SHOWN: between_readers.ConsistencyCoefficient = "fleiss_kappa"


def consistency_section(context: section.ReportContext) -> section.Section | None:
    """Compare how well readers agree with each other under the two methods."""
    if len(context.responses.readers) < 2:
        return None
    if context.provenance == "reconstructed":
        return section.Section(ID, TITLE, refused=section.ARBITRARY_CASES)
    level = context.confidence_level
    found = {
        name: {
            question.id: _compared(context, question.id, name)
            for question in context.responses.questionnaire
        }
        for name in COEFFICIENTS
    }
    names = (context.responses.reference, context.responses.test)
    return section.Section(
        ID,
        TITLE,
        findings=_findings(found[SHOWN], names, level),
        tables=tuple(
            section.Table(
                f"between_readers_{name}",
                f"{label} between readers with {100 * level:g} % confidence intervals",
                _frame(found[name], names, level),
                _notes(found[name]),
            )
            for name, label in COEFFICIENTS.items()
        ),
        pictures=(
            section.Picture(
                "forest_between_readers",
                partial(_consistency_figure, found[SHOWN], names, level),
                "Agreement between readers of each question under both methods, and "
                "the difference",
                "Fleiss' kappa between readers. Left: under each method; right: test "
                "minus reference, below 0 where readers agree less on the test method.",
            ),
        ),
        methods=(
            "Agreement of the readers with each other was measured under each method "
            "by Fleiss' {fleiss} and Conger's {conger} kappa, Gwet's AC1 {gwet} and "
            "Krippendorff's alpha {krippendorff} (ordinal where the answers are steps "
            "of a scale). Errors are from the jackknife over patients with Student's "
            "t; the readers are taken as fixed. Fleiss' kappa and AC1 under one method "
            "have the score interval {wilson} of the effective number of pairs of "
            "readers, all others estimate +- t x error.",
        ),
        references=("fleiss", "conger", "gwet", "krippendorff", "wilson"),
        content={
            name: {question: _json(of, level) for question, of in by_question.items()}
            for name, by_question in found.items()
        },
    )


def _findings(
    found: _OfQuestions, names: tuple[str, str], level: float
) -> tuple[str, ...]:
    known = [
        f"{question} {formatting.format_clustered(of.difference, level)}"
        for question, of in found.items()
        if of.difference.undefined_reason is None
    ]
    if not known:
        return ("Whether readers agree less on one method cannot be told here.",)
    reference, test = names
    return (
        "Exploratory, about these readers: agreement with each other under "
        f"{test} minus that under {reference} (Fleiss' kappa) is {'; '.join(known)}.",
        "An interval that holds 0 does not show that they are alike.",
    )


def _frame(found: _OfQuestions, names: tuple[str, str], level: float) -> pd.DataFrame:
    reference, test = (formatting.neutralise(name) for name in names)
    return pd.DataFrame(
        [
            {
                "Question": formatting.neutralise(question),
                reference: formatting.format_clustered(of.reference, level),
                test: formatting.format_clustered(of.test, level),
                "Difference": formatting.format_clustered(of.difference, level),
            }
            for question, of in found.items()
        ]
    )


def _notes(found: _OfQuestions) -> tuple[str, ...]:
    said: dict[str, list[str]] = {}
    for question, of in found.items():
        reasons = (
            reason
            for one in (of.reference, of.test, of.difference)
            for reason in (*one.cautions, one.undefined_reason)
        )
        for reason in dict.fromkeys(filter(None, reasons)):
            said.setdefault(reason, []).append(question)
    return tuple(f"{', '.join(names)}: {reason}." for reason, names in said.items())


def _json(of: _MethodsCompared, level: float) -> formatting.Json:
    return {
        "reference": formatting.clustered_json(of.reference, level),
        "test": formatting.clustered_json(of.test, level),
        "difference": formatting.clustered_json(of.difference, level),
    }
