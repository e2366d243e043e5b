"""Subgroups of cases or readers that the plan names, as exploratory."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.multireader import (
    ClusteredEstimate,
    Coefficient,
    Pairs,
    with_clustered_error,
)
from analysis.questions.subgroups import Subgroups, subgroup_difference, subgroups_by
from analysis.report import formatting, section
from analysis.responses.pairing import paired_readings

ID = "subgroups"
TITLE = "Subgroups (exploratory)"
COEFFICIENTS: Mapping[str, tuple[str, Coefficient]] = {
    "percent_agreement": ("Agreement", Coefficient.agreement()),
    "cohen_kappa": ("Cohen's kappa", Coefficient.kappa()),
}
_EXPLORATORY = (
    "Exploratory: the study was not sized for subgroups and nothing is corrected for "
    "their number. Subgroups of few patients or readers say little."
)

_Estimates = Mapping[str, ClusteredEstimate]
"""By coefficient."""


@dataclass(frozen=True)
class _OfColumn:
    """One question in the subgroups of a column.

    Attributes:
        by_value: Coefficients in each subgroup.
        differences: Of one subgroup minus the other, or minus all others.
    """

    by_value: Mapping[str, _Estimates]
    differences: Mapping[str, _Estimates]


_Found = Mapping[str, _OfColumn]
"""By question."""


def subgroups_section(context: section.ReportContext) -> section.Section | None:
    """Return agreement in each subgroup, and the differences between subgroups."""
    if not context.plan.subgroups:
        return None
    if context.provenance == "reconstructed":
        return section.Section(ID, TITLE, refused=section.ARBITRARY_CASES)
    columns, left_out = _columns(context)
    pairs = {
        question.id: paired_readings(context.responses, question)
        for question in context.responses.questionnaire
    }
    found = {
        column: {name: _of_column(of, groups) for name, of in pairs.items()}
        for column, groups in columns.items()
    }
    level = context.confidence_level
    said = [_finding(columns[name], of, level) for name, of in found.items()]
    tables = [
        table
        for place, (column, of) in enumerate(found.items(), 1)
        for table in _tables(place, columns[column], of, level)
    ]
    return section.Section(
        ID,
        TITLE,
        findings=(
            _EXPLORATORY,
            *said,
            *(f"{n}: {why}." for n, why in left_out.items()),
        ),
        tables=tuple(tables),
        methods=(
            "Agreement and kappa of subgroups, and the differences between them, have "
            "intervals with readers and patients random {gallas}; the degrees of "
            "freedom of a difference are no more than Welch's {welch}. These analyses "
            "are exploratory.",
        )
        if found
        else (),
        references=("gallas", "welch") if found else (),
        content={
            "left_out": left_out,
            **{
                column: _json(columns[column], of, level)
                for column, of in found.items()
            },
        },
    )


def _columns(
    context: section.ReportContext,
) -> tuple[dict[str, Subgroups], dict[str, str]]:
    """Return the columns that make subgroups, and why others do not."""
    columns, left_out = {}, {}
    for column in dict.fromkeys(context.plan.subgroups):
        try:
            columns[column] = subgroups_by(context.responses.readings, column)
        except ValueError as error:
            left_out[column] = str(error)
    return columns, left_out


def _of_column(pairs: Pairs, groups: Subgroups) -> _OfColumn:
    values = np.array(groups.of_pairs(pairs), dtype=object)
    known = pairs.subset(np.array([value is not None for value in values], bool))
    values = values[values != None]  # noqa: E711 - of each element
    compared = groups.levels[:1] if len(groups.levels) == 2 else groups.levels
    others = groups.levels[1] if len(groups.levels) == 2 else "all others"
    return _OfColumn(
        {
            value: {
                name: with_clustered_error(
                    known.subset(values == value), coefficient, "crossed"
                )
                for name, (_, coefficient) in COEFFICIENTS.items()
            }
            for value in groups.levels
        },
        {
            f"{value} minus {others}": {
                name: subgroup_difference(
                    known, values == value, coefficient, groups.unit
                )
                for name, (_, coefficient) in COEFFICIENTS.items()
            }
            for value in compared
        },
    )


def _finding(groups: Subgroups, found: _Found, level: float) -> str:
    named = "patients" if groups.unit == "case" else "readers"
    counts = Counter(groups.value_of.values())
    sizes = ", ".join(f"{value} {counts[value]}" for value in groups.levels)
    beyond = [
        f"{name} ({what})"
        for name, of in found.items()
        for what, estimates in of.differences.items()
        if _leaves_out_zero(estimates["cohen_kappa"], level)
    ]
    known = sum(
        estimates["cohen_kappa"].undefined_reason is None
        for of in found.values()
        for estimates in of.differences.values()
    )
    return (
        f"{groups.column}, {named}: {sizes}. Of {known} differences in kappa that have "
        f"an interval, {len(beyond)} leave out 0"
        f"{': ' + ', '.join(beyond) if beyond else ''}; by chance alone about "
        f"{100 * (1 - level):.3g} % would."
    )


def _leaves_out_zero(estimate: ClusteredEstimate, level: float) -> bool:
    interval = estimate.confidence_interval(level)
    return interval.low > 0 or interval.high < 0


def _tables(
    place: int, groups: Subgroups, found: _Found, level: float
) -> tuple[section.Table, section.Table]:
    percent = f"{100 * level:g} % confidence intervals, readers and patients random"
    return (
        section.Table(
            f"subgroups_{place}",
            f"Agreement and kappa by {groups.column} with {percent} (exploratory)",
            _frame(
                "Subgroup", {name: of.by_value for name, of in found.items()}, level
            ),
            formatting.reasons_of(_named(found)),
        ),
        section.Table(
            f"subgroups_{place}_differences",
            f"Differences between subgroups by {groups.column} with {percent} "
            "(exploratory)",
            _frame(
                "Difference",
                {name: of.differences for name, of in found.items()},
                level,
            ),
        ),
    )


def _named(found: _Found) -> Iterator[tuple[str, ClusteredEstimate]]:
    for of in found.values():
        for value, estimates in of.by_value.items():
            yield value, estimates["cohen_kappa"]


def _frame(
    first: str, found: Mapping[str, Mapping[str, _Estimates]], level: float
) -> pd.DataFrame:
    rows = []
    for name, by_row in found.items():
        for label, estimates in by_row.items():
            counted = estimates["percent_agreement"]
            rows.append(
                {
                    "Question": formatting.neutralise(name),
                    first: formatting.neutralise(label),
                    "Readers": str(counted.n_readers),
                    "Patients": str(counted.n_cases),
                    **{
                        heading: formatting.format_clustered(estimates[key], level)
                        for key, (heading, _) in COEFFICIENTS.items()
                    },
                }
            )
    return pd.DataFrame(rows)


def _json(groups: Subgroups, found: _Found, level: float) -> formatting.Json:
    def estimates_json(by_row: Mapping[str, _Estimates]) -> formatting.Json:
        return {
            label: {
                name: formatting.clustered_json(estimate, level)
                for name, estimate in estimates.items()
            }
            for label, estimates in by_row.items()
        }

    return {
        "unit": groups.unit,
        "values": list(groups.levels),
        "questions": {
            name: {
                "subgroups": estimates_json(of.by_value),
                "differences": estimates_json(of.differences),
            }
            for name, of in found.items()
        },
    }
