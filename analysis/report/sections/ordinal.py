"""Shifts on the scale: how far, and which way, answers move between the methods."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.charts.style import AGREEMENT, GUIDE, PARTIAL
from analysis.multireader import ClusteredEstimate, Pairs
from analysis.questions.shifts import (
    PermutationTest,
    ShiftDistribution,
    SymmetryStatistic,
    mean_shift,
    permuted_symmetry,
    shift_distribution,
)
from analysis.report import formatting, section
from analysis.responses import Question
from analysis.responses.pairing import paired_readings

_TESTS: Mapping[SymmetryStatistic, str] = {
    "bowker": "Symmetry",
    "stuart_maxwell": "Equal margins",
    "mean_shift": "Equal means",
}
_SEED = 20  # any; the same p each time the report is made
_PERMUTATIONS = 10_000


@dataclass(frozen=True)
class _QuestionShift:
    """How the answers to one question move.

    Attributes:
        mean: Test minus reference in steps, readers and patients random.
        distribution: Pairs by the steps they moved.
        tests: Permutation tests by statistic.
    """

    mean: ClusteredEstimate
    distribution: ShiftDistribution
    tests: Mapping[SymmetryStatistic, PermutationTest]


def question_shift(pairs: Pairs) -> _QuestionShift:
    """Analyse how the answers to one question move."""
    return _QuestionShift(
        mean=mean_shift(pairs),
        distribution=shift_distribution(pairs),
        tests={
            statistic: permuted_symmetry(
                pairs,
                statistic,
                rng=np.random.default_rng(_SEED),
                n_permutations=_PERMUTATIONS,
            )
            for statistic in _TESTS
        },
    )


def _shift_figure(found: Mapping[str, _QuestionShift]) -> Figure:
    """Draw the share of pairs by steps moved."""
    width = min(7.2, 1.0 + 2.9 * len(found))
    figure = Figure(figsize=(width, 2.4), layout="constrained")
    grid = figure.subplots(1, len(found), squeeze=False, sharey=True).ravel()
    for ax, (name, shift) in zip(grid, found.items(), strict=True):
        _bars(ax, shift.distribution)
        ax.set_title(name)
        ax.set_xlabel("steps, test minus reference")
    grid[0].set_ylabel("% of pairs")
    return figure


def _bars(ax: Axes, moved: ShiftDistribution) -> None:
    shares = 100 * moved.counts / max(1, moved.counts.sum())
    shades = [AGREEMENT, *PARTIAL]
    colours = [shades[min(abs(int(step)), len(PARTIAL))] for step in moved.steps]
    ax.bar(
        moved.steps,
        shares,
        width=0.8,
        color=colours,
        edgecolor=GUIDE,
        linewidth=0.5,
    )
    for step, share, count in zip(moved.steps, shares, moved.counts, strict=True):
        ax.annotate(
            str(count),
            (step, share),
            xytext=(0, 2),
            textcoords="offset points",
            ha="center",
            fontsize=6.5,
        )
    ax.set_xticks(moved.steps, [_signed(int(step)) for step in moved.steps])
    ax.tick_params(axis="x", length=0)


def _signed(step: int) -> str:
    return f"{step:+d}".replace("-", "\N{MINUS SIGN}") if step else "0"


def _mean_frame(found: Mapping[str, _QuestionShift], level: float) -> pd.DataFrame:
    """Mean shift and tests of each question."""
    return pd.DataFrame(
        [
            {
                "Question": formatting.neutralise(name),
                "Pairs": str(shift.mean.n),
                "Mean shift": formatting.format_clustered(shift.mean, level),
                "p": formatting.format_p(shift.mean.p_value()),
            }
            for name, shift in found.items()
        ]
    )


def _test_frame(found: Mapping[str, _QuestionShift]) -> pd.DataFrame:
    """Permutation tests of each question."""
    return pd.DataFrame(
        [
            {
                "Question": formatting.neutralise(name),
                **{
                    label: formatting.format_p(shift.tests[statistic].p_value)
                    for statistic, label in _TESTS.items()
                },
                "Patients to swap": str(
                    max(test.n_patients for test in shift.tests.values())
                ),
            }
            for name, shift in found.items()
        ]
    )


def _notes(found: Mapping[str, _QuestionShift]) -> tuple[str, ...]:
    """What makes a mean shift uncertain, by question."""
    return tuple(
        f"{name}: {reason}."
        for name, shift in found.items()
        for reason in dict.fromkeys(
            [*shift.mean.cautions, *filter(None, [shift.mean.undefined_reason])]
        )
    )


def _distribution_frame(found: Mapping[str, _QuestionShift]) -> pd.DataFrame:
    """Pairs by steps moved."""
    furthest = max(int(shift.distribution.steps[-1]) for shift in found.values())
    rows = []
    for name, shift in found.items():
        moved = shift.distribution
        counts = dict(zip(moved.steps.tolist(), moved.counts.tolist(), strict=True))
        rows.append(
            {
                "Question": formatting.neutralise(name),
                **{
                    _step(step): str(counts[step]) if step in counts else ""
                    for step in range(-furthest, furthest + 1)
                },
                "Same answer": _percent(moved.n_same, shift.mean.n),
            }
        )
    return pd.DataFrame(rows)


def _step(step: int) -> str:
    return "same" if not step else f"{abs(step)} {'up' if step > 0 else 'down'}"


def _percent(count: int, n: int) -> str:
    return f"{100 * count / n:.1f}%" if n else ""


ID = "ordinal"
TITLE = "Shifts on the scale"


def ordinal_section(context: section.ReportContext) -> section.Section | None:
    """Return mean shift, its tests and its distribution of each ordinal question."""
    planned = context.plan.ordinal_questions
    asked = [q for q in context.responses.questionnaire if q.id in planned]
    if not asked:
        return None
    if context.provenance == "reconstructed":
        return section.Section(ID, TITLE, refused=section.ARBITRARY_CASES)
    level = context.confidence_level
    found = {
        question.id: question_shift(paired_readings(context.responses, question))
        for question in asked
    }
    said = [_finding(q, found[q.id], context.responses.test, level) for q in asked]
    return section.Section(
        ID,
        TITLE,
        findings=tuple(said),
        tables=(
            section.Table(
                "shifts",
                f"Test minus reference in steps of the scale, with {100 * level:g} % "
                "confidence interval and p, readers and patients random",
                _mean_frame(found, level),
                (_EXPLORATORY, *_notes(found)),
            ),
            section.Table(
                "shift_tests",
                "The same answers under both methods? Permutation tests of these "
                "readers: p-values",
                _test_frame(found),
                (_TAKEN_AS_FIXED,),
            ),
            section.Table(
                "shift_distribution",
                "Pairs by the steps that the answer moved from reference to test",
                _distribution_frame(found),
            ),
        ),
        pictures=(
            section.Picture(
                "shifts_on_the_scale",
                partial(_shift_figure, found),
                "Share of pairs by steps moved, one panel a question",
                "Steps that answers move from reference to test method, in % of pairs. "
                "Dark: the same answer; lighter, the further apart.",
            ),
        ),
        methods=(
            "The mean shift, test minus reference in steps of the scale, has an "
            "interval with readers and patients random {gallas}.",
            "Symmetry {bowker}, equal margins {stuart} and equal means were tested by "
            "swapping the methods within patients, for all readers together: in every "
            f"way with up to 16 patients to swap, else in {_PERMUTATIONS:,} random "
            f"ways {{phipson}} (seed {_SEED}). Readers are taken as fixed.",
        ),
        references=("gallas", "bowker", "stuart", "phipson"),
        content={name: _json(shift, level) for name, shift in found.items()},
    )


_TAKEN_AS_FIXED = (
    "They are about these readers and other patients, and smaller than the p above "
    "where readers' own shifts differ."
)
_EXPLORATORY = "p: of no mean shift; exploratory, without correction for their number."


def _finding(question: Question, shift: _QuestionShift, test: str, level: float) -> str:
    name = f'{question.id} ("{question.text}")'
    mean, moved = shift.mean, shift.distribution
    if np.isnan(mean.estimate):
        return f"{name}: there are no complete pairs."
    interval = formatting.format_interval(mean.confidence_interval(level))
    size = formatting.format_estimate(abs(mean.estimate))
    way = f'towards "{question.labels[-1 if mean.estimate > 0 else 0]}"'
    p = formatting.format_p(mean.p_value())
    return (
        f"{name}: with {test} the answer is on average {size} steps "
        f"{way if float(size) else 'away'} (mean shift "
        f"{formatting.format_estimate(mean.estimate)} {interval}, p {p}, "
        f"readers and patients random); {moved.n_same} of {mean.n} pairs have the same "
        f"answer, {moved.n_higher} moved up the scale and {moved.n_lower} down."
    )


def _json(shift: _QuestionShift, level: float) -> formatting.Json:
    return {
        "mean_shift": formatting.clustered_json(shift.mean, level),
        "steps": shift.distribution.steps.tolist(),
        "counts": shift.distribution.counts.tolist(),
        "tests": {
            statistic: {
                "statistic": formatting.number(test.statistic),
                "p_value": formatting.number(test.p_value),
                "n_patients": test.n_patients,
                "n_swaps": test.n_swaps,
                "exact": test.exact,
                "undefined_reason": test.undefined_reason,
            }
            for statistic, test in shift.tests.items()
        },
    }
