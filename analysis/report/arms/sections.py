"""The parts of the report of a study by method."""

import math
from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.charts.forest import ForestRow, forest_plot
from analysis.intervals import ConfidenceInterval
from analysis.multireader import ClusteredEstimate
from analysis.report import formatting, section
from analysis.report.arms import accuracy, answers, front, overall, results
from analysis.report.sections import numbers, repeats

COEFFICIENTS: Mapping[str, str] = {
    "percent_agreement": "Agreement",
    "fleiss_kappa": "Fleiss' kappa",
    "conger_kappa": "Conger's kappa",
    "gwet_ac1": "Gwet's AC1",
    "krippendorff_alpha": "Krippendorff's alpha",
}
_IN_TABLE_ONE = ("percent_agreement", "fleiss_kappa", "gwet_ac1")
_TAKES_MOST = 0.8
_FEW_ROWS = 3  # which can each be put in words

Row = tuple[results.ArmResults, results.QuestionInArm]


def rows_of(study: results.ArmsResults) -> Iterator[Row]:
    """Yield each question under each method, methods of one question together."""
    for questions in zip(*(arm.questions for arm in study.arms), strict=True):
        yield from zip(study.arms, questions, strict=True)


def sections_of(study: results.ArmsResults) -> list[section.Section]:
    """Make all parts that a study has something for."""
    if study.provenance == "reconstructed":
        title, why = "Agreement between readers", section.ARBITRARY_CASES
        return [
            section.Section("between", title, refused=why),
            answers.answers_section(study),
        ]
    made = [_between_section(study)] if len(study.readers) > 1 else []
    if study.repeated:
        made.append(_repeats_section(study))
    if study.contrasts:
        made.append(_contrasts_section(study))
    of_methods = (overall.overall_section(study), accuracy.accuracy_section(study))
    made += [one for one in of_methods if one is not None]
    made += _other_types(study)
    made.append(answers.answers_section(study))
    if len(study.readers) > 1:
        made += [_reader_section(study), _coefficients_section(study)]
    return [*made, front.checklist_of(study)]


def _other_types(study: results.ArmsResults) -> list[section.Section]:
    """Return what readers answered by numbers and in words of their own."""
    whole = study.context.whole or study.context.responses
    parts = (
        numbers.numbers_of_study(whole, study.context),
        numbers.texts_of_study(whole),
    )
    return [part for part in parts if part is not None]


def table_one(study: results.ArmsResults) -> pd.DataFrame:
    """Agreement between readers of each question; of repeats with one reader."""
    if len(study.readers) < 2:
        return table_of_repeats(study)
    level = study.confidence_level
    return pd.DataFrame(
        [
            _named(study, arm, asked)
            | {
                "Patients": str(asked.between.n_cases),
                "Answers": str(asked.between.n_answers),
            }
            | {
                f"{COEFFICIENTS[name]} [{100 * level:g}% CI]": _written(
                    name, asked.between.coefficients, level
                )
                for name in _IN_TABLE_ONE
            }
            for arm, asked in rows_of(study)
        ]
    )


def table_of_repeats(study: results.ArmsResults) -> pd.DataFrame:
    """Agreement of first and second reading of each question."""
    return _repeats_section(study).tables[0].frame


def _written(
    name: str, estimates: Mapping[str, ClusteredEstimate], level: float
) -> str:
    if name not in estimates:
        return "one reader"
    if name == "percent_agreement":
        return formatting.format_share(estimates[name], level)
    return formatting.format_clustered(estimates[name], level)


def _named(
    study: results.ArmsResults,
    arm: results.ArmResults,
    asked: results.QuestionInArm,
) -> dict[str, str]:
    """First cells of a row; the method stands where there are several."""
    row = {"Question": formatting.neutralise(asked.question.id)}
    several = len(study.arms) > 1
    return row | {"Method": formatting.neutralise(arm.method)} if several else row


def _label(study: results.ArmsResults, row: Row) -> str:
    arm, asked = row
    several = len(study.arms) > 1
    return f"{asked.question.id}  {arm.method}" if several else asked.question.id


