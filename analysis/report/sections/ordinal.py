"""Shifts on the scale: how far, and which way, answers move between the methods."""

from functools import partial

import numpy as np

from analysis.report.formatting import format_estimate, format_interval, format_p
from analysis.report.material import ARBITRARY_CASES, Material
from analysis.report.numbers import Json, clustered_json, number
from analysis.report.section import Picture, Section, Table
from analysis.report.sections.ordinal_figure import shift_figure
from analysis.report.sections.ordinal_results import (
    PERMUTATIONS,
    SEED,
    QuestionShift,
    question_shift,
)
from analysis.report.sections.ordinal_tables import (
    distribution_frame,
    mean_frame,
    notes,
)
from analysis.responses import Question
from analysis.responses.pairing import paired_readings

ID = "ordinal"
TITLE = "Shifts on the scale"


def ordinal_section(material: Material) -> Section | None:
    """Give the mean shift, its tests and its distribution of each ordinal question."""
    planned = material.plan.ordinal_questions
    asked = [q for q in material.responses.questionnaire if q.id in planned]
    if not asked:
        return None
    if material.provenance == "reconstructed":
        return Section(ID, TITLE, refused=ARBITRARY_CASES)
    level = material.confidence_level
    found = {
        question.id: question_shift(paired_readings(material.responses, question))
        for question in asked
    }
    said = [_finding(q, found[q.id], material.responses.test, level) for q in asked]
    return Section(
        ID,
        TITLE,
        findings=tuple(said),
        tables=(
            Table(
                "shifts",
                f"Test minus reference in steps of the scale, with {100 * level:g} % "
                "confidence interval, and permutation tests",
                mean_frame(found, level),
                (_TAKEN_AS_FIXED, *notes(found)),
            ),
            Table(
                "shift_distribution",
                "Pairs by the steps that the answer moved from reference to test",
                distribution_frame(found),
            ),
        ),
        pictures=(
            Picture(
                "shifts_on_the_scale",
                partial(shift_figure, found),
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
            f"way with up to 16 patients to swap, else in {PERMUTATIONS:,} random "
            f"ways {{phipson}} (seed {SEED}). Readers are taken as fixed.",
        ),
        references=("gallas", "bowker", "stuart", "phipson"),
        content={name: _json(shift, level) for name, shift in found.items()},
    )


_TAKEN_AS_FIXED = (
    "The p-values take the readers as fixed: they are about these readers and other "
    "patients. The interval takes both as random. No correction for their number."
)


def _finding(question: Question, shift: QuestionShift, test: str, level: float) -> str:
    name = f'{question.id} ("{question.text}")'
    mean, moved = shift.mean, shift.distribution
    if np.isnan(mean.estimate):
        return f"{name}: there are no complete pairs."
    interval = format_interval(mean.confidence_interval(level))
    size = format_estimate(abs(mean.estimate))
    way = f'towards "{question.labels[-1 if mean.estimate > 0 else 0]}"'
    p = format_p(shift.tests["mean_shift"].p_value)
    return (
        f"{name}: with {test} the answer is on average {size} steps "
        f"{way if float(size) else 'away'} (mean shift "
        f"{format_estimate(mean.estimate)} {interval}, permutation p of equal means "
        f"{p}); {moved.n_same} of {mean.n} pairs have the same answer, "
        f"{moved.n_higher} moved up the scale and {moved.n_lower} down."
    )


def _json(shift: QuestionShift, level: float) -> Json:
    return {
        "mean_shift": clustered_json(shift.mean, level),
        "steps": shift.distribution.steps.tolist(),
        "counts": shift.distribution.counts.tolist(),
        "tests": {
            statistic: {
                "statistic": number(test.statistic),
                "p_value": number(test.p_value),
                "n_patients": test.n_patients,
                "n_swaps": test.n_swaps,
                "exact": test.exact,
                "undefined_reason": test.undefined_reason,
            }
            for statistic, test in shift.tests.items()
        },
    }
