"""Question 2: is the test method as acceptable as the reference?"""

from collections.abc import Mapping
from functools import partial

from matplotlib.figure import Figure

from analysis.charts.forest import ForestRow, forest_plot
from analysis.charts.style import EMPHASIS
from analysis.questions.acceptability import acceptance_of
from analysis.report.formatting import format_clustered
from analysis.report.section import ARBITRARY_CASES, Picture, ReportContext, Section
from analysis.report.sections import (
    acceptability_tables as sections_acceptability_tables,
)
from analysis.responses.pairing import paired_readings


def _acceptability_figure(
    found: Mapping[str, sections_acceptability_tables.QuestionAcceptability],
    context: ReportContext,
) -> Figure:
    """Draw the difference of each question, no difference, and the margin if fixed."""
    level, margin = context.confidence_level, context.plan.non_inferiority_margin
    test, reference = context.responses.test, context.responses.reference
    rows = [
        ForestRow(name, of.headline.estimate, of.headline.confidence_interval(level))
        for name, of in found.items()
    ]
    figure = Figure(figsize=(5.2, 1 + 0.28 * len(rows)), layout="constrained")
    ax = forest_plot(
        rows,
        figure.subplots(),
        xlabel=f"Proportion acceptable, {test} minus {reference} ({100 * level:g}% CI)",
        reference=0,
    )
    if margin is not None:
        ax.axvline(-margin, color=EMPHASIS, linewidth=0.9, linestyle="--", gid="margin")
    edge = max(1.25 * (margin or 0), 0.1, *map(abs, ax.get_xlim()))
    ax.set_xlim(-edge, edge)
    return figure


ID = "acceptability"
TITLE = "Is it acceptable?"
NO_MARGIN = (
    "No non-inferiority margin was fixed beforehand, so nothing is decided; a "
    "difference that is not significant does not show that the methods are alike."
)

Found = Mapping[str, sections_acceptability_tables.QuestionAcceptability]
"""By question."""


def acceptability_section(context: ReportContext) -> Section | None:
    """Return proportions acceptable, their difference, tests and non-inferiority."""
    asked = [
        question
        for question in context.responses.questionnaire
        if question.id in context.plan.acceptability_questions
    ]
    if not asked:
        return None
    if context.provenance == "reconstructed":
        return Section(ID, TITLE, refused=ARBITRARY_CASES)
    found, left_out = {}, []
    for question in asked:
        pairs = paired_readings(context.responses, question)
        try:
            acceptance = acceptance_of(pairs, context.plan.acceptable_codes)
        except ValueError as error:
            left_out.append(f"{question.id} is left out: {error}.")
            continue
        found[question.id] = sections_acceptability_tables.question_acceptability(
            acceptance, context
        )
    if not found:
        return Section(ID, TITLE, refused=" ".join(left_out))
    return _section(found, context, tuple(left_out))


def _section(
    found: Found, context: ReportContext, left_out: tuple[str, ...]
) -> Section:
    level = context.confidence_level
    margin = context.plan.non_inferiority_margin
    line = "" if margin is None else f" Dashed: the margin, -{margin:g}."
    test, reference = context.responses.test, context.responses.reference
    return Section(
        ID,
        TITLE,
        findings=(*_findings(found, context), *left_out),
        tables=sections_acceptability_tables.acceptability_tables(found, context),
        pictures=(
            Picture(
                "forest_acceptability",
                partial(_acceptability_figure, found, context),
                f"Difference in the proportion acceptable, {test} minus {reference}",
                f"Proportion acceptable, {test} minus {reference}, with "
                f"{100 * level:g} % intervals, readers and patients random. Line: no "
                f"difference.{line}",
            ),
        ),
        methods=_methods(context),
        references=(
            *("gallas", "satterthwaite", "obuchowski", "owen", "tango"),
            *("durkalski", "yang", "eliasziw_donner"),
            *(() if margin is None else ("piaggio",)),
        ),
        content=sections_acceptability_tables.acceptability_json(found, margin, level),
    )


def _findings(found: Found, context: ReportContext) -> tuple[str, ...]:
    margin, level = context.plan.non_inferiority_margin, context.confidence_level
    decisions = {name: of.decision for name, of in found.items() if of.decision}
    if not decisions:
        said = ", ".join(
            f"{name} {format_clustered(of.headline, level)}"
            for name, of in found.items()
        )
        test, reference = context.responses.test, context.responses.reference
        return (f"Acceptable, {test} minus {reference}: {said}.", NO_MARGIN)
    shown = [name for name, made in decisions.items() if made.non_inferior]
    others = [name for name in decisions if name not in shown]
    but = f", and not for {', '.join(others)}" if shown and others else ""
    return (
        f"With the margin of {margin:g} fixed beforehand, non-inferiority is shown for "
        f"{', '.join(shown) or 'no question'}{but}. Each question was decided by "
        "itself, without correction for their number.",
        *(f"{name}: {made.words}" for name, made in decisions.items()),
    )


def _methods(context: ReportContext) -> tuple[str, ...]:
    test, reference = context.responses.test, context.responses.reference
    margin, level = context.plan.non_inferiority_margin, context.confidence_level
    said = [
        f"The proportion of acceptable pictures was compared as {test} minus "
        f"{reference} in pairs of a reader and a case, with readers and patients as "
        "random (crossed layout {gallas}, Satterthwaite's degrees of freedom "
        "{satterthwaite}).",
        "In sensitivity, readers and patients were resampled (pigeonhole bootstrap "
        "{owen}), patients alone were random, or pairs were independent (Tango's "
        "score interval {tango}).",
        "McNemar's test was made with patients as clusters as Obuchowski proposed "
        "{obuchowski}, in sensitivity as Durkalski {durkalski}, Yang {yang}, and "
        "Eliasziw and Donner {eliasziw_donner} did.",
    ]
    if margin is not None:
        said.append(
            "Non-inferiority was concluded where the lower limit of the two-sided "
            f"{100 * level:g} % interval lay above the margin of -{margin:g}, fixed "
            "before the data were seen {piaggio}."
        )
    return tuple(said)
