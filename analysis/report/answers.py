"""Endpoints in words, as a table and as a figure, for who reads one page."""

import textwrap
from collections.abc import Mapping, Sequence
from functools import partial

import pandas as pd
from matplotlib.figure import Figure

from analysis.charts.forest import ForestRow, forest_plot
from analysis.charts.style import EMPHASIS
from analysis.intervals import ConfidenceInterval
from analysis.report import formatting
from analysis.report.endpoints import EndpointResult, PlanAnswered
from analysis.report.estimates import MOST_READERS, name_of
from analysis.report.section import Picture, Table
from reader_study.formats.endpoint import (
    ACCURACY,
    OF_DISPLAYS,
    Endpoint,
    Measure,
    Multiplicity,
)
from reader_study.formats.responses import ONE_METHOD

_IN_TABLE: Mapping[Measure, str] = {
    "agreement": "Agreement, %",
    "acceptability": "Acceptable, difference",
    "turing": "Telling the methods apart",
    "share_acceptable": "Acceptable, %",
    "preferred": "Put before, %",
    "found": "Found, %",
}
_SHARES = frozenset({"agreement", "share_acceptable"}) | OF_DISPLAYS
_IN_PERCENT = _SHARES | {"acceptability"}
_MOST_COMPARISONS = 6
_LONGEST_QUESTION = 90
SHARED: Mapping[Multiplicity, str] = {
    "holm": "Holm's correction",
    "fixed_sequence": "fixed sequence",
    "none": "no correction, so no claims",
}


def _number(value: float, endpoint: Endpoint) -> str:
    if endpoint.measure in _IN_PERCENT:
        return formatting.format_estimate(100 * value, 1)
    return formatting.format_estimate(value)


def _unit(endpoint: Endpoint) -> str:
    if endpoint.measure in _SHARES:
        return " %"
    return " percentage points" if endpoint.measure == "acceptability" else ""


def _limit(value: float, endpoint: Endpoint) -> str:
    shown = 100 * value if endpoint.measure in _IN_PERCENT else value
    return f"{round(shown, 1) if endpoint.measure == 'found' else shown:g}"


def _interval(result: EndpointResult) -> str:
    interval = result.interval
    if interval.caution is not None:
        return f"without an interval: {interval.caution}"
    low, high = (_number(x, result.endpoint) for x in (interval.low, interval.high))
    unit = " %" if result.endpoint.measure in _SHARES else ""
    return f"{100 * result.level:g} % interval {low} to {high}{unit}"


def statements(result: EndpointResult) -> tuple[str, str]:
    """Return the estimate as a sentence, and what the question and the number mean."""
    estimate, endpoint = result.estimate, result.endpoint
    name, text = result.question.id, result.question.text
    cut = textwrap.shorten(text, _LONGEST_QUESTION, placeholder=" ...")
    asked = f'{name} asks "{cut}".'
    if estimate.n == 0 or not estimate.n_readers:
        return f"{name_of(endpoint)} of {name}: there are no complete pairs.", asked
    value = f"{_number(estimate.estimate, endpoint)}{_unit(endpoint)}"
    of = f"{value} ({_interval(result)})"
    said = _of_one_method if endpoint.of_one_method else _of_two_methods
    if endpoint.measure in OF_DISPLAYS:
        said = _of_displays
    found, meaning = said(result, of)
    return found, f"{asked} {meaning}"


def _of_two_methods(result: EndpointResult, of: str) -> tuple[str, str]:
    """Return the estimate of a comparison, and what the number means."""
    (reference, test), name = result.methods, result.question.id
    if result.endpoint.measure in ACCURACY:
        what = name_of(result.endpoint).partition(",")[0]
        return (
            f"{what} against the truth, {test} minus {reference}: {of}.",
            f"0 is no difference; {result.estimate.n_readers} readers, "
            f"{result.estimate.n_cases} patients with a truth.",
        )
    n = f"{result.estimate.n} pairs of a reader and a patient"
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
        f"{name_of(result.endpoint)} between {reference} and {test} on {name} is {of}.",
        f"1 is perfect agreement, 0 what chance alone would give; {n}.",
    )
    return said.get(result.endpoint.measure, beyond)


