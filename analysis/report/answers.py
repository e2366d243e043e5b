"""Endpoints in words, as a table and as a figure, for who reads one page."""

import textwrap
from collections.abc import Mapping
from functools import partial

import pandas as pd
from matplotlib.figure import Figure

from analysis.charts.forest import ForestRow, forest_plot
from analysis.charts.style import EMPHASIS
from analysis.intervals import ConfidenceInterval
from analysis.report import formatting
from analysis.report.endpoints import EndpointResult, PlanAnswered
from analysis.report.section import Picture, ReportContext, Table
from reader_study.formats.endpoint import Endpoint, Measure, Multiplicity

_NAMES: Mapping[Measure, str] = {
    "agreement": "Agreement",
    "kappa": "Cohen's kappa",
    "weighted_kappa": "Weighted kappa",
    "ac1": "Gwet's AC1",
    "acceptability": "Share acceptable, difference",
    "turing": "Balanced accuracy of telling the methods apart",
    "shift": "Mean shift on the scale",
}
_IN_TABLE: Mapping[Measure, str] = {
    "agreement": "Agreement, %",
    "acceptability": "Acceptable, difference",
    "turing": "Telling the methods apart",
}
_IN_PERCENT = frozenset({"agreement", "acceptability"})
_MOST_READERS = 12
_LONGEST_QUESTION = 90
SHARED: Mapping[Multiplicity, str] = {
    "holm": "Holm's correction",
    "fixed_sequence": "fixed sequence",
    "none": "no correction, so no claims",
}


def name_of(endpoint: Endpoint) -> str:
    """Return what an endpoint estimates, such as "Cohen's kappa"."""
    name = _NAMES[endpoint.measure]
    if endpoint.measure == "weighted_kappa":
        return f"{name} ({endpoint.weights} weights)"
    return name


def _number(value: float, endpoint: Endpoint) -> str:
    if endpoint.measure in _IN_PERCENT:
        return formatting.format_estimate(100 * value, 1)
    return formatting.format_estimate(value)


def _unit(endpoint: Endpoint) -> str:
    if endpoint.measure == "agreement":
        return " %"
    return " percentage points" if endpoint.measure == "acceptability" else ""


def _limit(value: float, endpoint: Endpoint) -> str:
    return f"{100 * value if endpoint.measure in _IN_PERCENT else value:g}"


def _interval(result: EndpointResult) -> str:
    interval = result.interval
    if interval.caution is not None:
        return f"without an interval: {interval.caution}"
    low, high = (_number(x, result.endpoint) for x in (interval.low, interval.high))
    unit = " %" if result.endpoint.measure == "agreement" else ""
    return f"{100 * result.level:g} % interval {low} to {high}{unit}"


def statements(result: EndpointResult, context: ReportContext) -> tuple[str, str]:
    """Return the estimate as a sentence, and what the question and the number mean."""
    estimate, endpoint = result.estimate, result.endpoint
    test, reference = context.responses.test, context.responses.reference
    name, text = result.question.id, result.question.text
    cut = textwrap.shorten(text, _LONGEST_QUESTION, placeholder=" ...")
    asked = f'{name} asks "{cut}".'
    if estimate.n == 0:
        return f"{name_of(endpoint)} of {name}: there are no complete pairs.", asked
    value = f"{_number(estimate.estimate, endpoint)}{_unit(endpoint)}"
    of = f"{value} ({_interval(result)})"
    n = f"{estimate.n} pairs of a reader and a patient"
    said: Mapping[Measure, tuple[str, str]] = {
        "agreement": (
            f"{reference} and {test} led to the same answer to {name} in {of}.",
            f"Of {n}.",
        ),
        "acceptability": (
            f"Share of acceptable pictures on {name}, {test} minus {reference}: {of}.",
            f"0 is no difference; {n}.",
        ),
        "turing": (
            f"Readers told {test} from {reference} pictures on {name} with a balanced "
            f"accuracy of {of}.",
            "0.5 is chance, 1 is never wrong.",
        ),
        "shift": (
            f"From {reference} to {test}, answers to {name} move by {of} steps on "
            f'average, towards "{_towards(result)}".',
            f"0 is no shift; {n}.",
        ),
    }
    beyond = (
        f"{name_of(endpoint)} between {reference} and {test} on {name} is {of}.",
        f"1 is perfect agreement, 0 what chance alone would give; {n}.",
    )
    found, meaning = said.get(endpoint.measure, beyond)
    return found, f"{asked} {meaning}"


def _towards(result: EndpointResult) -> str:
    labels = result.question.labels
    return labels[-1 if result.estimate.estimate > 0 else 0]


def planned(result: EndpointResult) -> str:
    """Return the claim as it was planned, such as "above 0.4"."""
    endpoint, limits = result.endpoint, result.limits
    at = [_limit(limit, endpoint) for limit in limits]
    unit = _unit(endpoint)
    if endpoint.claim == "at_least":
        return f"above {at[0]}{unit}"
    if endpoint.claim == "non_inferior":
        return f"non-inferior: above {at[0]}{unit}"
    if endpoint.claim == "equivalent":
        to = " to chance" if endpoint.measure == "turing" else ""
        return f"equivalent{to}: within {at[0]} to {at[1]}{unit}"
    return f"differs from {at[0]}{unit}" if at else "estimate only"


