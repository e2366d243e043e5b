"""The paper's printed numbers as data, and its pooled tables, printed or recovered."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from analysis import recovery
from analysis.arrays import IntArray
from analysis.responses.pairing import PairedAnswers
from analysis.tables import ContingencyTable
from reader_study.formats.questionnaire import Question, paper_questionnaire

_FOLDER = Path(__file__).parent


def reconstructed_responses_path() -> Path:
    """Return the path of the responses that `reconstruction` made."""
    return _FOLDER / "reconstructed_responses.csv"


@dataclass(frozen=True)
class PrintedInterval:
    """An estimate with its 95 % confidence interval, as printed."""

    estimate: recovery.PrintedNumber
    low: recovery.PrintedNumber
    high: recovery.PrintedNumber


@dataclass(frozen=True)
class TableOneRow:
    """A row of Table 1: agreement in percent, and kappa."""

    agreement: PrintedInterval
    kappa: PrintedInterval


@dataclass(frozen=True)
class ReaderCounts:
    """Answers of each reader, one of Tables S.1 to S.5.

    Attributes:
        place: Which table.
        counts: Per method `(readers, k)`.
        printed_sums: Per method the `(k,)` last row as printed.
    """

    place: str
    counts: Mapping[str, IntArray]
    printed_sums: Mapping[str, IntArray]


@dataclass(frozen=True)
class IncompleteCount:
    """Pairs that a printed table leaves out.

    Attributes:
        one_answer: Pairs with one answer; the printed percentages count them.
        no_answer: Pairs without any.
    """

    one_answer: int
    no_answer: int


@dataclass(frozen=True)
class Published:
    """What the paper prints of its reader study."""

    source: str
    n_readers: int
    n_cases: int
    reference: str
    test: str
    table_one: Mapping[str, TableOneRow]
    by_reader: Mapping[str, ReaderCounts]
    contingency: Mapping[str, IntArray]
    contingency_place: Mapping[str, str]
    incomplete: Mapping[str, IncompleteCount]
    kappa_in_text: Mapping[str, recovery.PrintedNumber]
    power_kappa: float
    power_alpha: float
    power_minimum: float
    image_quality: Mapping[str, Mapping[str, Any]]

    @property
    def n_pairs(self) -> int:
        """Pairs of readings, 7 readers x 20 cases."""
        return self.n_readers * self.n_cases


@lru_cache(maxsize=1)
def load_published() -> Published:
    """Read the numbers; they are part of the package."""
    raw = json.loads((_FOLDER / "tables.json").read_text(encoding="utf-8"))
    text = raw["text"]
    return Published(
        source=raw["source"],
        n_readers=raw["readers"],
        n_cases=raw["cases"],
        reference=raw["reference"],
        test=raw["test"],
        table_one={
            q: TableOneRow(_interval(row["agreement"]), _interval(row["kappa"]))
            for q, row in raw["table_1"]["rows"].items()
        },
        by_reader={
            q: ReaderCounts(t["place"], _arrays(t["counts"]), _arrays(t["printed_sum"]))
            for q, t in raw["counts_by_reader"].items()
        },
        contingency={q: np.array(t["counts"]) for q, t in raw["contingency"].items()},
        contingency_place={q: t["place"] for q, t in raw["contingency"].items()},
        incomplete={
            q: IncompleteCount(t["one_answer"], t["no_answer"])
            for q, t in raw["incomplete_pairs"].items()
        },
        kappa_in_text={
            q: recovery.PrintedNumber(value) for q, value in text["kappa"].items()
        },
        power_kappa=float(text["power"]["kappa"]),
        power_alpha=float(text["power"]["alpha"]),
        power_minimum=float(text["power"]["minimum_power"]),
        image_quality=raw["image_quality"],
    )


def _interval(printed: list[str]) -> PrintedInterval:
    return PrintedInterval(*(recovery.PrintedNumber(number) for number in printed))


def _arrays(counts: Mapping[str, list[Any]]) -> dict[str, IntArray]:
    return {method: np.array(rows, dtype=np.int64) for method, rows in counts.items()}


_ALL_COMPLETE = IncompleteCount(0, 0)


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
        recovery.feasible_tables(
            *known, kappa_interval=interval, categories=question.codes
        )
    )
    return RecoveredTable(
        question=question,
        n_by_margins=recovery.count_tables(recovery.KnownMargins.of(*known)),
        n_by_kappa=len(by_kappa),
        fitting=[
            t
            for t in by_kappa
            if recovery.tables_by_reader(t, rows, columns) is not None
        ],
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
    """Return the pairs of answers to every question, printed or recovered."""
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