def _of_displays(result: EndpointResult, of: str) -> tuple[str, str]:
    """Return an estimate of several pictures at once, and what the number means."""
    estimate, (reference, *test) = result.estimate, result.methods
    n = (
        f"{estimate.n} displays, {estimate.n_readers} readers and {estimate.n_cases} "
        "patients"
    )
    chance = f"{_limit(result.null, result.endpoint)} %"
    name = result.question.id
    if result.endpoint.measure == "found":
        found = f"On {name} readers found the picture by {reference} in {of}."
        return found, f"{chance} is guessing; {n}."
    found = f"{''.join(test)} was put before {reference} on {name} in {of}."
    return found, f"{chance} is no preference; {n}."


def _of_one_method(result: EndpointResult, of: str) -> tuple[str, str]:
    """Return the estimate under one method, and what the number means."""
    endpoint, name, estimate = result.endpoint, result.question.id, result.estimate
    under = "".join(f" under {m}" for m in result.methods if m != ONE_METHOD)
    by = f"{estimate.n_readers} readers and {estimate.n_cases} patients"
    if endpoint.measure == "share_acceptable":
        labels = f"Of {estimate.n} answers, {by}."
        return f"On {name}, {of} of the pictures{under} were acceptable.", labels
    again = endpoint.between == "readings"
    n = f"{estimate.n} cases read twice by a reader, {by}" if again else by
    if endpoint.measure == "agreement":
        who = "Readers gave the same answer again" if again else "Two readers agreed"
        return f"{who} on {name}{under} in {of}.", f"{n[0].upper()}{n[1:]}."
    return (
        f"{name_of(endpoint)} on {name}{under} is {of}.",
        f"1 is perfect agreement, 0 what chance alone would give; {n}.",
    )


def compared(results: Sequence[EndpointResult]) -> tuple[str, ...]:
    """Return the answers of several comparisons as sentences, the decision first."""
    first = results[0]
    lead = f"{name_of(first.endpoint)} of {first.question.id}"
    if first.endpoint.claim == "estimate":
        said = [f"{lead} in {len(results)} comparisons; no claim is tested."]
    else:
        decided: dict[str, list[str]] = {}
        for one in results:
            decided.setdefault(one.decision, []).append(_methods(one))
        found = "; ".join(f"{way} for {', '.join(of)}" for way, of in decided.items())
        said = [
            f"{lead}, planned to be {planned(first)} in each comparison: {found} "
            "(Holm's correction)."
        ]
    for one in results[:_MOST_COMPARISONS]:
        sentence = statements(one)[0].removesuffix(".")
        p = "" if one.adjusted is None else f", adjusted {_p(one.adjusted)}"
        noun = "displays" if one.endpoint.measure in OF_DISPLAYS else "pairs"
        said.append(f"{sentence}{p}; {one.estimate.n} {noun}.")
    more = len(results) - _MOST_COMPARISONS
    said += [f"And {more} more, in results.json."] if more > 0 else []
    _, meaning = statements(first)
    return (*said, f"{meaning.partition(';')[0].rstrip('.')}.")


def _methods(result: EndpointResult) -> str:
    return " and ".join(result.methods)


def _p(value: float) -> str:
    written = formatting.format_p(value)
    return f"p < {written[1:]}" if written.startswith("<") else f"p = {written}"


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
        to = " to chance" if endpoint.measure in {"turing", "found"} else ""
        return f"equivalent{to}: within {at[0]} to {at[1]}{unit}"
    return f"different from {at[0]}{unit}" if at else "estimate only"


def verdict(result: EndpointResult) -> str:
    """Return the decision on a claim as a sentence."""
    if result.endpoint.claim == "estimate":
        return "The plan asks for an estimate; no claim is tested."
    claim = f"Planned claim: {planned(result)}."
    if result.decision == "cannot be judged":
        return f"{claim} It cannot be judged: {result.estimate.undefined_reason}."
    p = _p(result.p_value)
    if result.decision == "shown":
        return f"{claim} It is shown ({p})."
    return f"{claim} It is not shown ({p}), which does not show the opposite."


