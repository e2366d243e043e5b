"""Do readers agree with themselves when they read a case again?"""

import math
from collections.abc import Mapping, Sequence
from functools import partial

import pandas as pd
from matplotlib.figure import Figure

from analysis.charts.forest import ForestRow, forest_plot
from analysis.multireader import ClusteredEstimate
from analysis.questions.arms import WithinReader, within_reader_of
from analysis.report import formatting, section

ID = "repeats"
TITLE = "Repeat readings"

Found = Mapping[str, Mapping[str, WithinReader]]
"""By method, then by question."""


def repeats_section(context: section.ReportContext) -> section.Section | None:
    """Compare first and second readings under each method of a pair."""
    responses = context.responses
    if not responses.repeats:
        return None
    if context.provenance == "reconstructed":
        return section.Section(ID, TITLE, refused=section.ARBITRARY_CASES)
    found = {}
    for method in (responses.reference, responses.test):
        first = [r for r in responses.readings if r.method == method]
        again = [r for r in responses.repeats if r.method == method]
        if again:
            found[method] = {
                question.id: within_reader_of(first, again, question)
                for question in responses.questionnaire
            }
    made = section_of(found, context.confidence_level)
    kept = "Everything else in this report takes the first reading of each."
    return section.Section(
        ID,
        TITLE,
        findings=(*made.findings, kept),
        tables=made.tables,
        pictures=made.pictures,
        methods=made.methods,
        references=made.references,
        content=made.content,
    )


def section_of(found: Found, level: float) -> section.Section:
    """Return agreement of first and second readings, of all readers and of each."""
    percent = f"{100 * level:g} % confidence intervals"
    within = [one for of in found.values() for one in of.values()]
    readers = {name for one in within for name in one.pairs.readers}
    random = "readers and patients random" if len(readers) > 1 else "patients random"
    return section.Section(
        ID,
        TITLE,
        findings=tuple(
            _finding(method, of, several=len(found) > 1) for method, of in found.items()
        ),
        tables=(
            section.Table(
                "repeat_readings",
                f"Agreement of first and second reading with {percent}, {random}",
                _frame(found, level),
                _notes(found),
            ),
            section.Table(
                "repeat_readings_by_reader",
                f"Cohen's kappa of first and second reading, by reader, with {percent}",
                _reader_frame(found, level),
                ("Patients are random, the reader is this one (Student's t).",),
            ),
            section.Table(
                "repeat_readings_alike",
                "Readings answered alike both times, of all that were repeated",
                _alike_frame(found),
            ),
        ),
        pictures=(
            section.Picture(
                "forest_repeats",
                partial(_figure, found, level),
                "Kappa of first and second reading of each question",
                f"Cohen's kappa of first and second reading, {random}.",
            ),
        ),
        methods=(
            "Agreement of readers with themselves was measured on the first and second "
            "reading of the same case under the same method by percent agreement and "
            "Cohen's kappa {cohen}; intervals take readers and patients as random "
            "{gallas}, those of single readers patients {vanbelle}.",
        ),
        references=("cohen", "gallas", "vanbelle"),
        content={
            method: {name: within_json(one, level) for name, one in of.items()}
            for method, of in found.items()
        },
    )


def _finding(method: str, of: Mapping[str, WithinReader], *, several: bool) -> str:
    pairs = max(one.pairs.n + one.n_incomplete for one in of.values())
    readers = len({name for one in of.values() for name in one.pairs.readers})
    by = "One reader" if readers == 1 else f"{readers} readers"
    under = f" under {method}" if several else ""
    said = f"{by} read {pairs} times a case again{under}."
    kappas = {name: one.kappa.estimate for name, one in of.items()}
    return f"{said} Kappa of first and second reading is {span(kappas)}."


def span(values: Mapping[str, float], *, percent: bool = False) -> str:
    """Return the smallest and the largest of values in words, with their names.

    Examples:
        >>> span({"Q1": 0.5, "Q2": 0.25, "Q3": math.nan})
        '0.25 (Q2) to 0.50 (Q1)'
        >>> span({"Q1": 0.5}, percent=True)
        '50 % (Q1)'
    """
    known = {name: value for name, value in values.items() if not math.isnan(value)}
    if not known:
        return "undefined"
    ends = dict.fromkeys((min(known, key=known.get), max(known, key=known.get)))  # type: ignore[arg-type]
    said = (
        f"{100 * known[name]:.0f} % ({name})"
        if percent
        else f"{formatting.format_estimate(known[name], 2)} ({name})"
        for name in ends
    )
    return " to ".join(said)


