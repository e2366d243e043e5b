"""The paper's power claim: more than 80 % at kappa .35, alpha .05, 140 pairs."""

from collections.abc import Sequence

from analysis.power import PowerFigures, PowerTest, StudySize, power_overview
from analysis.published import Published
from analysis.report.question import QuestionResult
from analysis.reproduction.comparison import NOT_REPRODUCIBLE, REPRODUCED, Comparison

ClaimFigures = dict[str, list[PowerFigures]]


def claim_test(published: Published) -> tuple[StudySize, PowerTest]:
    """Give the study and the test that the claim is about."""
    size = StudySize(published.n_readers, published.n_cases)
    return size, PowerTest(published.power_kappa, alpha=published.power_alpha)


def claim_figures(
    results: Sequence[QuestionResult], published: Published
) -> ClaimFigures:
    """Compute power for the margins of each question, under every formulation."""
    size, test = claim_test(published)
    return {
        result.pairs.question.id: power_overview(
            result.table.row_totals,
            result.table.column_totals,
            size,
            test,
            published.power_minimum,
        )
        for result in results
    }


def compare_power(figures: ClaimFigures, published: Published) -> list[Comparison]:
    """Compare the claim with the figures of each question.

    The verdict rests on the goodness-of-fit test and on the actual margins; the
    computed column gives the range over all formulations.
    """
    return [_row(question, rows, published) for question, rows in figures.items()]


def _row(
    question: str, figures: Sequence[PowerFigures], published: Published
) -> Comparison:
    item = (
        f"{question} power at kappa {published.power_kappa:g}, n = {published.n_pairs}"
    )
    claimed = published.power_minimum
    printed = f"> {100 * claimed:.0f}%"
    if figures[0].refused:
        reason = figures[0].refused
        return Comparison(item, printed, "none", 0, NOT_REPRODUCIBLE, reason)
    powers = [row.power for row in figures]
    low, high = f"{100 * min(powers):.1f}%", f"{100 * max(powers):.1f}%"
    deciding = (figures[0], figures[-1])
    holds = all(row.power > claimed for row in deciding)
    return Comparison(
        item=item,
        printed=printed,
        computed=low if low == high else f"{low} to {high}",
        difference=0,
        verdict=REPRODUCED if holds else NOT_REPRODUCIBLE,
        reason=_reason(figures, deciding, published),
    )


def _reason(
    figures: Sequence[PowerFigures],
    deciding: Sequence[PowerFigures],
    published: Published,
) -> str:
    survives = min(row.largest_icc or 0.0 for row in deciding)
    with_cases = [row.power_cases for row in deciding]
    parts = [
        f"if the {published.n_pairs} pairs are independent; holds up to an intraclass "
        f"correlation of {survives:.2f}; with {published.n_cases} pairs "
        f"{100 * min(with_cases):.0f}% to {100 * max(with_cases):.0f}%"
    ]
    parts += [
        f"below it under {row.formulation}"
        for row in figures
        if row.power <= published.power_minimum
    ]
    return "; ".join(parts)
