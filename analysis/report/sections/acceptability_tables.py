"""Tables and numbers of the questions of quality."""

from collections.abc import Mapping

import pandas as pd

from analysis.report.formatting import (
    format_clustered,
    format_estimate,
    format_interval,
    format_p,
    neutralise,
)
from analysis.report.material import Material
from analysis.report.numbers import Json, clustered_json, number
from analysis.report.section import Table
from analysis.report.sections.acceptability_results import (
    TESTS,
    VARIANCES,
    QuestionAcceptability,
)
from analysis.symmetry import TestResult

Found = Mapping[str, QuestionAcceptability]
"""By question."""

_OBUCHOWSKI = (
    "p: McNemar's test with patients as clusters and readers as they are (Obuchowski)."
)
_DECISION = {True: "yes", False: "not shown", None: "cannot be judged"}


def acceptability_tables(found: Found, material: Material) -> tuple[Table, ...]:
    """Give the tables: proportions, intervals in sensitivity, tests."""
    level = material.confidence_level
    said = f"{100 * level:g} % confidence intervals"
    return (
        Table(
            "acceptability",
            f"Proportion acceptable with {said}, readers and patients random",
            _frame(found, material),
            (*_codes(found, material), _OBUCHOWSKI, *_cautions(found)),
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
            _test_frame(found, material),
            (
                "Only: pairs in which the pictures of this method alone were "
                "acceptable. Readers are these ones, patients are random.",
            ),
        ),
    )


def _codes(found: Found, material: Material) -> tuple[str, ...]:
    """Say which answers count as acceptable, where scales differ once for each."""
    said: dict[str, list[str]] = {}
    for question in material.responses.questionnaire:
        if question.id in found:
            labels = [
                label
                for code, label in zip(question.codes, question.labels, strict=True)
                if code in material.plan.acceptable_codes
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


def _frame(found: Found, material: Material) -> pd.DataFrame:
    level, rows = material.confidence_level, []
    test, reference = material.responses.test, material.responses.reference
    for name, of in found.items():
        row = {
            "Question": neutralise(name),
            "Pairs": str(of.acceptance.n),
            neutralise(reference): format_clustered(of.reference, level),
            neutralise(test): format_clustered(of.test, level),
            "Difference": format_clustered(of.headline, level),
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
                "Question": neutralise(name),
                "Difference": format_estimate(of.headline.estimate),
                **{
                    label: format_interval(
                        of.difference[variance].confidence_interval(level)
                    )
                    for variance, label in VARIANCES.items()
                },
                "Independent pairs (Tango)": format_interval(of.tango),
            }
            for name, of in found.items()
        ]
    )


def _test_frame(found: Found, material: Material) -> pd.DataFrame:
    test, reference = material.responses.test, material.responses.reference
    return pd.DataFrame(
        [
            {
                "Question": neutralise(name),
                f"Only {test}": str(of.acceptance.only_test),
                f"Only {reference}": str(of.acceptance.only_reference),
                **{label: _p(of.tests[method]) for method, label in TESTS.items()},
            }
            for name, of in found.items()
        ]
    )


def _p(test: TestResult) -> str:
    return format_p(test.p_value)


def acceptability_json(found: Found, margin: float | None, level: float) -> Json:
    """Give the entries of all questions in results.json."""
    return {
        name: {
            "n_pairs": of.acceptance.n,
            "only_test": of.acceptance.only_test,
            "only_reference": of.acceptance.only_reference,
            "reference": clustered_json(of.reference, level),
            "test": clustered_json(of.test, level),
            "difference": {
                variance: clustered_json(estimate, level)
                for variance, estimate in of.difference.items()
            },
            "tango": {"low": number(of.tango.low), "high": number(of.tango.high)},
            "tests": {
                method: {
                    "statistic": number(test.statistic),
                    "p_value": number(test.p_value),
                    "undefined_reason": test.undefined_reason,
                }
                for method, test in of.tests.items()
            },
            "non_inferiority_margin": margin,
            "non_inferior": of.decision.non_inferior if of.decision else None,
        }
        for name, of in found.items()
    }