def _frame(found: Found, level: float) -> pd.DataFrame:
    percent = f"{100 * level:g}% CI"
    return pd.DataFrame(
        [
            _named(found, method, "Question", name)
            | {
                "Pairs": str(one.pairs.n),
                "Incomplete": str(one.n_incomplete),
                f"Agreement [{percent}]": formatting.format_share(one.agreement, level),
                f"Cohen's kappa [{percent}]": formatting.format_clustered(
                    one.kappa, level
                ),
            }
            for method, of in found.items()
            for name, one in of.items()
        ]
    )


def _named(found: Found, method: str, column: str, name: str) -> dict[str, str]:
    """First cells of a row; the method stands where there are several."""
    row = {column: formatting.neutralise(name)}
    return row | {"Method": formatting.neutralise(method)} if len(found) > 1 else row


def _figure(found: Found, level: float) -> Figure:
    rows = [
        ForestRow(
            f"{name}  {method}" if len(found) > 1 else name,
            one.kappa.estimate,
            one.kappa.confidence_interval(level),
        )
        for method, of in found.items()
        for name, one in of.items()
    ]
    figure = Figure(figsize=(4.2, 0.8 + 0.26 * len(rows)), layout="constrained")
    ax = figure.subplots()
    label = f"Kappa of first and second reading ({100 * level:g}% CI)"
    forest_plot(rows, ax, xlabel=label, reference=0)
    ax.set_xlim(min(-0.25, ax.get_xlim()[0]), 1)
    return figure


def _reader_frame(found: Found, level: float) -> pd.DataFrame:
    return pd.DataFrame(
        [
            _named(found, method, "Reader", reader)
            | {
                formatting.neutralise(name): formatting.format_clustered(
                    alone[reader], level, 2
                )
                if reader in alone
                else "not repeated"
                for name, alone in by_question.items()
            }
            for method, by_question in _kappas(found).items()
            for reader in dict.fromkeys(r for a in by_question.values() for r in a)
        ]
    )


def _kappas(found: Found) -> dict[str, dict[str, dict[str, ClusteredEstimate]]]:
    return {
        method: {
            name: {own.reader: own.coefficient for own in one.alone}
            for name, one in of.items()
        }
        for method, of in found.items()
    }


def _alike_frame(found: Found) -> pd.DataFrame:
    rows = []
    for method, of in found.items():
        alike = {
            name: {own.reader: own.agreement for own in one.alone}
            for name, one in of.items()
        }
        for reader in dict.fromkeys(r for by in alike.values() for r in by):
            row = _named(found, method, "Reader", reader)
            for name, by in alike.items():
                own = by.get(reader)
                cell = f"{own.n_agree} of {own.n}" if own else "not repeated"
                row[formatting.neutralise(name)] = cell
            rows.append(row)
    return pd.DataFrame(rows)


def _notes(found: Found) -> tuple[str, ...]:
    said: dict[str, list[str]] = {}
    for method, of in found.items():
        for name, one in of.items():
            named = f"{name} ({method})" if len(found) > 1 else name
            reasons = (*one.kappa.cautions, one.kappa.undefined_reason)
            for reason in dict.fromkeys(filter(None, reasons)):
                worded = reason.replace("reference method", "first reading")
                worded = worded.replace("test method", "second reading")
                worded = worded.replace("both methods", "both readings")
                said.setdefault(worded, []).append(named)
    return worded_notes(said, sum(len(of) for of in found.values()))


def worded_notes(said: Mapping[str, Sequence[str]], n_rows: int) -> tuple[str, ...]:
    """Return what must be said below a table, with the rows that it is true of.

    Args:
        said: Names of rows by what is to be said.
        n_rows: Number of rows; what is true of all of them names none.
    """
    return tuple(
        f"{reason[0].upper()}{reason[1:]}."
        if len(names) == n_rows > 1
        else f"{', '.join(names)}: {reason}."
        for reason, names in said.items()
    )


def within_json(within: WithinReader, level: float) -> formatting.Json:
    """Return the entry of repeat readings of one question under one method."""
    return {
        "counts": within.pairs.table.counts.tolist(),
        "n_pairs": within.pairs.n,
        "n_incomplete": within.n_incomplete,
        "percent_agreement": formatting.clustered_json(within.agreement, level),
        "cohen_kappa": formatting.clustered_json(within.kappa, level),
        "by_reader": {
            own.reader: {
                "cohen_kappa": formatting.clustered_json(own.coefficient, level),
                "n_agree": own.agreement.n_agree,
                "n": own.agreement.n,
            }
            for own in within.alone
        },
    }
