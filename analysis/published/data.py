"""Load `tables.json`: every printed number of Table 1 and Tables S.1 to S.9."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from analysis.arrays import IntArray
from analysis.rounding import PrintedNumber

_FOLDER = Path(__file__).parent


def reconstructed_responses_path() -> Path:
    """Give the reconstructed responses.csv; see `analysis.published.reconstruction`."""
    return _FOLDER / "reconstructed_responses.csv"


@dataclass(frozen=True)
class PrintedInterval:
    """An estimate with its 95 % confidence interval, as printed."""

    estimate: PrintedNumber
    low: PrintedNumber
    high: PrintedNumber


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
class IncompletePairs:
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
    incomplete: Mapping[str, IncompletePairs]
    kappa_in_text: Mapping[str, PrintedNumber]
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
            q: IncompletePairs(t["one_answer"], t["no_answer"])
            for q, t in raw["incomplete_pairs"].items()
        },
        kappa_in_text={q: PrintedNumber(value) for q, value in text["kappa"].items()},
        power_kappa=float(text["power"]["kappa"]),
        power_alpha=float(text["power"]["alpha"]),
        power_minimum=float(text["power"]["minimum_power"]),
        image_quality=raw["image_quality"],
    )


def _interval(printed: list[str]) -> PrintedInterval:
    return PrintedInterval(*(PrintedNumber(number) for number in printed))


def _arrays(counts: Mapping[str, list[Any]]) -> dict[str, IntArray]:
    return {method: np.array(rows, dtype=np.int64) for method, rows in counts.items()}
