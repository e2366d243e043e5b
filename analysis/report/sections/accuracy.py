"""Do readers diagnose as well under both methods? Ratings against the truth."""

import math
from collections.abc import Iterable, Mapping
from functools import partial

import pandas as pd
from matplotlib.figure import Figure

from analysis.accuracy.study import Metric
from analysis.charts.forest import ForestRow, forest_plot
from analysis.charts.roc import roc_chart
from analysis.charts.style import EMPHASIS
from analysis.multireader import ClusteredEstimate
from analysis.questions.accuracy import Accuracy, Calls, accuracy_of
from analysis.report import formatting, section, setting
from reader_study.formats.rating import Rated

ID = "accuracy"
TITLE = "Do readers diagnose as well?"
NAMES: Mapping[Metric, str] = {
    "auc": "AUC",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
}
NULLS: Mapping[Metric, float | None] = {
    "auc": 0.5,
    "sensitivity": None,
    "specificity": None,
}
"""What one accuracy is tested against."""
AGREEMENT_IS_NOT_ACCURACY = (
    "Agreement between the methods is not accuracy: two methods agree where both "
    "mislead, and a disagreement does not say which was right."
)
REFERENCES = ("obuchowski_rockette", "hillis", "zou_donner", "chen_samuelson")
MOST_CURVES = 40
"""Readers whose curves can be told apart, if at all."""
_MOST_READERS = 12


def accuracy_section(context: section.ReportContext) -> section.Section | None:
    """Return AUC, sensitivity and specificity; None where no case has a truth."""
    has_truth = any(reading.truth is not None for reading in context.responses.readings)
    if not (context.plan.rating or has_truth):
        return None
    found = accuracy_of(context.rated, context.plan)
    if isinstance(found, str):
        return section.Section(ID, TITLE, refused=found)
    return _made(found, context)


def _made(found: Accuracy, context: section.ReportContext) -> section.Section:
    level = context.confidence_level
    calls = _calls(found)
    return section.Section(
        ID,
        TITLE,
        findings=(
            studied(found.rated),
            *(_finding(found, metric, context) for metric in found.metrics),
            *_related(calls, found),
            AGREEMENT_IS_NOT_ACCURACY,
        ),
        tables=(
            _together(found, level),
            _by_reader(found, level),
            *([_call_table(calls, found)] if calls else []),
        ),
        pictures=(_picture(found, context),),
        methods=methods(found.rated),
        references=REFERENCES,
        content=_json(found, calls, context),
    )


def studied(rated: Rated) -> str:
    """Return in words what was rated, and against which truth."""
    diseased, healthy = rated.n_cases
    rating = rated.rating
    assert rating is not None  # noqa: S101 - else there are no ratings
    source = "; ".join(rated.sources)
    said = (
        f"Truth{f' ({source})' if source else ''}: {diseased} diseased "
        f"({_listed(rated.positive)}) and {healthy} other cases "
        f"({_listed(rated.negative)}). Rating: {rating.text}, higher if more "
        "surely diseased"
    )
    cut = rated.threshold
    called = f"; from {cut:g} on a reading calls disease" if cut is not None else ""
    left_out = "".join(f" {note[0].upper()}{note[1:]}." for note in rated.notes)
    return f"{said}{called}.{left_out}"


def _listed(values: Iterable[str]) -> str:
    return ", ".join(formatting.neutralise(setting.in_words(value)) for value in values)


def _finding(found: Accuracy, metric: Metric, context: section.ReportContext) -> str:
    level = context.confidence_level
    under = " and ".join(
        f"{value(found.of_method(metric, method), level)} under {method}"
        for method in (found.reference, found.test)
    )
    difference = found.difference(metric)
    said = (
        f"{NAMES[metric]}: {under}; {found.test} minus {found.reference} "
        f"{value(difference, level)}"
    )
    margin = context.plan.accuracy_margin
    if metric == "auc" and margin is not None and not difference.undefined_reason:
        low = difference.confidence_interval(context.decision_level).low
        side = "above" if low > -margin else "not above"
        said += (
            f". The lower limit, {formatting.format_estimate(low)}, is {side} the "
            f"plan's margin of -{margin:g}. {section.CLAIMS[:-1]}"
        )
    return f"{said}."


