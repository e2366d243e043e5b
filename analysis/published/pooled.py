"""Pooled tables of all seven questions, printed or recovered from what is printed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.published.data import (
    IncompletePairs,
    Published,
)
from analysis.recovery import (
    KnownMargins,
    count_tables,
    feasible_tables,
    tables_by_reader,
)
from analysis.responses.pairing import PairedAnswers
from analysis.tables import ContingencyTable
from reader_study.formats.questionnaire import Question, paper_questionnaire

_ALL_COMPLETE = IncompletePairs(0, 0)


@dataclass(frozen=True)
class RecoveredTable:
    """How far the printed numbers determine a pooled table.

    Attributes:
        n_by_margins: Tables that fit the totals and the number of agreements.
        n_by_kappa: Those of them that also fit the printed interval of kappa.
        fitting: Those of them that the printed counts of each reader add up to.
    """

    question: Question
    n_by_margins: int
    n_by_kappa: int
    fitting: Sequence[ContingencyTable]

    @property
    def table(self) -> ContingencyTable:
        """The first table that fits; the only one where `fitting` has one."""
        return self.fitting[0]


def recover_pooled(question: Question, published: Published) -> RecoveredTable:
    """Recover the pooled table of a question of which only margins are printed.

    Row and column totals are the sums of Tables S.1 to S.5; the number of agreements
    follows from the printed percentage of all pairs.
    """
    counts = published.by_reader[question.id].counts
    rows, columns = counts[published.reference], counts[published.test]
    row = published.table_one[question.id]
    n_agree = round(row.agreement.estimate.value / 100 * published.n_pairs)
    known = rows.sum(axis=0).tolist(), columns.sum(axis=0).tolist(), n_agree
    interval = row.kappa.low.text, row.kappa.high.text
    by_kappa = list(
        feasible_tables(*known, kappa_interval=interval, categories=question.codes)
    )
    return RecoveredTable(
        question=question,
        n_by_margins=count_tables(KnownMargins.of(*known)),
        n_by_kappa=len(by_kappa),
        fitting=[t for t in by_kappa if tables_by_reader(t, rows, columns) is not None],
    )


def recover_all(published: Published) -> dict[str, RecoveredTable]:
    """Recover every pooled table that is not printed, by question."""
    return {
        question.id: recover_pooled(question, published)
        for question in paper_questionnaire()
        if question.id not in published.contingency
    }


def published_pairs(
    published: Published, recovered: Mapping[str, RecoveredTable]
) -> list[PairedAnswers]:
    """Give the pairs of answers to every question, printed or recovered."""
    pairs = []
    for question in paper_questionnaire():
        incomplete = published.incomplete.get(question.id, _ALL_COMPLETE)
        by_reader = published.by_reader.get(question.id)
        pairs.append(
            PairedAnswers(
                question=question,
                table=recovered[question.id].table
                if question.id in recovered
                else ContingencyTable(
                    published.contingency[question.id], question.codes
                ),
                n_one_answer=incomplete.one_answer,
                n_no_answer=incomplete.no_answer,
                by_reader=by_reader.counts if by_reader else None,
            )
        )
    return pairs