def _between_section(study: results.ArmsResults) -> section.Section:
    level = study.confidence_level
    forest = section.Picture(
        "forest",
        partial(_figure, study, level),
        "Percent agreement and Fleiss' kappa between readers of each question",
        "Agreement between readers. Left: how often two readers give the same "
        "answer to a patient; right: beyond chance.",
    )
    return section.Section(
        "between",
        "Agreement between readers",
        findings=_findings(study),
        tables=(
            section.Table(
                "table1",
                "Table 1. Agreement between readers with "
                f"{100 * level:g} % confidence intervals, {_random(study)}",
                table_one(study),
                (*_texts(study), *_cautions(study)),
            ),
        ),
        pictures=(forest,) if _found(study) else (),
        methods=(_between_methods(study),),
        references=("fleiss", "gwet", "wilson"),
    )


def _random(study: results.ArmsResults) -> str:
    if len(study.readers) > 2:
        return "readers and patients random"
    return "patients random, these two readers"


def _between_methods(study: results.ArmsResults) -> str:
    intervals = (
        "Intervals take patients and readers as random: the jackknife variances over "
        "patients and over readers are added, with Student's t."
        if len(study.readers) > 2
        else "Intervals are from the jackknife over patients with Student's t; with "
        "two readers nothing is known about others."
    )
    return (
        "Agreement between readers is the share of pairs of readers with the same "
        "answer to a patient, and chance-corrected by Fleiss' kappa {fleiss} and "
        f"Gwet's AC1 {{gwet}}. {intervals} Their limits are those of the score "
        "interval {wilson} of the effective number of pairs of readers."
    )


def _findings(study: results.ArmsResults) -> tuple[str, ...]:
    rows = list(rows_of(study))
    if not _found(study):
        return ("No patient has answers of two readers.",)
    if len(rows) <= _FEW_ROWS:
        return tuple(_sentence(study, row) for row in rows)

    def of(name: str) -> dict[str, float]:
        return {label: of[name].estimate for label, of in _found(study).items()}

    return (
        "Two readers give the same answer to "
        f"{repeats.span(of('percent_agreement'), percent=True)} of patients. Beyond "
        f"chance, Fleiss' kappa is {repeats.span(of('fleiss_kappa'))}.",
    )


def _texts(study: results.ArmsResults) -> tuple[str, ...]:
    if len(list(rows_of(study))) <= _FEW_ROWS:
        return ()
    asked = (one.question for one in study.arms[0].questions)
    return (" ".join(f"{one.id}: {one.text}" for one in asked),)


def _sentence(study: results.ArmsResults, row: Row) -> str:
    arm, asked = row
    under = f" under {arm.method}" if len(study.arms) > 1 else ""
    said = f"{asked.question.id}{under} ({asked.question.text.rstrip('.')}): "
    level, found = study.confidence_level, asked.between.coefficients
    if not found or math.isnan(found["percent_agreement"].estimate):
        return said + "no patient has answers of two readers."
    alike, kappa = found["percent_agreement"], found["fleiss_kappa"]
    interval = _limits(alike, level, percent=True)
    said += (
        f"two readers give the same answer to {100 * alike.estimate:.0f} % of patients"
    )
    said += f" ({100 * level:g} % CI {interval})" if interval else ""
    if math.isnan(kappa.estimate):
        return f"{said}; kappa is undefined, as every answer is the same."
    interval = _limits(kappa, level, percent=False)
    within = f" ({interval})" if interval else ""
    return f"{said}; Fleiss' kappa {kappa.estimate:.2f}{within}."


def _limits(estimate: ClusteredEstimate, level: float, *, percent: bool) -> str:
    interval = estimate.confidence_interval(level)
    if interval.caution:
        return ""
    if percent:
        return f"{100 * interval.low:.0f} to {100 * interval.high:.0f}"
    return f"{interval.low:.2f} to {interval.high:.2f}"


