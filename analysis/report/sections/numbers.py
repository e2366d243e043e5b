"""What readers answered by numbers, by marks on a line, and in words of their own."""

import itertools
from collections.abc import Iterator, Sequence

import pandas as pd

from analysis.agreement.intraclass import IntraclassCorrelation
from analysis.questions import numbers
from analysis.report import formatting
from analysis.report.section import (
    ARBITRARY_CASES,
    ReportContext,
    Section,
    Setting,
    Table,
)
from reader_study.formats.arms import Arms
from reader_study.formats.responses import ONE_METHOD, Reading, Responses

ID, TITLE = "numbers", "Numbers and marks on a line"
TEXTS, TEXTS_TITLE = "texts", "In the readers' own words"

_DIGITS = 2


def numbers_section(context: ReportContext) -> Section | None:
    """Return means, differences and agreement of all that numbers answer."""
    return numbers_of_study(context.whole or context.responses, context)


def texts_section(context: ReportContext) -> Section | None:
    """Return all texts that readers wrote as answers."""
    return texts_of_study(context.whole or context.responses)


def numbers_of_study(whole: Responses | Arms, setting: Setting) -> Section | None:
    """Return the section of a study of any methods; None if no number was asked for.

    Args:
        whole: All readings, with answers of every type.
        setting: The study, for the level of its intervals.
    """
    asked = [question for question in whole.questionnaire if question.numeric]
    if not asked:
        return None
    if whole.reconstructed:
        return Section(ID, TITLE, refused=ARBITRARY_CASES)
    methods, level = _methods_of(whole), setting.confidence_level
    pairs = list(itertools.combinations(methods, 2))
    found = [numbers.numbers_of(whole.readings, q, methods, pairs) for q in asked]
    compared = _compared_table(found, level) if pairs else None
    return Section(
        ID,
        TITLE,
        findings=tuple(_findings(found, level)),
        tables=(_described_table(found, level), *([compared] if compared else [])),
        methods=(
            "Means and differences of means have intervals with readers and patients "
            "random. ICC(2,1) {shrout_fleiss} between readers takes patients whom all "
            "readers have rated; between methods it takes pairs as independent. Limits "
            "of agreement hold 95 % of differences of a reader's two ratings of a "
            "patient, readers and patients random {wen_gallas}.",
        ),
        references=("shrout_fleiss", "wen_gallas"),
        content={of.question.id: _json(of, level) for of in found},
    )


def texts_of_study(whole: Responses | Arms) -> Section | None:
    """Return the texts of a study of any methods; None if no text was asked for."""
    asked = [question.id for question in whole.questionnaire if question.textual]
    if not asked:
        return None
    rows = [
        _text_row(reading, name)
        for name in asked
        for reading in whole.readings
        if name in reading.answers
    ]
    given = "1 text was" if len(rows) == 1 else f"{len(rows)} texts were"
    columns = ["Question", "Reader", "Case", "Method", "Text"]
    table = Table(
        TEXTS,
        "Texts as the readers wrote them",
        pd.DataFrame(rows, columns=columns),
        prose=True,
    )
    return Section(
        TEXTS,
        TEXTS_TITLE,
        findings=(f"{given} given to {', '.join(asked)}; they are not analysed.",),
        tables=(table,) if rows else (),
        content={"n": len(rows)},
    )


def _text_row(reading: Reading, name: str) -> list[str]:
    text = " ".join(str(reading.answers[name]).split())
    cells = (name, reading.reader, reading.case, reading.method, text)
    return [formatting.neutralise(cell) for cell in cells]


def _methods_of(whole: Responses | Arms) -> tuple[str, ...]:
    if isinstance(whole, Responses):
        return whole.reference, whole.test
    return whole.methods


def _findings(
    found: Sequence[numbers.NumbersOfQuestion], level: float
) -> Iterator[str]:
    for of in found:
        for pair in of.compared:
            if pair.difference.undefined_reason and not pair.difference.n:
                continue
            unit = f" {of.question.unit}" if of.question.unit else ""
            yield (
                f"{of.question.id}: {pair.test} less {pair.reference} is "
                f"{formatting.format_clustered(pair.difference, level, _DIGITS)}{unit} "
                "on average."
            )