def value(estimate: ClusteredEstimate, level: float) -> str:
    """Return an estimate with its interval, and why there is none."""
    said = formatting.format_clustered(estimate, level)
    reason = estimate.undefined_reason
    return f"{said} ({reason})" if reason else said


def _calls(found: Accuracy) -> dict[str, Calls]:
    diseased = found.calls(diseased=True)
    others = found.calls(diseased=False)
    if diseased is None or others is None:
        return {}
    return {"diseased": diseased, "others": others, "all": diseased + others}


def _related(calls: Mapping[str, Calls], found: Accuracy) -> Iterable[str]:
    if not calls or not calls["all"].n:
        return
    every = calls["all"]
    yield (
        f"Both methods led to the same call in {every.agree} of {every.n} pairs of a "
        f"reader and a case; in {every.neither} of these the call was wrong under "
        f"both. Where they differ, {found.reference} was right in "
        f"{every.only_reference} and {found.test} in {every.only_test}."
    )


def _together(found: Accuracy, level: float) -> section.Table:
    named: list[tuple[str, ClusteredEstimate]] = []
    rows = []
    for metric in found.metrics:
        difference = found.difference(metric)
        values = [found.of_method(metric, m) for m in (found.reference, found.test)]
        named += [
            (f"{NAMES[metric]} of {m}", v)
            for m, v in zip((found.reference, found.test), values, strict=True)
        ]
        named.append((f"{NAMES[metric]}, difference", difference))
        rows.append(
            [
                NAMES[metric],
                *(formatting.format_clustered(v, level) for v in (*values, difference)),
                formatting.format_p(difference.p_value()),
            ]
        )
    head = [
        "Measure",
        formatting.neutralise(found.reference),
        formatting.neutralise(found.test),
        "Difference",
        "p",
    ]
    return section.Table(
        "accuracy",
        f"Accuracy over all readers with {100 * level:g} % intervals, readers and "
        f"cases random; difference: {found.test} minus {found.reference}",
        pd.DataFrame(rows, columns=head),
        notes=("p is exploratory.", *formatting.reasons_of(named)),
    )


def _by_reader(found: Accuracy, level: float) -> section.Table:
    rows, named = [], []
    for reader in found.readers:
        row = [formatting.neutralise(str(reader))]
        for metric in found.metrics:
            own = found.of_reader(metric, reader)
            difference = own[-1]
            named.append((f"{reader}, {NAMES[metric]}", difference))
            row += [formatting.format_estimate(value.estimate, 2) for value in own[:2]]
            row.append(formatting.format_clustered(difference, level, 2))
        rows.append(row)
    head = ["Reader"]
    for metric in found.metrics:
        head += [f"{NAMES[metric]} {m}" for m in (found.reference, found.test)]
        head.append(f"{NAMES[metric]}, difference")
    return section.Table(
        "accuracy_by_reader",
        f"Accuracy of each reader; differences, {found.test} minus {found.reference}, "
        f"with {100 * level:g} % intervals, cases random",
        pd.DataFrame(rows, columns=head),
        notes=formatting.reasons_of(named),
    )


_KINDS = {"diseased": "Diseased", "others": "Not diseased", "all": "All"}


def _call_table(calls: Mapping[str, Calls], found: Accuracy) -> section.Table:
    rows = [
        [
            _KINDS[kind],
            *map(str, (of.both, of.only_reference, of.only_test, of.neither, of.n)),
        ]
        for kind, of in calls.items()
    ]
    head = [
        "Cases",
        "Right under both",
        f"Only under {found.reference}",
        f"Only under {found.test}",
        "Wrong under both",
        "Pairs",
    ]
    return section.Table(
        "accuracy_calls",
        "Calls of disease that were right, in pairs of a reader and a case: how "
        "agreement and accuracy go together",
        pd.DataFrame(rows, columns=head),
    )


def _picture(found: Accuracy, context: section.ReportContext) -> section.Picture:
    pale = "pale, each reader; " if len(found.readers) <= MOST_CURVES else ""
    marked = (
        f" Marks: each reader, calling disease from {found.rated.threshold:g} on."
        if found.rated.threshold is not None
        else ""
    )
    margin = context.plan.accuracy_margin
    line = " Dashed: the plan's margin." if margin is not None else ""
    grey = "grey, each reader (cases random); " if _few(found) else ""
    return section.Picture(
        "roc",
        partial(_figure, found, context.confidence_level, margin),
        "ROC curves of each reader and of their mean under both methods, and the "
        "difference of the areas of each reader and of all",
        f"Left, ROC curves: {pale}strong, their mean, which has the mean area."
        f"{marked} Right, AUC of {found.test} minus AUC of {found.reference} with "
        f"{100 * context.confidence_level:g} % intervals: {grey}dark, all readers "
        f"(readers and cases random).{line}",
    )