def _found(study: results.ArmsResults) -> dict[str, Mapping[str, ClusteredEstimate]]:
    """Coefficients of each question that two readers answered for one patient."""
    found = {_label(study, row): row[1].between.coefficients for row in rows_of(study)}
    return {
        label: of
        for label, of in found.items()
        if of and not math.isnan(of["percent_agreement"].estimate)
    }


def _figure(study: results.ArmsResults, level: float) -> Figure:
    """Draw agreement on the left and kappa on the right, a line a question."""
    found = _found(study)
    figure = Figure(figsize=(7.2, 0.9 + 0.26 * len(found)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    shares = [
        _in_percent(label, of["percent_agreement"].estimate, interval)
        for label, of in found.items()
        for interval in (of["percent_agreement"].confidence_interval(level),)
    ]
    forest_plot(shares, left, xlabel=f"Agreement, % ({100 * level:g}% CI)")
    left.set_xlim(0, 100)
    kappas = [
        ForestRow(label, of.estimate, of.confidence_interval(level))
        for label, of in ((n, of["fleiss_kappa"]) for n, of in found.items())
    ]
    label = f"Fleiss' kappa ({100 * level:g}% CI)"
    forest_plot(kappas, right, xlabel=label, reference=0)
    right.set_xlim(min(-0.25, right.get_xlim()[0]), 1)
    return figure


def _in_percent(label: str, share: float, interval: ConfidenceInterval) -> ForestRow:
    limits = (100 * interval.low, 100 * interval.high)
    return ForestRow(label, 100 * share, ConfidenceInterval(*limits, interval.caution))


def _cautions(study: results.ArmsResults) -> tuple[str, ...]:
    said: dict[str, list[str]] = {}
    for row in rows_of(study):
        _, asked = row
        reasons: list[str | None] = [
            reason
            for name in ("percent_agreement", "fleiss_kappa")
            for one in (asked.between.coefficients.get(name),)
            if one
            for reason in (*one.cautions, one.undefined_reason)
        ]
        for reason in dict.fromkeys(filter(None, reasons)):
            said.setdefault(reason, []).append(_label(study, row))
    return repeats.worded_notes(said, sum(1 for _ in rows_of(study)))


def _repeats_section(study: results.ArmsResults) -> section.Section:
    found = {
        arm.method: {
            asked.question.id: asked.within for asked in arm.questions if asked.within
        }
        for arm in study.arms
        if arm.n_repeats
    }
    return repeats.section_of(found, study.confidence_level)


def _contrasts_section(study: results.ArmsResults) -> section.Section:
    level = study.confidence_level
    frame = pd.DataFrame(
        [
            {
                "Question": formatting.neutralise(name),
                "Methods": formatting.neutralise(f"{pair.reference} and {pair.test}"),
                "Pairs": str(agreement.n),
                f"Agreement [{100 * level:g}% CI]": formatting.format_share(
                    agreement, level
                ),
                f"Cohen's kappa [{100 * level:g}% CI]": formatting.format_clustered(
                    pair.kappa[name], level
                ),
            }
            for name in (asked.question.id for asked in study.arms[0].questions)
            for pair in study.contrasts
            for agreement in (pair.agreement[name],)
        ]
    )
    return section.Section(
        "contrasts",
        "Agreement between methods",
        findings=(
            "Each reader's answers under every two methods, patient by patient. The "
            "whole report of two of them: --reference and --test.",
        ),
        tables=(
            section.Table(
                "contrasts",
                f"Agreement between every two methods with {100 * level:g} % "
                "confidence intervals, readers and patients random",
                frame,
            ),
        ),
        methods=(
            "Agreement between methods is that of a reader's answers to the same "
            "patient, by Cohen's kappa {cohen}; readers and patients are random "
            "{gallas}.",
        ),
        references=("cohen", "gallas"),
    )


def _reader_section(study: results.ArmsResults) -> section.Section:
    level = study.confidence_level
    tables = [
        section.Table(
            "with_others",
            "How often each reader gives the answer of another reader, with "
            f"{100 * level:g} % confidence intervals",
            _others_frame(study),
            ("Patients are random, the readers are these (Student's t).",),
        )
    ]
    if len(study.readers) <= answers.MOST_READERS:
        tables += [
            section.Table(
                f"reader_by_reader_{place}",
                f"{_label(study, row)}: agreement (upper right, percent) and Cohen's "
                "kappa (lower left) of each two readers",
                _matrix(row[1]),
            )
            for place, row in enumerate(rows_of(study), 1)
            if row[1].others
        ]
    return section.Section(
        "reader_by_reader",
        "Reader by reader",
        tables=tuple(tables),
        methods=("Each two readers were compared by Cohen's kappa {cohen}.",),
        references=("cohen",),
    )


def _others_frame(study: results.ArmsResults) -> pd.DataFrame:
    rows = []
    for arm in study.arms:
        by_question = {
            asked.question.id: {own.reader: own.agreement for own in asked.others}
            for asked in arm.questions
        }
        for reader in arm.readers:
            row = {"Reader": formatting.neutralise(reader)}
            if len(study.arms) > 1:
                row["Method"] = formatting.neutralise(arm.method)
            for name, by in by_question.items():
                written = (
                    formatting.format_share(by[reader], study.confidence_level, 0)
                    if reader in by
                    else "one reader"
                )
                row[formatting.neutralise(name)] = written
            rows.append(row)
    return pd.DataFrame(rows)


def _matrix(asked: results.QuestionInArm) -> pd.DataFrame:
    readers = [own.reader for own in asked.others]
    rows = []
    for place, own in enumerate(asked.others):
        row = {"Reader": formatting.neutralise(own.reader)}
        for at, other in enumerate(readers):
            if at == place:
                cell = ""
            elif at > place:
                share = own.shares[other]
                cell = "none" if np.isnan(share) else f"{100 * share:.0f}%"
            else:
                cell = formatting.format_estimate(own.kappas[other], 2)
            row[formatting.neutralise(other)] = cell
        rows.append(row)
    return pd.DataFrame(rows)


def _coefficients_section(study: results.ArmsResults) -> section.Section:
    level = study.confidence_level
    tables = [
        section.Table(
            "coefficients",
            f"All coefficients with {100 * level:g} % confidence intervals, "
            f"{_random(study)}",
            _coefficient_frame(study, random=True),
            _skewed(study),
        )
    ]
    if len(study.readers) > 2:
        tables.append(
            section.Table(
                "coefficients_these_readers",
                f"The same with {100 * level:g} % confidence intervals for these "
                "readers, patients random",
                _coefficient_frame(study, random=False),
                ("Narrower: they say nothing about other readers.", *_skewed(study)),
            )
        )
    return section.Section(
        "coefficients",
        "All coefficients",
        tables=tuple(tables),
        methods=(
            "Conger's kappa {conger} lets readers differ in how often they give each "
            "answer; Krippendorff's alpha {krippendorff} is ordinal where the plan "
            "calls the answers steps of a scale.",
        ),
        references=("conger", "krippendorff"),
    )


def _skewed(study: results.ArmsResults) -> tuple[str, ...]:
    """Return in words where one answer takes most."""
    said = []
    for row in rows_of(study):
        counts, asked = row[1].between.counts.sum(axis=0), row[1].question
        if counts.max(initial=0) >= _TAKES_MOST * max(1, counts.sum()):
            label = asked.labels[int(counts.argmax())]
            said.append(f"{_label(study, row)} ({counts.max()} times {label})")
    if not said:
        return ()
    return (
        f"One answer takes most in {', '.join(said)}: there the intervals of Conger's "
        "kappa and of Krippendorff's alpha, which are estimate \u00b1 t \u00d7 error, "
        "are too narrow.",
    )


def _coefficient_frame(study: results.ArmsResults, *, random: bool) -> pd.DataFrame:
    return pd.DataFrame(
        [
            _named(study, arm, asked)
            | {
                label: _written(
                    name,
                    asked.between.coefficients
                    if random
                    else asked.between.these_readers,
                    study.confidence_level,
                )
                for name, label in COEFFICIENTS.items()
            }
            for arm, asked in rows_of(study)
        ]
    )
