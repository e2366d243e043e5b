"""Results, tables and numbers of the questions of quality."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pandas as pd

from analysis.arrays import BoolArray
from analysis.intervals import ConfidenceInterval
from analysis.multireader import ClusteredEstimate, Variance, mean_of
from analysis.questions import acceptability
from analysis.report import formatting
from analysis.report.section import ReportContext, Table
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
            confidence_level=level,
            test=context.responses.test,
            reference=context.responses.reference,
        ),
    )


def _proportion(
    accepted: BoolArray, acceptance: acceptability.Acceptance
) -> ClusteredEstimate:
    share = mean_of(accepted, acceptance.reader, acceptance.case)
    return replace(share, bounds=(0.0, 1.0))


Found = Mapping[str, QuestionAcceptability]
"""By question."""

_OBUCHOWSKI = (
    "p: McNemar's test with patients as clusters and readers as they are (Obuchowski)."
)
_DECISION = {True: "yes", False: "not shown", None: "cannot be judged"}


def acceptability_tables(found: Found, context: ReportContext) -> tuple[Table, ...]:
    """Return the tables: proportions, intervals in sensitivity, tests."""
    level = context.confidence_level
    said = f"{100 * level:g} % confidence intervals"
    return (
        Table(
            "acceptability",
            f"Proportion acceptable with {said}, readers and patients random",
            _frame(found, context),
            (*_codes(found, context), _OBUCHOWSKI, *_cautions(found)),
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
            "p": _p(of.tests["obuchowski"]),
        }
        if of.decision is not None:
            row["Non-inferior"] = _DECISION[of.decision.non_inferior]
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
