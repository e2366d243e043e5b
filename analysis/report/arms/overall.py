"""Do the methods differ at all, and which? Every question that has an order."""

from collections.abc import Iterator

import pandas as pd

from analysis.multireader import ClusteredEstimate
from analysis.questions.overall import MethodsTested, OverallOfQuestion
from analysis.report import formatting, section
from analysis.report.arms import results

ID, TITLE = "overall", "Differences between methods"
_CUSTOMARY = {
    "share": "Cochran's Q",
    "steps": "Friedman",
    "number": "Friedman",
}
_DIGITS = 2


def overall_section(study: results.ArmsResults) -> section.Section | None:
    """Return the tests of all methods, and of every two; None of fewer than three."""
    if not study.overall:
        return None
    refused = [
        f"{of.question.id} {of.found}."
        for of in study.overall
        if isinstance(of.found, str)
    ]
    known = [
        (of, of.found) for of in study.overall if isinstance(of.found, MethodsTested)
    ]
    if not known:
        return section.Section(ID, TITLE, refused=" ".join(refused))
    level = study.confidence_level
    return section.Section(
        ID,
        TITLE,
        findings=(*(_finding(study, *one) for one in known), *refused, section.CLAIMS),
        tables=(_overall_table(known, level), _pair_table(known, level)),
        methods=(
            "Whether the methods differ was tested on readers and patients with an "
            "answer under every method: the sum of squares of the differences of the "
            "methods' means from their mean, over the sum of their variances with "
            "readers and patients random, was held against F with Box's degrees of "
            "freedom {box}. Every two methods were compared with readers and patients "
            "random; their p-values were adjusted by Holm's step-down method {holm} "
            "and are never below that of the test of all. Cochran's Q {cochran} of "
            "shares and Friedman's test {friedman} of others, which take every "
            "reader's answers as independent, stand beside as customary and decide "
            "nothing.",
        ),
        content={of.question.id: _json(of, found, level) for of, found in known},
    )


def _finding(
    study: results.ArmsResults, of: OverallOfQuestion, found: MethodsTested
) -> str:
    name, alpha = of.question.id, study.context.plan.alpha
    means = ", ".join(
        f"{method} {_mean(mean, found, study.confidence_level)}"
        for method, mean in zip(found.methods, found.means, strict=True)
    )
    said = f"{name}, {of.counted}: {means}. "
    if not found.p_value < alpha:
        return (
            f"{said}The methods are not shown to differ ({_p(found.p_value)}), which "
            "does not show that they are alike."
        )
    apart = [
        f"{test} and {reference}"
        for ((reference, test), _), p in zip(found.pairs, found.adjusted, strict=True)
        if p < alpha
    ]
    which = f"; of every two, {', '.join(apart)}" if apart else "; no two by themselves"
    return f"{said}The methods differ ({_p(found.p_value)}){which}."


def _p(value: float) -> str:
    written = formatting.format_p(value)
    return f"p < {written[1:]}" if written.startswith("<") else f"p = {written}"


def _mean(mean: ClusteredEstimate, found: MethodsTested, level: float) -> str:
    if found.kind == "share":
        return formatting.format_share(mean, level)
    return formatting.format_clustered(mean, level, _DIGITS)


def _overall_table(
    known: list[tuple[OverallOfQuestion, MethodsTested]], level: float
) -> section.Table:
    rows = []
    for of, found in known:
        row = {
            "Question": formatting.neutralise(f"{of.question.id}, {of.counted}"),
            "Blocks": str(found.n_blocks),
        }
        for method, mean in zip(found.methods, found.means, strict=True):
            row[formatting.neutralise(method)] = _mean(mean, found, level)
        row["F"] = formatting.format_estimate(found.statistic, _DIGITS)
        row["df"] = "; ".join(formatting.format_estimate(x, 1) for x in found.df)
        row["p"] = formatting.format_p(found.p_value)
        named = formatting.format_p(found.customary[1])
        row["Customary"] = f"{_CUSTOMARY[found.kind]} p {named}"
        rows.append(row)
    return section.Table(
        "overall",
        f"All methods at once with {100 * level:g} % intervals, readers and patients "
        "random",
        pd.DataFrame(rows),
        (
            "Blocks: readers and patients with an answer under every method. What is "
            "customary takes blocks as independent and decides nothing.",
        ),
    )


def _pair_table(
    known: list[tuple[OverallOfQuestion, MethodsTested]], level: float
) -> section.Table:
    rows = [
        {
            "Question": formatting.neutralise(f"{of.question.id}, {of.counted}"),
            "Methods": formatting.neutralise(f"{test} minus {reference}"),
            "Difference": formatting.format_clustered(difference, level, _DIGITS),
            "p": formatting.format_p(difference.p_value(0.0)),
            "adjusted p": formatting.format_p(adjusted),
        }
        for of, found in known
        for ((reference, test), difference), adjusted in zip(
            found.pairs, found.adjusted, strict=True
        )
    ]
    return section.Table(
        "overall_pairs",
        f"Every two methods with {100 * level:g} % intervals, readers and patients "
        "random",
        pd.DataFrame(rows),
        (
            "Adjusted p: for all pairs of a question by Holm's method, and never below "
            "that of all methods at once. Intervals are of each difference alone.",
        ),
    )


def overall_json(study: results.ArmsResults) -> formatting.Json:
    """Return what results.json says of the tests; empty without any."""
    made = overall_section(study)
    return {} if made is None else {ID: {"refused": made.refused, **made.content}}


def _json(of: OverallOfQuestion, found: MethodsTested, level: float) -> formatting.Json:
    return {
        "counted": of.counted,
        "n_blocks": found.n_blocks,
        "means": {
            method: formatting.clustered_json(mean, level)
            for method, mean in zip(found.methods, found.means, strict=True)
        },
        "f": formatting.number(found.statistic),
        "df": [formatting.number(x) for x in found.df],
        "p_value": formatting.number(found.p_value),
        "customary": {
            "test": _CUSTOMARY[found.kind],
            "statistic": formatting.number(found.customary[0]),
            "p_value": formatting.number(found.customary[1]),
        },
        "pairs": list(_pairs_json(found, level)),
    }


def _pairs_json(found: MethodsTested, level: float) -> Iterator[formatting.Json]:
    for (methods, difference), p in zip(found.pairs, found.adjusted, strict=True):
        yield {
            "methods": list(methods),
            "difference": formatting.clustered_json(difference, level),
            "p_value": formatting.number(difference.p_value(0.0)),
            "adjusted_p_value": formatting.number(p),
        }
