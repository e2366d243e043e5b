"""Shifts on the scale as tables of text."""

from collections.abc import Mapping

import pandas as pd

from analysis.report.formatting import format_clustered, format_p, neutralise
from analysis.report.sections.ordinal_results import TESTS, QuestionShift


def mean_frame(found: Mapping[str, QuestionShift], level: float) -> pd.DataFrame:
    """Mean shift and tests of each question."""
    return pd.DataFrame(
        [
            {
                "Question": neutralise(name),
                "Pairs": str(shift.mean.n),
                "Mean shift": format_clustered(shift.mean, level),
                **{
                    f"{label}, p": format_p(shift.tests[statistic].p_value)
                    for statistic, label in TESTS.items()
                },
                "Patients to swap": str(
                    max(test.n_patients for test in shift.tests.values())
                ),
            }
            for name, shift in found.items()
        ]
    )


def notes(found: Mapping[str, QuestionShift]) -> tuple[str, ...]:
    """What makes a mean shift uncertain, by question."""
    return tuple(
        f"{name}: {reason}."
        for name, shift in found.items()
        for reason in dict.fromkeys(
            [*shift.mean.cautions, *filter(None, [shift.mean.undefined_reason])]
        )
    )


def distribution_frame(found: Mapping[str, QuestionShift]) -> pd.DataFrame:
    """Pairs by steps moved."""
    furthest = max(int(shift.distribution.steps[-1]) for shift in found.values())
    rows = []
    for name, shift in found.items():
        moved = shift.distribution
        counts = dict(zip(moved.steps.tolist(), moved.counts.tolist(), strict=True))
        rows.append(
            {
                "Question": neutralise(name),
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
