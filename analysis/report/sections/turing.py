"""Question 1: could readers tell synthetic pictures from real ones?"""

import math
from collections import Counter
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.charts.forest import ForestRow, forest_plot
from analysis.charts.style import AGREEMENT, GUIDE, PARTIAL
from analysis.intervals import ConfidenceInterval
from analysis.multireader import ClusteredEstimate
from analysis.questions.judgements import Guesses, Judgements, judgements_of
from analysis.questions.leakage import Leakage
from analysis.questions.turing import Equivalence
from analysis.report import formatting
from analysis.report.section import (
    ARBITRARY_CASES,
    CLAIMS,
    Picture,
    ReportContext,
    Section,
)
from analysis.report.sections import turing_tables as tables

_BAND: Any = {  # of a Patch
    "color": PARTIAL[-1],
    "zorder": 0,
    "linewidth": 0,
}


def _turing_figure(found: tables.TuringResults, level: float) -> Figure:
    """Draw each reader and all readers, chance and its margin, in two panels."""
    height = max(2.9, 1 + 0.2 * (len(found.alone) + 1))
    figure = Figure(figsize=(7.2, height), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.25, 1))
    margin = found.equivalence.margin if found.equivalence else None
    _forest(found, left, level, margin)
    _plane(found, right, level, margin)
    return figure


def _turing_caption(found: tables.TuringResults, level: float) -> str:
    """Return the caption of the figure."""
    band = ""
    if found.equivalence:
        band = f" Shaded: within the margin of {found.equivalence.margin:g} of chance."
    return (
        f"Left, balanced accuracy with {100 * level:g} % intervals: grey, each reader "
        "(patients random); dark, all readers (readers and patients random). Right, "
        "shares of pictures called synthetic: circles, readers; square, all readers "
        f"with both intervals. Lines: chance.{band}"
    )


def _forest(
    found: tables.TuringResults,
    ax: Axes,
    level: float,
    margin: float | None,
) -> None:
    if margin is not None:
        ax.axvspan(0.5 - margin, 0.5 + margin, **_BAND)
    rows = [
        ForestRow(
            own.name,
            own.balanced_accuracy.estimate,
            own.balanced_accuracy.confidence_interval(level),
            faint=True,
        )
        for own in found.alone
    ]
    together = found.pooled.balanced_accuracy
    rows.append(
        ForestRow("all", together.estimate, together.confidence_interval(level))
    )
    forest_plot(
        rows, ax, xlabel=f"Balanced accuracy ({100 * level:g}% CI)", reference=0.5
    )
    ax.set_xlim(0, 1)


def _plane(
    found: tables.TuringResults,
    ax: Axes,
    level: float,
    margin: float | None,
) -> None:
    diagonal = np.array([0.0, 1.0])
    if margin is not None:  # the margin of the mean of two rates is twice as wide here
        low, high = diagonal - 2 * margin, diagonal + 2 * margin
        ax.fill_between(diagonal, low, high, **_BAND)
    ax.plot(diagonal, diagonal, color=GUIDE, linewidth=0.7, zorder=1)
    readers = [own for own in found.alone if own.n_real and own.n_synthetic]
    ax.plot(
        [1 - own.specificity.estimate for own in readers],
        [own.sensitivity.estimate for own in readers],
        "o",
        color=GUIDE,
        markerfacecolor="none",
        markersize=4.5,
        gid="readers",
        zorder=2,
    )
    hit = found.pooled.sensitivity
    x, y = 1 - found.pooled.specificity.estimate, hit.estimate
    of_hit = hit.confidence_interval(level)
    of_real = found.pooled.specificity.confidence_interval(level)
    false_alarm = ConfidenceInterval(1 - of_real.high, 1 - of_real.low, of_real.caution)
    style: Any = {"color": AGREEMENT, "linewidth": 1.4, "solid_capstyle": "butt"}
    if false_alarm.caution is None:
        ax.plot([false_alarm.low, false_alarm.high], [y, y], **style)
    if of_hit.caution is None:
        ax.plot([x, x], [of_hit.low, of_hit.high], **style)
    ax.plot(x, y, "s", color=AGREEMENT, markersize=4.5, zorder=3)
    ax.set(
        xlim=(-0.02, 1.02),
        ylim=(-0.02, 1.02),
        aspect="equal",
        xlabel="Real pictures called synthetic",
        ylabel="Synthetic pictures called synthetic",
    )


NO_MARGIN = (
    "The plan states no equivalence margin, so whether readers did no better than "
    "chance is not decided; a difference that is not significant does not show it."
)
NO_TRIALS = (
    "In which trial a picture was read is not known, so neither an effect of the trial "
    "nor leakage between trials can be looked for."
)


def _turing_findings(
    found: tables.TuringResults, context: ReportContext
) -> tuple[str, ...]:
    """Return the findings: accuracy, equivalence, trials, leakage, own guesses."""
    level = context.confidence_level
    accuracy = found.pooled.balanced_accuracy
    said = [
        f"Of {found.pooled.n_synthetic} {context.responses.test} pictures "
        f"{found.pooled.hits} were called synthetic, of {found.pooled.n_real} "
        f"{context.responses.reference} pictures {found.pooled.false_alarms}. "
        f"Balanced accuracy is {_accuracy(accuracy, level)}."
    ]
    said.append(_equivalence(found.equivalence))
    if found.trials is None:
        said.append(NO_TRIALS)
    else:
        said.append(_effect(found.trials.effect, level))
        said.append(_leakage(found.trials.leakage))
    if found.closing:
        said.append(_guesses(found.guesses, level))
        said.append(_recognised(found))
    return tuple(said)


