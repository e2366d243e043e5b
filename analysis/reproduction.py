"""The paper's printed figures recomputed, each beside the printed one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis import published as analysis_published
from analysis.agreement import cohen_kappa
from analysis.intervals import ConfidenceInterval, proportion_interval
from analysis.power import PowerFigures, PowerTest, StudySize, power_overview
from analysis.report.question import QuestionResult, analyse_question
from analysis.report.results import StudyResults
from analysis.showing import Shown
from analysis.tables import ContingencyTable

REPRODUCED = "reproduced"
NOT_REPRODUCIBLE = "not reproducible from the printed tables"


@dataclass(frozen=True)
class Comparison(Shown):
    """One printed figure and what the printed tables give.

    Attributes:
        item: What it is.
        printed: As printed.
        computed: Recomputed, with as many digits.
        difference: Units of the last printed digit between them; the largest of
            estimate and limits.
        verdict: `reproduced`, or that it is not.
        reason: Why not, or what to know beside it.
    """

    item: str
    printed: str
    computed: str
    difference: int
    verdict: str
    reason: str = ""


def compare_table_one(
    results: Sequence[QuestionResult], published: analysis_published.Published
) -> list[Comparison]:
    """Compare the fourteen figures of Table 1, and kappa as the text has it."""
    rows = []
    for result in results:
        rows += [_agreement(result, published), _kappa(result, published)]
    return [*rows, *_kappa_in_text(results, published)]


def compare_sums(published: analysis_published.Published) -> list[Comparison]:
    """Compare the printed sums of Tables S.1 to S.5 with the sums of their rows."""
    rows = []
    for question, table in published.by_reader.items():
        for method, counts in table.counts.items():
            printed, computed = table.printed_sums[method], counts.sum(axis=0)
            difference = int(np.abs(printed - computed).max())
            rows.append(
                Comparison(
                    item=f"{table.place}, sum of {method} ({question})",
                    printed=" ".join(map(str, printed)),
                    computed=" ".join(map(str, computed)),
                    difference=difference,
                    verdict=NOT_REPRODUCIBLE if difference else REPRODUCED,
                )
            )
    return rows


def _agreement(
    result: QuestionResult, published: analysis_published.Published
) -> Comparison:
    name = result.pairs.question.id
    printed = published.table_one[name].agreement
    agree, n = result.table.n_agree, result.table.n
    computed = _in_percent(agree, n)
    item = f"{name} agreement, %"
    row = _compare(item, printed, *computed, note=f"{agree}/{n}")
    if row.verdict == REPRODUCED:
        return row
    counted = n + result.pairs.n_one_answer
    as_printed = _in_percent(agree, counted)
    if _differences(printed, *as_printed):
        return row
    reason = (
        f"{published.contingency_place[name]} shows {n} pairs, {agree}/{n}; with one "
        "pair that has a single answer counted as a disagreement, "
        f"{agree}/{counted} = {_text(printed, *as_printed)}, as printed"
    )
    return Comparison(
        item, row.printed, row.computed, row.difference, row.verdict, reason
    )


def _kappa(
    result: QuestionResult, published: analysis_published.Published
) -> Comparison:
    name = result.pairs.question.id
    printed = published.table_one[name].kappa
    interval = result.kappa.confidence_interval()
    note = result.kappa.undefined_reason or ""
    return _compare(
        f"{name} kappa", printed, result.kappa.estimate, interval, note=note
    )


def _kappa_in_text(
    results: Sequence[QuestionResult], published: analysis_published.Published
) -> Iterator[Comparison]:
    for result in results:
        name = result.pairs.question.id
        printed = published.kappa_in_text.get(name)
        if printed is None:
            continue
        difference = printed.units_from(result.kappa.estimate)
        fits = difference == 0
        yield Comparison(
            item=f"{name} kappa in the text",
            printed=printed.text,
            computed=printed.format(result.kappa.estimate),
            difference=abs(difference),
            verdict=REPRODUCED if fits else NOT_REPRODUCIBLE,
            reason=""
            if fits
            else _open_answer_as_category(result.table, printed.text, published),
        )


def _open_answer_as_category(
    table: ContingencyTable, printed: str, published: analysis_published.Published
) -> str:
    """Return in words where an open answer would have to be for the text's kappa."""
    methods = published.reference, published.test
    found = kappas_with_one_open_answer(table, methods)
    fitting = [place for place, kappa in found.items() if f"{kappa:.3f}" == printed]
    return (
        f"with one more pair whose other answer is open, and open as a category of its "
        f"own, n = {table.n + 1} gives {printed} if the single answer is "
        f"{' or '.join(fitting)}; Table 1 prints the value of the printed table"
    )


