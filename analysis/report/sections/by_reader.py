"""Each reader alone, all readers but one, and each class of severity."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import pandas as pd
from matplotlib.figure import Figure

from analysis.charts.forest import ForestRow, forest_plot
from analysis.multireader import (
    ClusteredEstimate,
    Coefficient,
    HomogeneityTest,
    Pairs,
    ReaderAgreement,
    clustered_kappa,
    homogeneity,
    leave_one_reader_out,
    per_class,
    per_reader,
)
from analysis.report import formatting, section
from analysis.report.setting import in_order, in_words
from analysis.responses.pairing import paired_readings

ID = "readers"
TITLE = "Readers and severity"
NO_PAIRS = "no pairs"
_PANELS_PER_ROW = 4
_MOST_DRAWN = 40
_NOT_DRAWN = f"They are not drawn: the figure is for {_MOST_DRAWN} readers at most."


@dataclass(frozen=True)
class QuestionByReader:
    """One question, reader by reader.

    Attributes:
        together: Kappa of all readers.
        alone: Each reader.
        test: Whether readers differ.
        without: Kappa without each reader in turn.
        by_class: Kappa and agreement of each class of severity.
    """

    together: ClusteredEstimate
    alone: tuple[ReaderAgreement, ...]
    test: HomogeneityTest
    without: Mapping[str, ClusteredEstimate]
    by_class: Mapping[str, tuple[ClusteredEstimate, ClusteredEstimate]]


def by_reader_section(context: section.ReportContext) -> section.Section | None:
    """Return kappa by reader with a test of homogeneity, and by severity."""
    if len(context.responses.readers) < 2:
        return None
    if context.provenance == "reconstructed":
        return section.Section(ID, TITLE, refused=section.ARBITRARY_CASES)
    level, severity = context.confidence_level, _severities(context)
    too_many = len(context.responses.readers) > _MOST_DRAWN
    found = section.side_by_side(
        context.jobs,
        question_by_reader,
        {
            question.id: (paired_readings(context.responses, question), severity)
            for question in context.responses.questionnaire
        },
    )
    tables = [
        section.Table(
            "kappa_by_reader",
            f"Cohen's kappa of each reader with {100 * level:g} % confidence intervals",
            _reader_frame(found, level),
            (
                "Cases are random, the reader is this one (Student's t).",
                *((_NOT_DRAWN,) if too_many else ()),
            ),
        ),
        section.Table(
            "homogeneity",
            "Do the readers' kappas vary more than exchanging the readers would make "
            "them?",
            _test_frame(found),
        ),
    ]
    if severity:
        tables.append(
            section.Table(
                "agreement_by_severity",
                f"Agreement and kappa by severity with {100 * level:g} % confidence "
                "intervals, readers and patients random",
                _class_frame(found, level),
                ("Classes of few patients say little.",),
            )
        )
    return section.Section(
        ID,
        TITLE,
        findings=_findings(found, context.decision_level),
        tables=tuple(tables),
        pictures=()
        if too_many
        else (
            section.Picture(
                "forest_by_reader",
                partial(_figure, found, level),
                "Kappa of each reader, one panel a question",
                "Cohen's kappa of each reader (grey) and of all (dark, readers and "
                "patients random).",
            ),
        ),
        methods=(
            "Kappa of single readers has intervals with patients random {vanbelle}.",
            "How much readers vary was compared with exchanging the readers within "
            "patients {pesarin}, by how far each reader moves the kappa of all.",
        ),
        references=("vanbelle", "pesarin"),
        content={
            name: _json(of_question, level) for name, of_question in found.items()
        },
    )


def question_by_reader(pairs: Pairs, severity: Mapping[str, str]) -> QuestionByReader:
    """Analyse one question reader by reader and class by class."""
    kappas = per_class(pairs, severity)
    shares = per_class(pairs, severity, Coefficient.agreement())
    return QuestionByReader(
        together=clustered_kappa(pairs),
        alone=per_reader(pairs),
        test=homogeneity(pairs),
        without=leave_one_reader_out(pairs),
        by_class={name: (shares[name], kappas[name]) for name in kappas},
    )


def _severities(context: section.ReportContext) -> dict[str, str]:
    """Class of each case, classes in the order of the paper if they are its."""
    found = {r.case: r.severity for r in context.responses.readings if r.severity}
    rank = {name: place for place, name in enumerate(in_order(set(found.values())))}
    return dict(sorted(found.items(), key=lambda item: rank[item[1]]))


def _findings(found: Mapping[str, QuestionByReader], level: float) -> tuple[str, ...]:
    tested = {
        n: q.test.p_value for n, q in found.items() if not q.test.undefined_reason
    }
    if not tested:
        return ("Whether readers are alike cannot be examined with these data.",)
    least = min(tested, key=tested.__getitem__)
    return (
        "Exploratory: how much the readers' kappas vary, against exchanging the "
        f"readers within patients. The smallest p of {len(tested)} questions is "
        f"{formatting.format_p(tested[least])} ({least}); with as many questions, a "
        f"smallest p below {formatting.format_p((1 - level) / len(tested))} would be "
        "unusual.",
    )


def _reader_frame(found: Mapping[str, QuestionByReader], level: float) -> pd.DataFrame:
    names = dict.fromkeys(own.reader for q in found.values() for own in q.alone)
    rows = []
    for name in names:
        row = {"Reader": formatting.neutralise(name)}
        for question, of_question in found.items():
            own = {one.reader: one.coefficient for one in of_question.alone}
            row[formatting.neutralise(question)] = (
                formatting.format_clustered(own[name], level, 2)
                if name in own
                else NO_PAIRS
            )
        rows.append(row)
    return pd.DataFrame(rows)


def _test_frame(found: Mapping[str, QuestionByReader]) -> pd.DataFrame:
    rows = []
    for question, q in found.items():
        values = [e.estimate for e in q.without.values()]
        rows.append(
            {
                "Question": formatting.neutralise(question),
                "Exchanges": str(q.test.n_exchanges),
                "p": q.test.undefined_reason or formatting.format_p(q.test.p_value),
                "Kappa of all": formatting.format_estimate(q.together.estimate),
                "without one reader": f"{formatting.format_estimate(min(values))} to "
                f"{formatting.format_estimate(max(values))}"
                if values
                else NO_PAIRS,
            }
        )
    return pd.DataFrame(rows)


def _class_frame(found: Mapping[str, QuestionByReader], level: float) -> pd.DataFrame:
    rows = []
    for question, q in found.items():
        for name, (share, kappa) in q.by_class.items():
            rows.append(
                {
                    "Question": formatting.neutralise(question),
                    "Severity": formatting.neutralise(in_words(name)),
                    "Patients": str(kappa.n_cases),
                    "Agreement": formatting.format_clustered(share, level),
                    "Cohen's kappa": formatting.format_clustered(kappa, level),
                }
            )
    return pd.DataFrame(rows)


def _figure(found: Mapping[str, QuestionByReader], level: float) -> Figure:
    n_readers = max(len(q.alone) for q in found.values())
    n_rows = -(-len(found) // _PANELS_PER_ROW)
    size = (7.2, n_rows * (0.9 + 0.17 * (n_readers + 1)))
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(
        n_rows, _PANELS_PER_ROW, squeeze=False, sharex=True, sharey=True
    ).ravel()
    for place, (ax, (question, q)) in enumerate(zip(grid, found.items(), strict=False)):
        rows = [
            ForestRow(
                own.reader,
                own.coefficient.estimate,
                own.coefficient.confidence_interval(level),
                faint=True,
            )
            for own in q.alone
        ]
        together = q.together.confidence_interval(level)
        rows.append(ForestRow("all", q.together.estimate, together))
        forest_plot(rows, ax, xlabel="", reference=0)
        ax.set_title(question)
        # Also above a place without a panel.
        ax.tick_params("x", labelbottom=place + _PANELS_PER_ROW >= len(found))
    for ax in grid[len(found) :]:
        ax.axis("off")
    grid[0].set_xlim(-1, 1)
    figure.supxlabel(f"Cohen's kappa ({100 * level:g}% CI)", fontsize=8)
    return figure


def _json(q: QuestionByReader, level: float) -> formatting.Json:
    return {
        "by_reader": {
            own.reader: {
                "cohen_kappa": formatting.clustered_json(own.coefficient, level),
                "n_agree": own.agreement.n_agree,
                "n": own.agreement.n,
            }
            for own in q.alone
        },
        "homogeneity": {
            "statistic": formatting.number(q.test.statistic),
            "n_exchanges": q.test.n_exchanges,
            "p_value": formatting.number(q.test.p_value),
            "undefined_reason": q.test.undefined_reason,
        },
        "without_reader": {
            name: formatting.clustered_json(estimate, level)
            for name, estimate in q.without.items()
        },
        "by_severity": {
            name: {
                "percent_agreement": formatting.clustered_json(share, level),
                "cohen_kappa": formatting.clustered_json(kappa, level),
            }
            for name, (share, kappa) in q.by_class.items()
        },
    }