def verdict(result: EndpointResult) -> str:
    """Return the decision on a claim as a sentence."""
    if result.endpoint.claim == "estimate":
        return "The plan asks for an estimate; no claim is tested."
    claim = f"Planned claim: {planned(result)}."
    if result.decision == "cannot be judged":
        return f"{claim} It cannot be judged: {result.estimate.undefined_reason}."
    p = formatting.format_p(result.p_value)
    p = f"p < {p[1:]}" if p.startswith("<") else f"p = {p}"
    if result.decision == "shown":
        return f"{claim} It is shown ({p})."
    return f"{claim} It is not shown ({p}), which does not show the opposite."


def family_table(answered: PlanAnswered, context: ReportContext) -> Table | None:
    """Return the endpoints after the primary one, with their decisions."""
    if not answered.family:
        return None
    rows = [
        {
            "Endpoint": formatting.neutralise(f"{one.question.id} {_short(one)}"),
            "Planned claim": planned(one).replace(" percentage points", " points"),
            "Estimate [interval]": _cell(one),
            "p": "" if not one.limits else formatting.format_p(one.p_value),
            "adjusted p": ""
            if one.adjusted is None
            else formatting.format_p(one.adjusted),
            "Decision": _decision(one, answered),
        }
        for one in answered.family
    ]
    test, reference = context.responses.test, context.responses.reference
    shared = SHARED[answered.multiplicity]
    return Table(
        "endpoints",
        f"Endpoints after the primary one, {shared}; differences are {test} minus "
        f"{reference}",
        pd.DataFrame(rows),
        _notes(answered),
    )


def _short(result: EndpointResult) -> str:
    return _IN_TABLE.get(result.endpoint.measure) or name_of(result.endpoint)


def _cell(result: EndpointResult) -> str:
    interval, value = (
        result.interval,
        _number(result.estimate.estimate, result.endpoint),
    )
    if interval.caution is not None:
        return f"{value} [{formatting.NO_INTERVAL}]"
    low, high = (_number(x, result.endpoint) for x in (interval.low, interval.high))
    return f"{value} [{low}, {high}]"


def _decision(result: EndpointResult, answered: PlanAnswered) -> str:
    if result.endpoint.claim == "estimate":
        return "estimate"
    return result.decision if answered.multiplicity != "none" else "exploratory"


def _notes(answered: PlanAnswered) -> tuple[str, ...]:
    levels = {one.endpoint.claim: one.level for one in answered.family}
    said = [f"Intervals: {100 * (1 - answered.alpha):g} %"]
    if "equivalent" in levels:
        said.append(f"{100 * levels['equivalent']:g} % for equivalence")
    notes = [", ".join(said) + ", readers and patients random."]
    if answered.implied:
        notes.append(
            "The plan lists no endpoints after the primary one; its margins were read "
            "as these, with Holm's correction."
        )
    return tuple(notes)


def primary_picture(result: EndpointResult) -> Picture:
    """Return the figure of the primary endpoint: all readers, and each."""
    few = len(result.alone) <= _MOST_READERS
    grey = "; grey, each reader (patients random)" if few else ""
    line = ""
    if result.limits and result.endpoint.claim != "differs":
        line = " Dashed: what was planned to be exceeded."
        line = line if len(result.limits) == 1 else " Dashed: the margins."
    return Picture(
        "primary",
        partial(_draw, result, few=few),
        f"Primary endpoint: {name_of(result.endpoint)} of {result.question.id}, all "
        "readers together and each reader",
        f"Dark, all readers (readers and patients random){grey}.{line}",
    )


def _draw(result: EndpointResult, *, few: bool) -> Figure:
    factor = 100 if result.endpoint.measure in _IN_PERCENT else 1
    shown = [("all readers", result.estimate), *(result.alone if few else ())]
    rows = []
    for place, (label, estimate) in enumerate(shown):
        interval = estimate.confidence_interval(result.level)
        scaled = ConfidenceInterval(
            factor * interval.low, factor * interval.high, interval.caution
        )
        short = textwrap.shorten(label, 22, placeholder="...")
        rows.append(ForestRow(short, factor * estimate.estimate, scaled, place > 0))
    figure = Figure(figsize=(4.2, 0.75 + 0.17 * len(rows)), layout="constrained")
    unit = {"agreement": ", %", "acceptability": ", points"}
    name = name_of(result.endpoint) + unit.get(result.endpoint.measure, "")
    ax = forest_plot(
        rows,
        figure.subplots(),
        xlabel=f"{name}\n{result.question.id}, {100 * result.level:g}% CI",
        reference=factor * result.null,
    )
    if result.endpoint.claim != "differs":
        for limit in result.limits:
            ax.axvline(factor * limit, color=EMPHASIS, linewidth=0.9, linestyle="--")
    ax.tick_params(labelsize=7)
    return figure


def endpoint_json(result: EndpointResult) -> formatting.Json:
    """Return the numbers of an endpoint, unrounded."""
    endpoint = result.endpoint
    return {
        "question": endpoint.question,
        "measure": endpoint.measure,
        "weights": endpoint.weights if endpoint.measure == "weighted_kappa" else None,
        "claim": endpoint.claim,
        "above": endpoint.above,
        "margin": result.margin if endpoint.claim != "estimate" else None,
        **formatting.clustered_json(result.estimate, result.level),
        "confidence_level": result.level,
        "p_value": formatting.number(result.p_value),
        "adjusted_p_value": None
        if result.adjusted is None
        else formatting.number(result.adjusted),
        "decision": result.decision,
    }