def _accuracy(accuracy: ClusteredEstimate, level: float) -> str:
    value = formatting.format_clustered(accuracy, level)
    if accuracy.undefined_reason:
        return f"{value}: {accuracy.undefined_reason}"
    return f"{value}, chance being 0.5 ({_p(accuracy.p_value(0.5))})"


def _equivalence(equivalence: Equivalence | None) -> str:
    if equivalence is None:
        return NO_MARGIN
    low, high = equivalence.interval.low, equivalence.interval.high
    within = "lies" if equivalence.equivalent else "does not lie"
    if equivalence.equivalent is None:
        return equivalence.words
    return (
        f"The {1 - 2 * equivalence.alpha:.0%} interval, {low:.3f} to {high:.3f}, "
        f"{within} within the plan's margin of {equivalence.margin:g} around chance. "
        f"{CLAIMS}"
    )


def _effect(effect: ClusteredEstimate, level: float) -> str:
    if effect.undefined_reason:
        return f"An effect of the trial cannot be given: {effect.undefined_reason}."
    return (
        "Exploratory: balanced accuracy in trial 2 minus that in trial 1 is "
        f"{formatting.format_clustered(effect, level)} ({_p(effect.p_value())})."
    )


def _leakage(leakage: Leakage) -> str:
    if leakage.undefined_reason:
        return f"Leakage between trials cannot be tested: {leakage.undefined_reason}."
    return (
        f"Exploratory: of {leakage.n} pairs of a reader and a case, "
        f"{100 * leakage.switched:.1f}% "
        f"got another answer in trial 2, {100 * leakage.expected:.1f}% being expected "
        "of answers that do not depend on one another "
        f"({_p(leakage.p_value)}; against more switching, which would hint at "
        f"leakage, one-sided {_p(leakage.p_more_switching)}). Less switching comes "
        "from pictures of a case that look alike under both methods."
    )


def _guesses(guesses: Guesses, level: float) -> str:
    if math.isnan(guesses.mean_excess):
        return f"Own guesses: {guesses.undefined_reason}."
    interval = formatting.format_interval(guesses.confidence_interval(level), 2)
    return (
        "Asked at the end how many pictures of a trial had been synthetic, "
        f"{guesses.n_readers} readers gave a number, which exceeded the truth by "
        f"{formatting.format_estimate(guesses.mean_excess, 2)} {interval} in the mean "
        "of a trial; below 0, it fell short."
    )


def _recognised(found: tables.TuringResults) -> str:
    counts = Counter(answer.recognised or "not answered" for answer in found.closing)
    said = ", ".join(
        f"{formatting.neutralise(text)} ({n})" for text, n in counts.items()
    )
    return (
        "Cases of trial 1 recognised in trial 2, as readers said (number of readers): "
        f"{said}."
    )


def _p(value: float) -> str:
    said = formatting.format_p(value)
    return f"p < {said[1:]}" if said.startswith("<") else f"p = {said}"


ID = "turing"
TITLE = "Could readers tell?"
_EXCHANGED = {
    "cases": "those of all readers together",
    "within_readers": "for each reader alone, which takes the readers' answers to a "
    "picture as independent",
}


def turing_section(context: ReportContext) -> Section | None:
    """Return accuracy, equivalence to chance, trial effect, leakage and own guesses."""
    asked, responses = context.plan.turing_question, context.responses
    if asked not in responses.questionnaire.ids:
        return None
    if context.provenance == "reconstructed":
        return Section(ID, TITLE, refused=ARBITRARY_CASES)
    try:
        judgements = judgements_of(responses, asked)
    except ValueError as error:
        return Section(ID, TITLE, refused=f"{error}.")
    if not judgements.n:
        return Section(ID, TITLE, refused="No reading says real or synthetic.")
    return _section(judgements, context, asked)


def _section(judgements: Judgements, context: ReportContext, asked: str) -> Section:
    level = context.confidence_level
    found = tables.turing_results(
        judgements,
        context.plan.equivalence_margin,
        context.closing,
        alpha=context.plan.alpha,
    )
    return Section(
        ID,
        TITLE,
        findings=_turing_findings(found, context),
        tables=tables.turing_tables(found, level),
        pictures=(
            Picture(
                "turing",
                partial(_turing_figure, found, level),
                "Balanced accuracy of each reader, and hits against false alarms",
                _turing_caption(found, level),
            ),
        ),
        methods=_methods(found, context, asked),
        references=(
            *("hautus", "gallas", "satterthwaite"),
            *(("schuirmann",) if found.equivalence else ()),
            *(("phipson",) if found.trials else ()),
        ),
        content=tables.turing_json(found, level),
    )


def _methods(
    found: tables.TuringResults, context: ReportContext, asked: str
) -> tuple[str, ...]:
    test, reference = context.responses.test, context.responses.reference
    said = [
        f"Whether readers can tell synthetic pictures from real ones was judged by "
        f"question {asked}: sensitivity is the share of {test} pictures called "
        f"synthetic, specificity the share of {reference} pictures called real, and "
        "balanced accuracy their mean.",
        "d' and the criterion come from rates with the log-linear correction {hautus}.",
        "The two judgements of a case by a reader were taken as one pair, and readers "
        "and patients as random {gallas, satterthwaite}.",
    ]
    if found.equivalence:
        said.append(
            "Equivalence of balanced accuracy to chance was tested by two one-sided t "
            f"tests at the {100 * found.equivalence.alpha:g} % level each "
            f"{{schuirmann}}, with a margin of {found.equivalence.margin:g} stated in "
            "the plan."
        )
    if found.trials:
        said.append(
            "Leakage between trials was tested by permutation {phipson}: answers of "
            "trial 2 were exchanged between cases with the same order of methods, "
            f"{_EXCHANGED[found.trials.leakage.permute]} ({tables.N_PERMUTATIONS:,} "
            "permutations)."
        )
    return tuple(said)
