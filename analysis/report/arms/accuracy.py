"""Do readers diagnose as well under each of several methods? Every two are compared."""

import math
from collections.abc import Iterator, Mapping
from functools import partial

import pandas as pd
from matplotlib.figure import Figure

from analysis import multiplicity
from analysis.accuracy.study import Metric
from analysis.charts.forest import ForestRow, forest_plot
from analysis.charts.roc import roc_chart
from analysis.charts.style import EMPHASIS
from analysis.questions.accuracy import MethodAccuracies
from analysis.report import formatting, section
from analysis.report.arms import results
from analysis.report.sections import accuracy as of_two

Pair = tuple[str, str]

_LEVEL = 0.05


def accuracy_section(study: results.ArmsResults) -> section.Section | None:
    """Return the accuracy of every method and the differences of every two.

    None where nobody asks for it.
    """
    found = study.accuracy
    if found is None:
        return None
    if isinstance(found, str):
        return section.Section(of_two.ID, of_two.TITLE, refused=found)
    level = study.confidence_level
    several = bool(found.pairs)
    tables = [_of_methods(found, level)]
    if several:
        tables.append(_of_pairs(found, level))
    if len(found.readers) > 1:
        tables.append(_by_reader(found))
    findings = [of_two.studied(found.rated)]
    for metric in found.metrics:
        findings += _findings(found, metric, level)
    if several:
        findings.append(of_two.AGREEMENT_IS_NOT_ACCURACY)
    margin = study.context.plan.accuracy_margin
    return section.Section(
        of_two.ID,
        of_two.TITLE,
        findings=tuple(findings),
        tables=tuple(tables),
        pictures=(_picture(found, level, margin),),
        methods=(*of_two.methods(found.rated), *_more_methods(found)),
        references=(*of_two.REFERENCES, *(("holm",) if len(found.pairs) > 1 else ())),
    )


def accuracy_json(study: results.ArmsResults) -> formatting.Json:
    """Return what results.json says of accuracy; empty without ratings."""
    found, level = study.accuracy, study.confidence_level
    if found is None or isinstance(found, str):
        return {}
    diseased, others = found.rated.n_cases
    return {
        "rating": found.rated.rating.text if found.rated.rating else None,
        "threshold": found.rated.threshold,
        "margin": study.context.plan.accuracy_margin,
        "n_diseased": diseased,
        "n_others": others,
        **{
            metric: {
                "methods": {
                    name: of_two.number(
                        one.of_method(metric, name), level, of_two.NULLS[metric]
                    )
                    for name, one in found.of_one.items()
                },
                "differences": [
                    {
                        "reference": pair[0],
                        "test": pair[1],
                        **of_two.number(one.difference(metric), level),
                        "p_holm": formatting.number(adjusted),
                    }
                    for (pair, one), adjusted in zip(
                        found.of_two.items(), holm(found, metric).values(), strict=True
                    )
                ],
            }
            for metric in found.metrics
        },
    }


def holm(found: MethodAccuracies, metric: Metric) -> Mapping[Pair, float]:
    """Return p of the difference of every two methods, for all of them together.

    A difference that cannot be tested is one of them all the same, and has NaN.
    """
    own = [one.difference(metric).p_value() for one in found.of_two.values()]
    return dict(zip(found.of_two, multiplicity.holm(own), strict=True))


def _findings(found: MethodAccuracies, metric: Metric, level: float) -> Iterator[str]:
    """Say how accurate each method is, and which two differ."""
    name = of_two.NAMES[metric]
    under = [
        f"{of_two.value(one.of_method(metric, method), level)}"
        + (f" under {method}" if found.pairs else "")
        for method, one in found.of_one.items()
    ]
    yield f"{name}: {'; '.join(under)}."
    adjusted = holm(found, metric)
    if not adjusted:
        return
    yield _difference(found, metric, level)
    if len(adjusted) == 1:
        return
    apart = [_named(pair) for pair, p in adjusted.items() if p < _LEVEL]
    untested = [_named(pair) for pair, p in adjusted.items() if math.isnan(p)]
    of_all = f"Of {len(adjusted)} pairs of methods "
    what = name if name.isupper() else name.lower()
    said = of_all + (f"{len(apart)}: {', '.join(apart)}" if apart else "none")
    ways = f"{said} differ{'s' if len(apart) < 2 else ''} in {what} with p < {_LEVEL:g}"
    rest = f"; not tested: {', '.join(untested)}" if untested else ""
    yield f"{ways} after Holm's correction{rest}. This is exploratory."


def _difference(found: MethodAccuracies, metric: Metric, level: float) -> str:
    """Say which two methods are farthest apart."""
    sizes = {
        pair: abs(one.difference(metric).estimate)
        for pair, one in found.of_two.items()
        if not math.isnan(one.difference(metric).estimate)
    }
    if not sizes:
        (first, *_) = found.of_two.values()
        return (
            f"No difference has a value: {first.difference(metric).undefined_reason}."
        )
    pair = max(sizes, key=lambda one: sizes[one])
    value = of_two.value(found.of_two[pair].difference(metric), level)
    most = "Largest difference: " if len(found.pairs) > 1 else ""
    return f"{most}{_named(pair)} {value}."


