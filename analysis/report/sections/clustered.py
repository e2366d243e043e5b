"""Agreement between the methods, with intervals that respect readers and patients."""

from collections.abc import Mapping
from functools import partial
from statistics import median

import pandas as pd
from matplotlib.figure import Figure

from analysis import multireader
from analysis.charts.forest import ForestRow, forest_plot
from analysis.charts.style import GUIDE
from analysis.report import formatting, section
from analysis.responses.pairing import paired_readings

ID = "clustered"
TITLE = "Readers and patients as random"
HEADLINE: multireader.Variance = "crossed"
SHOWN: Mapping[multireader.Variance, str] = {
    "crossed": "Readers and patients",
    "pigeonhole": "The same, bootstrap",
    "patient": "Patients, these readers",
    "jackknife": "The same, jackknife",
    "independent": "Independent pairs, as printed",
}
COEFFICIENTS: Mapping[str, tuple[str, multireader.Coefficient]] = {
    "cohen_kappa": ("Cohen's kappa", multireader.Coefficient.kappa()),
    "percent_agreement": ("Agreement", multireader.Coefficient.agreement()),
    "gwet_ac1": ("Gwet's AC1", multireader.Coefficient.ac()),
}

Estimates = Mapping[str, Mapping[multireader.Variance, multireader.ClusteredEstimate]]
"""By question, then by what varies."""


def clustered_section(context: section.ReportContext) -> section.Section:
    """Return kappa, agreement and AC1 of each question with all intervals."""
    if context.provenance == "reconstructed":
        return section.Section(ID, TITLE, refused=section.ARBITRARY_CASES)
    level = context.confidence_level
    pairs = {
        question.id: paired_readings(context.responses, question)
        for question in context.responses.questionnaire
    }
    found = {
        name: estimates(pairs, coefficient)
        for name, (_, coefficient) in COEFFICIENTS.items()
    }
    kappa = found["cohen_kappa"]
    return section.Section(
        ID,
        TITLE,
        findings=_findings(kappa, level),
        tables=tuple(
            section.Table(
                f"clustered_{name}",
                f"{COEFFICIENTS[name][0]} with {100 * level:g} % confidence intervals, "
                "by what is taken to vary from study to study",
                _frame(of_coefficient, level),
                _cautions(of_coefficient),
            )
            for name, of_coefficient in found.items()
        ),
        pictures=(
            section.Picture(
                "forest_clustered",
                partial(_figure, kappa, level),
                "Kappa of each question with two intervals",
                "Cohen's kappa of each question: dark, with readers and patients "
                "random; grey, pairs taken as independent.",
            ),
        ),
        methods=(
            "Intervals of kappa, percent agreement and AC1 that respect readers and "
            "patients come from the influence of each pair on the coefficient "
            "{vanbelle}, analysed as a crossed random-effects layout of readers by "
            "patients {gallas}, with Satterthwaite's degrees of freedom "
            "{satterthwaite}. They hold every value that the data do not refute: its "
            "error is that of independent pairs if it were true, from the table moved "
            "to it, times the design effect (of percent agreement, Wilson's interval "
            "on the effective number of pairs {wilson}).",
            "In sensitivity, patients alone were random (delta method and jackknife, "
            "Student's t), or readers and patients were resampled (pigeonhole "
            "bootstrap {owen}, percentile limits).",
        ),
        references=("gallas", "vanbelle", "satterthwaite", "owen"),
        content={
            name: {
                question: {
                    v: formatting.clustered_json(e, level)
                    for v, e in by_variance.items()
                }
                for question, by_variance in of_coefficient.items()
            }
            for name, of_coefficient in found.items()
        },
    )


def estimates(
    pairs: Mapping[str, multireader.Pairs], coefficient: multireader.Coefficient
) -> Estimates:
    """Estimate a coefficient of each question under every idea of what varies."""
    return {
        question: {
            variance: multireader.with_clustered_error(
                of_question, coefficient, variance
            )
            for variance in SHOWN
        }
        for question, of_question in pairs.items()
    }


def _findings(kappa: Estimates, level: float) -> tuple[str, ...]:
    ratios = []
    for by_variance in kappa.values():
        wide, narrow = (
            by_variance[v].confidence_interval(level) for v in (HEADLINE, "independent")
        )
        if wide.caution is None and narrow.caution is None:
            ratios.append((wide.high - wide.low) / (narrow.high - narrow.low))
    if not ratios:
        return ("No question has an informative interval of kappa.",)
    return (
        "Quote the first column: it says what other readers and other patients could "
        f"have given. Its intervals are {median(ratios):.2f} times as wide as those of "
        f"independent pairs in the median question, {min(ratios):.2f} to "
        f"{max(ratios):.2f} times in all.",
    )


def _frame(found: Estimates, level: float) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "Question": formatting.neutralise(question),
                "Estimate": formatting.format_estimate(by_variance[HEADLINE].estimate),
                **{
                    label: formatting.format_interval(
                        by_variance[variance].confidence_interval(level)
                    )
                    for variance, label in SHOWN.items()
                },
            }
            for question, by_variance in found.items()
        ]
    )


def _cautions(found: Estimates) -> tuple[str, ...]:
    said: dict[str, list[str]] = {}
    for question, by_variance in found.items():
        estimate = by_variance[HEADLINE]
        reasons = [*estimate.cautions, *filter(None, [estimate.undefined_reason])]
        for reason in reasons:
            said.setdefault(reason, []).append(question)
    return tuple(f"{', '.join(names)}: {reason}." for reason, names in said.items())


def _figure(kappa: Estimates, level: float) -> Figure:
    rows = []
    for question, by_variance in kappa.items():
        shown: Mapping[multireader.Variance, str]
        shown = {HEADLINE: question, "independent": "independent"}
        for variance, label in shown.items():
            estimate = by_variance[variance]
            interval = estimate.confidence_interval(level)
            faint = variance != HEADLINE
            rows.append(ForestRow(label, estimate.estimate, interval, faint))
    figure = Figure(figsize=(5.2, 0.8 + 0.24 * len(rows)), layout="constrained")
    ax = forest_plot(
        rows,
        figure.subplots(),
        xlabel=f"Cohen's kappa ({100 * level:g}% CI)",
        reference=0,
    )
    ax.set_xlim(min(-0.25, ax.get_xlim()[0]), max(1, ax.get_xlim()[1]))
    for of_row in ax.get_yticklabels()[1::2]:
        of_row.set(color=GUIDE, fontsize=6)
    return figure
