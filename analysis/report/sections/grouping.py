"""Answers that lead to the same, as the plan puts them together."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from analysis.multireader import ClusteredEstimate, clustered_kappa
from analysis.questions.shifts import GroupConfusion, group_confusion, grouped_pairs
from analysis.report import formatting, section
from analysis.responses import Question
from analysis.responses.pairing import paired_readings
from reader_study.formats.plan_check import grouping_fault

ID = "grouping"
TITLE = "Answers in groups"


@dataclass(frozen=True, eq=False)
class _Grouped:
    """One question in the plan's groups.

    Attributes:
        confusion: Pairs by group, and how many change it.
        kappa: Of the groups.
    """

    confusion: GroupConfusion
    kappa: ClusteredEstimate

    @property
    def shares(self) -> Mapping[str, ClusteredEstimate]:
        """Shares of pairs by what the test method does to the group."""
        names = self.confusion.table.categories
        two = len(names) == 2
        later = f"{names[0]} to {names[1]}" if two else "to a later group"
        earlier = f"{names[1]} to {names[0]}" if two else "to an earlier group"
        return {
            "same group": self.confusion.same,
            later: self.confusion.to_later,
            earlier: self.confusion.to_earlier,
        }


def grouping_section(context: section.ReportContext) -> section.Section | None:
    """Return how often the methods lead to different groups of answers."""
    groups = context.plan.groups
    asked = [q for q in context.responses.questionnaire if q.id in groups]
    if not asked:
        return None
    if context.provenance == "reconstructed":
        return section.Section(ID, TITLE, refused=section.ARBITRARY_CASES)
    wrong = {q.id: grouping_fault(groups[q.id], q.codes) for q in asked}
    left_out = tuple(
        f"{name}: the plan's groups are left out, since they {why}."
        for name, why in wrong.items()
        if why
    )
    found = {q.id: _grouped(context, q) for q in asked if not wrong[q.id]}
    level = context.confidence_level
    said = [_finding(name, of, context, level) for name, of in found.items()]
    return section.Section(
        ID,
        TITLE,
        findings=(*said, *left_out),
        tables=_tables(found, context) if found else (),
        methods=(
            "Answers were put into the groups that the plan names; how often the "
            "methods lead to different groups, and kappa of the groups, have intervals "
            "with readers and patients random {gallas}.",
        )
        if found
        else (),
        references=("gallas",) if found else (),
        content={name: _json(of, level) for name, of in found.items()}
        or {"left_out": [name for name, why in wrong.items() if why]},
    )


def _grouped(context: section.ReportContext, question: Question) -> _Grouped:
    pairs = paired_readings(context.responses, question)
    groups = context.plan.groups[question.id]
    return _Grouped(
        group_confusion(pairs, groups), clustered_kappa(grouped_pairs(pairs, groups))
    )


def _finding(
    name: str, found: _Grouped, context: section.ReportContext, level: float
) -> str:
    table = found.confusion.table
    groups = ", ".join(f'"{group}"' for group in table.categories)
    shares = "; ".join(
        f"{what} {formatting.format_clustered(share, level)}"
        for what, share in found.shares.items()
    )
    return (
        f"{name} in the groups {groups}: {table.n_agree} of {table.n} pairs fall into "
        f"the same group under {context.responses.reference} and "
        f"{context.responses.test}. Shares of pairs: {shares}. Kappa of the groups "
        f"{formatting.format_clustered(found.kappa, level)}."
    )


def _tables(
    found: Mapping[str, _Grouped], context: section.ReportContext
) -> tuple[section.Table, ...]:
    level = context.confidence_level
    counts = tuple(
        section.Table(
            f"groups_{place}",
            f"{name}: pairs by group of answers, {context.responses.reference} in rows",
            _counts(of.confusion, context),
        )
        for place, (name, of) in enumerate(found.items(), 1)
    )
    named = [
        (name, estimate)
        for name, of in found.items()
        for estimate in (*of.shares.values(), of.kappa)
    ]
    return (
        *counts,
        section.Table(
            "groups_changed",
            f"Pairs whose group the test method changes, with {100 * level:g} % "
            "confidence intervals, readers and patients random",
            _changed(found, level),
            formatting.reasons_of(named),
        ),
    )


def _counts(found: GroupConfusion, context: section.ReportContext) -> pd.DataFrame:
    groups = [str(group) for group in found.table.categories]
    reference = formatting.neutralise(context.responses.reference)
    rows = [
        {reference: formatting.neutralise(group)}
        | {
            formatting.neutralise(f"{context.responses.test}: {to}"): str(count)
            for to, count in zip(groups, counts, strict=True)
        }
        for group, counts in zip(groups, found.table.counts.tolist(), strict=True)
    ]
    return pd.DataFrame(rows)


def _changed(found: Mapping[str, _Grouped], level: float) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "Question": formatting.neutralise(name),
                "Share of pairs": formatting.neutralise(what),
                f"Estimate [{100 * level:g}% CI]": formatting.format_clustered(
                    estimate, level
                ),
            }
            for name, of in found.items()
            for what, estimate in {**of.shares, "kappa of the groups": of.kappa}.items()
        ]
    )


def _json(found: _Grouped, level: float) -> formatting.Json:
    return {
        "groups": [str(group) for group in found.confusion.table.categories],
        "counts": found.confusion.table.counts.tolist(),
        "same": formatting.clustered_json(found.confusion.same, level),
        "to_later": formatting.clustered_json(found.confusion.to_later, level),
        "to_earlier": formatting.clustered_json(found.confusion.to_earlier, level),
        "cohen_kappa": formatting.clustered_json(found.kappa, level),
    }