def _named(pair: Pair) -> str:
    return f"{pair[1]} minus {pair[0]}"


def _of_methods(found: MethodAccuracies, level: float) -> section.Table:
    rows, named = [], []
    for method, one in found.of_one.items():
        row = {"Method": formatting.neutralise(method)}
        row["Readers"] = str(len(one.readers))
        for metric in found.metrics:
            estimate = one.of_method(metric, method)
            named.append((f"{of_two.NAMES[metric]} of {method}", estimate))
            row[of_two.NAMES[metric]] = formatting.format_clustered(estimate, level)
        rows.append(row)
    return section.Table(
        "accuracy",
        f"Accuracy over all readers with {100 * level:g} % intervals, readers and "
        "cases random",
        pd.DataFrame(rows),
        notes=formatting.reasons_of(named),
    )


def _of_pairs(found: MethodAccuracies, level: float) -> section.Table:
    rows, named = [], []
    for metric in found.metrics:
        adjusted = holm(found, metric)
        for pair, one in found.of_two.items():
            difference = one.difference(metric)
            named.append((f"{of_two.NAMES[metric]}, {_named(pair)}", difference))
            row = {
                "Measure": of_two.NAMES[metric],
                "Methods": formatting.neutralise(_named(pair)),
                "Difference": formatting.format_clustered(difference, level),
                "p": formatting.format_p(difference.p_value()),
            }
            if len(adjusted) > 1:
                row["p (Holm)"] = formatting.format_p(adjusted[pair])
            rows.append(row)
    corrected = (
        "p (Holm): for all pairs of one measure together.",
        "Intervals are of each difference alone.",
    )
    return section.Table(
        "accuracy_differences",
        f"Differences of every two methods with {100 * level:g} % intervals, readers "
        "and cases random",
        pd.DataFrame(rows),
        notes=(
            "p is exploratory.",
            *(corrected if len(found.pairs) > 1 else ()),
            *formatting.reasons_of(named),
        ),
    )


def _by_reader(found: MethodAccuracies) -> section.Table:
    rows, named = [], []
    for reader in found.readers:
        row = {"Reader": formatting.neutralise(str(reader))}
        for metric in found.metrics:
            for method, one in found.of_one.items():
                estimate = one.alone(metric, reader, method)
                named.append((f"{reader}, {of_two.NAMES[metric]} {method}", estimate))
                head = f"{of_two.NAMES[metric]} {method}"
                row[head] = formatting.format_estimate(estimate.estimate, 2)
        rows.append(row)
    lacking = [(name, one) for name, one in named if math.isnan(one.estimate)]
    return section.Table(
        "accuracy_by_reader",
        "Accuracy of each reader under each method",
        pd.DataFrame(rows),
        notes=formatting.reasons_of(lacking),
    )


def _picture(
    found: MethodAccuracies, level: float, margin: float | None
) -> section.Picture:
    pale = "pale, each reader; " if len(found.readers) <= of_two.MOST_CURVES else ""
    cut = found.rated.threshold
    marked = (
        f" Marks: each reader, calling disease from {cut:g} on."
        if cut is not None
        else ""
    )
    line = " Dashed: the plan's margin." if margin is not None else ""
    right = (
        f" Right, differences of the AUC of every two methods with {100 * level:g} % "
        f"intervals (readers and cases random).{line}"
    )
    return section.Picture(
        "roc",
        partial(_figure, found, level, margin),
        "ROC curves of each reader and of their mean under every method"
        + (", and the differences of the areas" if found.pairs else ""),
        f"ROC curves: {pale}strong, their mean, which has the mean area."
        + marked
        + (right if found.pairs else ""),
    )


def _figure(found: MethodAccuracies, level: float, margin: float | None) -> Figure:
    size = (7.2, 3.6) if found.pairs else (3.8, 3.6)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(1, 2 if found.pairs else 1, squeeze=False)[0]
    roc_chart(
        found.curves,
        axes[0],
        threshold=found.rated.threshold,
        readers=len(found.readers) <= of_two.MOST_CURVES,
    )
    if not found.pairs:
        return figure
    differences = {pair: one.difference("auc") for pair, one in found.of_two.items()}
    rows = [
        ForestRow(
            f"{test} - {reference}",
            estimate.estimate,
            estimate.confidence_interval(level),
        )
        for (reference, test), estimate in differences.items()
    ]
    said = f"Difference of AUC\n({100 * level:g}% CI)"
    forest_plot(rows, axes[1], xlabel=said, reference=0)
    if margin is not None:
        axes[1].axvline(-margin, color=EMPHASIS, linewidth=0.9, linestyle="--")
    return figure


def _more_methods(found: MethodAccuracies) -> tuple[str, ...]:
    if len(found.pairs) < 2:
        return ()
    return (
        "Every two methods were compared from their readings alone; p-values of the "
        "differences of one measure were corrected together by Holm's step-down "
        "method {holm}.",
    )