def _described_table(found: Sequence[numbers.NumbersOfQuestion], level: float) -> Table:
    rows: list[dict[str, str]] = []
    notes: dict[str, None] = {}
    for of in found:
        for method, own in of.by_method.items():
            icc = own.between_readers
            first, median, third = (_number(q) for q in own.quartiles)
            row = {"Question": _named(of)}
            if method != ONE_METHOD:
                row["Method"] = formatting.neutralise(method)
            rows.append(
                row
                | {
                    "n": str(own.n),
                    "Mean": formatting.format_clustered(own.mean, level, _DIGITS),
                    "SD": _number(own.standard_deviation),
                    "Median [quartiles]": f"{median} [{first}, {third}]",
                    "ICC(2,1) between readers": _icc(icc, level),
                    "Patients of all readers": str(icc.n) if icc else "",
                }
            )
            if icc and icc.undefined_reason:
                why = icc.undefined_reason
                notes[f"{of.question.id}, {method}: ICC, {why}."] = None
    caption = f"Numbers by method, with {100 * level:g} % confidence intervals"
    return Table("numbers", caption, pd.DataFrame(rows), tuple(notes))


def _compared_table(found: Sequence[numbers.NumbersOfQuestion], level: float) -> Table:
    rows: list[dict[str, str]] = []
    notes: dict[str, None] = {}
    for of in found:
        for pair in of.compared:
            limits = pair.limits
            between = formatting.format_interval(limits.limits(0.95), _DIGITS)
            names = f"{pair.test} less {pair.reference}"
            rows.append(
                {
                    "Question": _named(of),
                    "Methods": formatting.neutralise(names),
                    "Pairs": str(pair.difference.n),
                    "Mean difference": formatting.format_clustered(
                        pair.difference, level, _DIGITS
                    ),
                    "p": formatting.format_p(pair.difference.p_value()),
                    "Limits of agreement": between,
                    "ICC(2,1) between methods": _number(pair.between_methods.estimate),
                }
            )
            why = ""
            if limits.undefined_reason:
                why = f"no limits of agreement, {limits.undefined_reason}"
            elif pair.n_whole < pair.n_cases:
                why = (
                    f"limits of agreement from {pair.n_whole} of {pair.n_cases} "
                    "patients, those with both numbers of all readers"
                )
            if why:
                notes[f"{of.question.id}, {names}: {why}."] = None
    fixed = (
        "p: of no mean difference, readers and patients random; exploratory.",
        "ICC between methods: pairs taken as independent, so without an interval.",
    )
    return Table(
        "numbers_compared",
        f"Two numbers of a reader and patient, with {100 * level:g} % confidence "
        "intervals",
        pd.DataFrame(rows),
        (*fixed, *notes),
    )


def _named(of: numbers.NumbersOfQuestion) -> str:
    unit = f" ({of.question.unit})" if of.question.unit else ""
    return formatting.neutralise(f"{of.question.id}{unit}")


def _number(value: float) -> str:
    return formatting.format_estimate(value, _DIGITS)


def _icc(found: IntraclassCorrelation | None, level: float) -> str:
    if found is None:
        return "one reader"
    interval = formatting.format_interval(found.confidence_interval(level), _DIGITS)
    return f"{_number(found.estimate)} {interval}"


def _json(of: numbers.NumbersOfQuestion, level: float) -> formatting.Json:
    return {
        "unit": of.question.unit,
        "methods": {
            name: {
                "n": own.n,
                "mean": formatting.clustered_json(own.mean, level),
                "standard_deviation": formatting.number(own.standard_deviation),
                "quartiles": [formatting.number(q) for q in own.quartiles],
                "icc_between_readers": _icc_json(own.between_readers, level),
            }
            for name, own in of.by_method.items()
        },
        "compared": [_compared_json(pair, level) for pair in of.compared],
    }


def _compared_json(pair: numbers.NumbersCompared, level: float) -> formatting.Json:
    limits = pair.limits.limits(0.95)
    return {
        "reference": pair.reference,
        "test": pair.test,
        "difference": formatting.clustered_json(pair.difference, level),
        "limits_of_agreement": {
            "low": formatting.number(limits.low),
            "high": formatting.number(limits.high),
            "n_cases": pair.n_whole,
            "undefined_reason": pair.limits.undefined_reason,
        },
        "icc_between_methods": formatting.number(pair.between_methods.estimate),
    }


def _icc_json(
    found: IntraclassCorrelation | None, level: float
) -> formatting.Json | None:
    if found is None:
        return None
    interval = found.confidence_interval(level)
    return {
        "estimate": formatting.number(found.estimate),
        "low": formatting.number(interval.low),
        "high": formatting.number(interval.high),
        "n_cases": found.n,
        "n_readers": found.n_raters,
        "undefined_reason": found.undefined_reason,
    }
