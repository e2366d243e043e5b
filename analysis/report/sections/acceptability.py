"""Question 2: is the test method as acceptable as the reference?"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import pandas as pd
from matplotlib.figure import Figure

from analysis.arrays import BoolArray
from analysis.charts.forest import ForestRow, forest_plot
from analysis.charts.style import EMPHASIS
from analysis.intervals import ConfidenceInterval
from analysis.multireader import ClusteredEstimate, Variance, proportion_of
from analysis.questions import acceptability
from analysis.questions.acceptability import acceptance_of
from analysis.report import formatting
from analysis.report.formatting import format_clustered
from analysis.report.section import (
    ARBITRARY_CASES,
    CLAIMS,
    Picture,
    ReportContext,
    Section,
    Table,
)
from analysis.responses.pairing import paired_readings
from analysis.symmetry import TestResult

_TESTS: Mapping[acceptability.ClusteredMethod, str] = {
    "obuchowski": "Obuchowski",
    "durkalski": "Durkalski",
    "yang": "Yang",
    "eliasziw": "Eliasziw and Donner",
}
_VARIANCES: Mapping[Variance, str] = {
    "crossed": "Readers and patients",
    "pigeonhole": "The same, bootstrap",
    "patient": "Patients, these readers",
}


@dataclass(frozen=True, eq=False)
class QuestionAcceptability:
    """Results of one question.

    Attributes:
        acceptance: The pairs.
        reference: Proportion acceptable under the reference method.
        test: The same under the test method.
        difference: Test minus reference, by what varies.
        tango: Interval of the difference if pairs were independent.
        tests: McNemar's test with patients as clusters, each way.
        decision: On non-inferiority; None without a margin.
    """

    acceptance: acceptability.Acceptance
    reference: ClusteredEstimate
    test: ClusteredEstimate
    difference: Mapping[Variance, ClusteredEstimate]
    tango: ConfidenceInterval
    tests: Mapping[acceptability.ClusteredMethod, TestResult]
    decision: acceptability.NonInferiority | None

    @property
    def headline(self) -> ClusteredEstimate:
        """The difference with readers and patients random."""
        return self.difference["crossed"]


def question_acceptability(
    acceptance: acceptability.Acceptance, context: ReportContext
) -> QuestionAcceptability:
    """Analyse one question.

    Args:
        acceptance: Its pairs.
        context: Gives the level, the margin and the names of the methods.
    """
    level, margin = context.confidence_level, context.plan.non_inferiority_margin
    difference = {
        variance: acceptability.acceptable_difference(acceptance, variance)
        for variance in _VARIANCES
    }
    return QuestionAcceptability(
        acceptance=acceptance,
        reference=_proportion(acceptance.reference, acceptance),
        test=_proportion(acceptance.test, acceptance),
        difference=difference,
        tango=acceptability.tango_interval(
            acceptance.only_test, acceptance.only_reference, acceptance.n, level
        ),
        tests={
            method: acceptability.clustered_mcnemar(acceptance, method)
            for method in _TESTS
        },
        decision=None
        if margin is None
        else acceptability.non_inferiority(
            difference["crossed"],
            margin,
            confidence_level=context.decision_level,
            test=context.responses.test,
            reference=context.responses.reference,
        ),
    )


def _proportion(
    accepted: BoolArray, acceptance: acceptability.Acceptance
) -> ClusteredEstimate:
    return proportion_of(accepted, acceptance.reader, acceptance.case)


Found = Mapping[str, QuestionAcceptability]
"""By question."""

_SCORE = (
    "p: of no difference, by the same score statistic as the interval; exploratory."
)
_DECISION = {True: "yes", False: "no", None: "cannot be judged"}


def acceptability_tables(found: Found, context: ReportContext) -> tuple[Table, ...]:
    """Return the tables: proportions, intervals in sensitivity, tests."""
    level = context.confidence_level
    said = f"{100 * level:g} % confidence intervals"
    return (
        Table(
            "acceptability",
            f"Proportion acceptable with {said}, readers and patients random",
            _frame(found, context),
            (*_codes(found, context), _SCORE, *_cautions(found)),
        ),
        Table(
            "acceptability_sensitivity",
            f"The difference with {said}, by what is taken to vary from study to study",
            _sensitivity_frame(found, level),
        ),
        Table(
            "acceptability_tests",
            "Is one method accepted more often? McNemar's test with patients as "
            "clusters: p-values",
            _test_frame(found, context),
            (
                "Only: pairs in which the pictures of this method alone were "
                "acceptable. Readers are these ones, patients are random.",
            ),
        ),
    )


def _codes(found: Found, context: ReportContext) -> tuple[str, ...]:
    """Return which answers count as acceptable, once for each scale."""
    said: dict[str, list[str]] = {}
    for question in context.responses.questionnaire:
        if question.id in found:
            labels = [
                label
                for code, label in zip(question.codes, question.labels, strict=True)
                if code in context.plan.acceptable_codes
            ]
            said.setdefault(" or ".join(labels), []).append(question.id)
    return tuple(
        f"{', '.join(names)}: acceptable if answered {labels}."
        for labels, names in said.items()
    )


def _cautions(found: Found) -> tuple[str, ...]:
    said: dict[str, list[str]] = {}
    for name, of in found.items():
        reasons = [*of.headline.cautions, *filter(None, [of.headline.undefined_reason])]
        for reason in reasons:
            said.setdefault(reason, []).append(name)
    return tuple(f"{', '.join(names)}: {reason}." for reason, names in said.items())


def _frame(found: Found, context: ReportContext) -> pd.DataFrame:
    level, rows = context.confidence_level, []
    test, reference = context.responses.test, context.responses.reference
    for name, of in found.items():
        row = {
            "Question": formatting.neutralise(name),
            "Pairs": str(of.acceptance.n),
            formatting.neutralise(reference): formatting.format_clustered(
                of.reference, level
            ),
            formatting.neutralise(test): formatting.format_clustered(of.test, level),
            "Difference": formatting.format_clustered(of.headline, level),
            "p": formatting.format_p(of.headline.p_value()),
        }
        if of.decision is not None:
            row[f"Above -{of.decision.margin:g}"] = _DECISION[of.decision.non_inferior]
        rows.append(row)
    return pd.DataFrame(rows)


def _sensitivity_frame(found: Found, level: float) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "Question": formatting.neutralise(name),
                "Difference": formatting.format_estimate(of.headline.estimate),
                **{
                    label: formatting.format_interval(
                        of.difference[variance].confidence_interval(level)
                    )
                    for variance, label in _VARIANCES.items()
                },
                "Independent pairs (Tango)": formatting.format_interval(of.tango),
            }
            for name, of in found.items()
        ]
    )


def _test_frame(found: Found, context: ReportContext) -> pd.DataFrame:
    test, reference = context.responses.test, context.responses.reference
    return pd.DataFrame(
        [
            {
                "Question": formatting.neutralise(name),
                f"Only {test}": str(of.acceptance.only_test),
                f"Only {reference}": str(of.acceptance.only_reference),
                **{label: _p(of.tests[method]) for method, label in _TESTS.items()},
            }
            for name, of in found.items()
        ]
    )


def _p(test: TestResult) -> str:
    return formatting.format_p(test.p_value)


def acceptability_json(
    found: Found, margin: float | None, level: float
) -> formatting.Json:
    """Return the entries of all questions in results.json."""
    return {
        name: {
            "n_pairs": of.acceptance.n,
            "only_test": of.acceptance.only_test,
            "only_reference": of.acceptance.only_reference,
            "reference": formatting.clustered_json(of.reference, level),
            "test": formatting.clustered_json(of.test, level),
            "difference": {
                variance: formatting.clustered_json(estimate, level)
                for variance, estimate in of.difference.items()
            },
            "tango": {
                "low": formatting.number(of.tango.low),
                "high": formatting.number(of.tango.high),
            },
            "tests": {
                method: {
                    "statistic": formatting.number(test.statistic),
                    "p_value": formatting.number(test.p_value),
                    "undefined_reason": test.undefined_reason,
                }
                for method, test in of.tests.items()
            },
            "non_inferiority_margin": margin,
            "non_inferior": of.decision.non_inferior if of.decision else None,
        }
        for name, of in found.items()
    }


def _acceptability_figure(
    found: Mapping[str, QuestionAcceptability],
    context: ReportContext,
) -> Figure:
    """Draw the difference of each question, no difference, and the margin if fixed."""
    level, margin = context.confidence_level, context.plan.non_inferiority_margin
    test, reference = context.responses.test, context.responses.reference
    rows = [
        ForestRow(name, of.headline.estimate, of.headline.confidence_interval(level))
        for name, of in found.items()
    ]
    figure = Figure(figsize=(5.2, 1 + 0.28 * len(rows)), layout="constrained")
    ax = forest_plot(
        rows,
        figure.subplots(),
        xlabel=f"Proportion acceptable, {test} minus {reference} ({100 * level:g}% CI)",
        reference=0,
    )
    if margin is not None:
        ax.axvline(-margin, color=EMPHASIS, linewidth=0.9, linestyle="--", gid="margin")
    edge = max(1.25 * (margin or 0), 0.1, *map(abs, ax.get_xlim()))
    ax.set_xlim(-edge, edge)
    return figure


ID = "acceptability"
TITLE = "Is it acceptable?"
NO_MARGIN = (
    "The plan states no non-inferiority margin, so nothing is decided; a "
    "difference that is not significant does not show that the methods are alike."
)


def acceptability_section(context: ReportContext) -> Section | None:
    """Return proportions acceptable, their difference, tests and non-inferiority."""
    asked = [
        question
        for question in context.responses.questionnaire
        if question.id in context.plan.acceptability_questions
    ]
    if not asked:
        return None
    if context.provenance == "reconstructed":
        return Section(ID, TITLE, refused=ARBITRARY_CASES)
    found, left_out = {}, []
    for question in asked:
        pairs = paired_readings(context.responses, question)
        try:
            acceptance = acceptance_of(pairs, context.plan.acceptable_codes)
        except ValueError as error:
            left_out.append(f"{question.id} is left out: {error}.")
            continue
        found[question.id] = question_acceptability(acceptance, context)
    if not found:
        return Section(ID, TITLE, refused=" ".join(left_out))
    return _section(found, context, tuple(left_out))


def _section(
    found: Found, context: ReportContext, left_out: tuple[str, ...]
) -> Section:
    level = context.confidence_level
    margin = context.plan.non_inferiority_margin
    line = "" if margin is None else f" Dashed: the margin, -{margin:g}."
    test, reference = context.responses.test, context.responses.reference
    return Section(
        ID,
        TITLE,
        findings=(*_findings(found, context), *left_out),
        tables=acceptability_tables(found, context),
        pictures=(
            Picture(
                "forest_acceptability",
                partial(_acceptability_figure, found, context),
                f"Difference in the proportion acceptable, {test} minus {reference}",
                f"Proportion acceptable, {test} minus {reference}, with "
                f"{100 * level:g} % intervals, readers and patients random. Line: no "
                f"difference.{line}",
            ),
        ),
        methods=_methods(context),
        references=(
            *("gallas", "satterthwaite", "obuchowski", "owen", "tango", "wilson"),
            *("durkalski", "yang", "eliasziw_donner"),
            *(() if margin is None else ("piaggio",)),
        ),
        content=acceptability_json(found, margin, level),
    )


def _findings(found: Found, context: ReportContext) -> tuple[str, ...]:
    margin, level = context.plan.non_inferiority_margin, context.confidence_level
    decisions = {name: of.decision for name, of in found.items() if of.decision}
    if not decisions or margin is None:
        said = ", ".join(
            f"{name} {format_clustered(of.headline, level)}"
            for name, of in found.items()
        )
        test, reference = context.responses.test, context.responses.reference
        return (f"Acceptable, {test} minus {reference}: {said}.", NO_MARGIN)
    above = [name for name, made in decisions.items() if made.non_inferior]
    others = [name for name in decisions if name not in above]
    but = f", and not for {', '.join(others)}" if above and others else ""
    return (
        f"The {100 * context.decision_level:g} % interval of the difference lies above "
        f"the plan's margin of {-margin:g} for {', '.join(above) or 'no question'}{but}"
        f". {CLAIMS}",
    )


def _methods(context: ReportContext) -> tuple[str, ...]:
    test, reference = context.responses.test, context.responses.reference
    margin = context.plan.non_inferiority_margin
    said = [
        f"The proportion of acceptable pictures was compared as {test} minus "
        f"{reference} in pairs of a reader and a case, with readers and patients as "
        "random (crossed layout {gallas}, Satterthwaite's degrees of freedom "
        "{satterthwaite}): Tango's score interval {tango} on the number of independent "
        "pairs that have the same error; single proportions have Wilson's {wilson}.",
        "In sensitivity, readers and patients were resampled (pigeonhole bootstrap "
        "{owen}), patients alone were random, or pairs were independent.",
        "McNemar's test was made with patients as clusters as Obuchowski proposed "
        "{obuchowski}, in sensitivity as Durkalski {durkalski}, Yang {yang}, and "
        "Eliasziw and Donner {eliasziw_donner} did.",
    ]
    if margin is not None:
        said.append(
            "A loss of the margin or more is refuted where the lower limit of the "
            f"two-sided interval lies above -{margin:g}, the margin stated in the plan "
            "{piaggio}."
        )
    return tuple(said)