def _few(found: Accuracy) -> bool:
    return len(found.readers) <= _MOST_READERS


def _figure(found: Accuracy, level: float, margin: float | None) -> Figure:
    figure = Figure(figsize=(7.2, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.15, 1))
    roc_chart(
        found.curves,
        left,
        threshold=found.rated.threshold,
        readers=len(found.readers) <= MOST_CURVES,
    )
    shown = [(str(r), found.of_reader("auc", r)[-1]) for r in found.readers]
    shown = shown if _few(found) else []
    shown.append(("all", found.difference("auc")))
    rows = [
        ForestRow(
            name,
            estimate.estimate,
            estimate.confidence_interval(level),
            faint=place < len(shown) - 1,
        )
        for place, (name, estimate) in enumerate(shown)
    ]
    said = f"AUC, {found.test} - {found.reference}\n({100 * level:g}% CI)"
    forest_plot(rows, right, xlabel=said, reference=0)
    if margin is not None:
        right.axvline(-margin, color=EMPHASIS, linewidth=0.9, linestyle="--")
    return figure


def methods(rated: Rated) -> tuple[str, ...]:
    """Return how accuracy was analysed, for the methods of a paper."""
    rating = rated.rating
    assert rating is not None  # noqa: S101
    said = [
        f"The rating {rating.text} was held against the reference standard. The AUC is "
        "the empirical one, ties counting one half. Accuracy and differences have "
        "readers and cases random: Obuchowski and Rockette's analysis of variance "
        "{obuchowski_rockette} with jackknife covariances and the smaller of Hillis' "
        "{hillis} and the BDG degrees of freedom; limits of an accuracy are those of "
        "the logit scale, of a difference the wider of Student's t and of the logit "
        "limits of both methods {zou_donner}. Of one reader only cases are random.",
        "Mean ROC curves are averaged along lines of slope -1, which keeps the area "
        "{chen_samuelson}.",
    ]
    if rated.threshold is not None:
        said.append(
            f"A rating of {rated.threshold:g} or more was a call of disease, for "
            "sensitivity and specificity."
        )
    return tuple(said)


def _json(
    found: Accuracy, calls: Mapping[str, Calls], context: section.ReportContext
) -> formatting.Json:
    level = context.confidence_level
    rating = found.rated.rating
    return {
        "rating": rating.text if rating else None,
        "threshold": found.rated.threshold,
        "margin": context.plan.accuracy_margin,
        "n_diseased": found.rated.n_cases[0],
        "n_others": found.rated.n_cases[1],
        "positive": list(found.rated.positive),
        "truth_source": list(found.rated.sources),
        "left_out": list(found.rated.notes),
        **{
            metric: {
                "reference": number(
                    found.of_method(metric, found.reference), level, NULLS[metric]
                ),
                "test": number(
                    found.of_method(metric, found.test), level, NULLS[metric]
                ),
                "difference": number(found.difference(metric), level),
                "by_reader": {
                    str(reader): dict(
                        zip(
                            ("reference", "test", "difference"),
                            map(
                                number,
                                found.of_reader(metric, reader),
                                (level,) * 3,
                                (NULLS[metric], NULLS[metric], 0.0),
                            ),
                            strict=True,
                        )
                    )
                    for reader in found.readers
                },
            }
            for metric in found.metrics
        },
        "calls": {
            kind: {
                "both": of.both,
                "only_reference": of.only_reference,
                "only_test": of.only_test,
                "neither": of.neither,
            }
            for kind, of in calls.items()
        },
    }


def number(
    estimate: ClusteredEstimate, level: float, null: float | None = 0.0
) -> formatting.Json:
    """Return an estimate as results.json has it, tested against `null` if anything."""
    p_value = math.nan if null is None else estimate.p_value(null)
    return {
        **formatting.clustered_json(estimate, level),
        "p_value": formatting.number(p_value),
    }
