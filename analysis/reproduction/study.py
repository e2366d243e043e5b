"""Everything that `magic-analyze reproduce` shows."""

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.published import (
    Published,
    RecoveredTable,
    load_published,
    published_pairs,
    recover_all,
)
from analysis.report.question import analyse_question
from analysis.report.study import StudyResults
from analysis.reproduction.comparison import (
    Comparison,
    compare_sums,
    compare_table_one,
)
from analysis.reproduction.power_claim import (
    ClaimFigures,
    claim_figures,
    compare_power,
)


@dataclass(frozen=True)
class Reproduction:
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

    published: Published
    study: StudyResults
    recovered: Sequence[RecoveredTable]
    table_one: Sequence[Comparison]
    sums: Sequence[Comparison]
    power: Sequence[Comparison]
    power_figures: ClaimFigures


def reproduce_paper() -> Reproduction:
    """Recompute the paper's Table 1, its supplementary tables and its power claim."""
    published = load_published()
    recovered = recover_all(published)
    pairs = published_pairs(published, recovered)
    results = [analyse_question(of_question) for of_question in pairs]
    figures = claim_figures(results, published)
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
        power=compare_power(figures, published),
        power_figures=figures,
    )