def family_table(answered: PlanAnswered) -> Table | None:
    """Return the endpoints after the primary one, with their decisions."""
    if not answered.family:
        return None
    several = len({one.methods for one in answered.results}) > 1
    rows = [
        {
            "Endpoint": formatting.neutralise(
                f"{one.question.id} {_short(one)}"
                f"{f', {_methods(one)}' if several else ''}"
            ),
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
    return Table(
        "endpoints",
        f"Endpoints after the primary one, {SHARED[answered.multiplicity]}"
        f"{_direction(answered)}",
        pd.DataFrame(rows),
        _notes(answered),
    )


def _direction(answered: PlanAnswered) -> str:
    """Return which way differences go, where there are any."""
    pairs = {
        of.methods
        for of in answered.family
        if not of.endpoint.of_one_method and of.endpoint.measure not in OF_DISPLAYS
    }
    if not pairs:
        return ""
    if len(pairs) > 1:
        return "; differences are the second method minus the first"
    ((reference, test),) = pairs
    return f"; differences are {test} minus {reference}"


def _short(result: EndpointResult) -> str:
    if result.endpoint.between != "methods":
        return name_of(result.endpoint)
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
    varies = " or ".join(sorted({_varies(one) for one in answered.family}))
    said = [f"Intervals: {100 * (1 - answered.alpha):g} %"]
    if "equivalent" in levels:
        said.append(f"{100 * levels['equivalent']:g} % for equivalence")
    notes = [f"{', '.join(said)}, {varies}."]
    if answered.closed:
        notes.append(
            "The primary endpoint comes first and has no result, so nothing after it "
            "is shown."
        )
    if answered.implied:
        notes.append(
            "The plan lists no endpoints after the primary one; its margins were read "
            "as these, with Holm's correction."
        )
    return tuple(notes)


def primary_picture(results: Sequence[EndpointResult]) -> Picture:
    """Return the figure of the primary endpoint: all readers and each; or comparisons.

    Args:
        results: The primary endpoint in each comparison, one at least.
    """
    result = results[0]
    endpoint = result.endpoint
    few = len(results) == 1 and 0 < len(result.alone) <= MOST_READERS
    grey = "; grey, each reader (patients random)" if few else ""
    if few and endpoint.between == "readers":
        grey = "; grey, without each reader in turn"
    line = ""
    if result.limits and endpoint.claim != "differs":
        line = " Dashed: what was planned to be exceeded."
        line = line if len(result.limits) == 1 else " Dashed: the margins."
    shown = "all readers together and each reader" if few else "all readers together"
    varies = _varies(result)
    return Picture(
        "primary",
        partial(_draw, tuple(results), few=few),
        f"Primary endpoint: {name_of(endpoint)} of {result.question.id}, {shown}",
        f"Dark, all readers ({varies}){grey}.{line}",
    )


def _varies(result: EndpointResult) -> str:
    fixed = result.estimate.variance in {"patient", "jackknife"}
    return "patients random" if fixed else "readers and patients random"


def _draw(results: Sequence[EndpointResult], *, few: bool) -> Figure:
    result = results[0]
    factor = 100 if result.endpoint.measure in _IN_PERCENT else 1
    shown = [("all readers", result.estimate), *(result.alone if few else ())]
    if len(results) > 1:
        shown = [(_methods(one), one.estimate) for one in results]
    rows = []
    for place, (label, estimate) in enumerate(shown):
        interval = estimate.confidence_interval(result.level)
        scaled = ConfidenceInterval(
            factor * interval.low, factor * interval.high, interval.caution
        )
        short = textwrap.shorten(label, 22, placeholder="...")
        grey = place > 0 and len(results) == 1
        rows.append(ForestRow(short, factor * estimate.estimate, scaled, grey))
    figure = Figure(figsize=(4.2, 0.75 + 0.17 * len(rows)), layout="constrained")
    unit = {"acceptability": ", points"} | dict.fromkeys(_SHARES, ", %")
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
        "between": endpoint.between,
        "methods": list(result.methods),
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