def kappas_with_one_open_answer(
    table: ContingencyTable, methods: tuple[str, str] = ("reference", "test")
) -> dict[str, float]:
    """Kappa with one more pair of which only one answer is known.

    The open answer is a category of its own, so the table has one row and column more.

    Returns:
        Kappa by the method and category of the answer that is known.
    """
    k, found = table.k, {}
    for method in methods:
        for category in range(k):
            counts = np.zeros((k + 1, k + 1), dtype=np.int64)
            counts[:k, :k] = table.counts
            counts[(category, k) if method == methods[0] else (k, category)] += 1
            kappa = cohen_kappa(ContingencyTable(counts)).estimate
            found[f"{method} {table.categories[category]}"] = kappa
    return found


def _in_percent(successes: int, n: int) -> tuple[float, ConfidenceInterval]:
    interval = proportion_interval(successes, n)
    return 100 * successes / n, ConfidenceInterval(
        100 * interval.low, 100 * interval.high
    )


def _compare(
    item: str,
    printed: analysis_published.PrintedInterval,
    estimate: float,
    interval: ConfidenceInterval,
    note: str,
) -> Comparison:
    difference = _differences(printed, estimate, interval)
    numbers = (printed.estimate, printed.low, printed.high)
    return Comparison(
        item=item,
        printed="{} [{}, {}]".format(*(number.text for number in numbers)),
        computed=_text(printed, estimate, interval),
        difference=difference,
        verdict=NOT_REPRODUCIBLE if difference else REPRODUCED,
        reason=note,
    )


def _differences(
    printed: analysis_published.PrintedInterval,
    estimate: float,
    interval: ConfidenceInterval,
) -> int:
    return max(
        abs(printed.estimate.units_from(estimate)),
        abs(printed.low.units_from(interval.low)),
        abs(printed.high.units_from(interval.high)),
    )


def _text(
    printed: analysis_published.PrintedInterval,
    estimate: float,
    interval: ConfidenceInterval,
) -> str:
    low, high = printed.low.format(interval.low), printed.high.format(interval.high)
    return f"{printed.estimate.format(estimate)} [{low}, {high}]"


_ClaimFigures = dict[str, list[PowerFigures]]


def _claim_test(published: analysis_published.Published) -> tuple[StudySize, PowerTest]:
    """Return the study and the test that the claim is about."""
    size = StudySize(published.n_readers, published.n_cases)
    return size, PowerTest(published.power_kappa, alpha=published.power_alpha)


def _claim_figures(
    results: Sequence[QuestionResult], published: analysis_published.Published
) -> _ClaimFigures:
    """Compute power for the margins of each question, under every formulation."""
    size, test = _claim_test(published)
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


def _compare_power(
    figures: _ClaimFigures, published: analysis_published.Published
) -> list[Comparison]:
    """Compare the claim with the figures of each question.

    The verdict rests on the goodness-of-fit test and on the actual margins; the
    computed column gives the range over all formulations.
    """
    return [_row(question, rows, published) for question, rows in figures.items()]


def _row(
    question: str,
    figures: Sequence[PowerFigures],
    published: analysis_published.Published,
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
    published: analysis_published.Published,
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


@dataclass(frozen=True)
class Reproduction(Shown):
    """The paper's study, recomputed.

    Attributes:
        published: The printed numbers.
        study: Results from the printed counts.
        recovered: How the tables that are not printed were recovered.
        table_one: Table 1 and the text, printed against computed.
        sums: Printed sums of Tables S.1 to S.5.
        power: The power claim, printed against computed.
        power_figures: Figures behind it.
    """

    published: analysis_published.Published
    study: StudyResults
    recovered: Sequence[analysis_published.RecoveredTable]
    table_one: Sequence[Comparison]
    sums: Sequence[Comparison]
    power: Sequence[Comparison]
    power_figures: _ClaimFigures

    def _rows(self) -> list[Mapping[str, object]]:
        compared = (*self.table_one, *self.sums, *self.power)
        return [row for one in compared for row in one._rows()]

    def __repr__(self) -> str:
        """Return how many figures were reproduced, in one line."""
        rows = [*self.table_one, *self.sums]
        same = sum(row.verdict == REPRODUCED for row in rows)
        return f"Reproduction({same} of {len(rows)} printed figures reproduced)"

    @property
    def claim(self) -> tuple[StudySize, PowerTest]:
        """The study and the test that the paper's power claim is about."""
        return _claim_test(self.published)


def reproduce_paper() -> Reproduction:
    """Recompute the paper's Table 1, its supplementary tables and its power claim."""
    published = analysis_published.load_published()
    recovered = analysis_published.recover_all(published)
    pairs = analysis_published.published_pairs(published, recovered)
    results = [analyse_question(of_question) for of_question in pairs]
    figures = _claim_figures(results, published)
    return Reproduction(
        published=published,
        study=StudyResults(
            title="The MAGIC reader study, recomputed from its printed tables",
            questions=results,
            readers=[f"Doctor {n + 1}" for n in range(published.n_readers)],
            reference=published.reference,
            test=published.test,
            provenance="published",
        ),
        recovered=list(recovered.values()),
        table_one=compare_table_one(results, published),
        sums=compare_sums(published),
        power=_compare_power(figures, published),
        power_figures=figures,
    )
