"""Checklists as data, and which items the record of a study answers.

An item names facts (`analysis.dossier.facts`) and what a person must add. Its wording
is this project's; number and source are those of the publication.
"""

import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Literal

from reader_study.formats import checking
from reader_study.formats.delimited import csv_text, guarded

Status = Literal["from the record", "in part", "a person", "does not apply"]
STATUSES: tuple[Status, ...] = (
    "from the record", "in part", "a person", "does not apply",
)  # fmt: skip
NAMES = ("grras", "claim_2024", "stard_ai", "tripod_ai", "smd_scorecard", "decide_ai")
"""Checklists of a dossier, in their order."""

COLUMNS = ("item", "part", "asks", "status", "record", "person")


@checking.record(kw_only=True)
class Item:
    """One row of a checklist, a part of an item counting as one.

    Attributes:
        number: As published, such as `15a`.
        part: Where in a paper it belongs.
        asks: What it asks for.
        facts: Names of the facts that answer it.
        person: What a person must add; empty where facts are the whole answer.
        until: What a person must add as long as a fact is unknown, by its name.
        not_here: Why it cannot apply to readings of stored images, else empty.
    """

    number: checking.Filled
    part: checking.Filled
    asks: checking.Filled
    facts: tuple[checking.Filled, ...] = ()
    person: checking.Text = ""
    until: Mapping[checking.Filled, checking.Filled] = field(default_factory=dict)
    not_here: checking.Text = ""

    def __post_init__(self) -> None:
        if bool(self.not_here) == bool(self.facts or self.person):
            why = "must be given alone, or facts or person instead of it"
            raise checking.Invalid(why, "not_here")


@checking.record(kw_only=True)
class Checklist:
    """A reporting guideline.

    Attributes:
        name: Short.
        title: Whole.
        source: The publication.
        about: What kind of study it is for, and how far that is this one.
        n_items: Items that the publication counts.
        n_rows: The same with the parts of items.
        item: All of them.
    """

    name: checking.Filled
    title: checking.Filled
    source: checking.Filled
    about: checking.Filled
    n_items: checking.Positive
    n_rows: checking.Positive
    item: tuple[Item, ...]


@dataclass(frozen=True)
class Answered:
    """An item and what the record says.

    Attributes:
        item: The item.
        record: What is known, empty where nothing is.
        person: What a person must add, empty where nothing is missing.
        status: Who answers it.
    """

    item: Item
    record: str
    person: str
    status: Status


@cache
def checklist(name: str) -> Checklist:
    """Return a checklist, one of `NAMES`."""
    path = files("analysis.dossier").joinpath(f"lists/{name}.toml")
    content = tomllib.loads(path.read_text("utf-8"))
    items = tuple(Item(**one) for one in content.pop("item"))
    return Checklist(**content, item=items)


def answered(
    of: Checklist, facts: Mapping[str, str], absent: Mapping[str, str] | None = None
) -> list[Answered]:
    """Answer each item by its facts, as far as the record knows them.

    Args:
        of: The checklist.
        facts: What is known, by name.
        absent: Why a study of this design has no such facts, by name.
    """
    return [_answered(item, facts, absent or {}) for item in of.item]


def _answered(
    item: Item, facts: Mapping[str, str], absent: Mapping[str, str]
) -> Answered:
    said = " ".join(dict.fromkeys(facts[name] for name in item.facts if name in facts))
    why = item.not_here
    if item.facts and not said and absent.keys() >= {*item.facts}:
        why = " ".join(dict.fromkeys(absent[name] for name in item.facts))
    if why:
        return Answered(item, why, "", "does not apply")
    open_yet = (text for name, text in item.until.items() if name not in facts)
    person = " ".join(filter(None, (*open_yet, item.person)))
    if not said:
        person = person or "all of it: the record does not say."
        return Answered(item, "", person, "a person")
    status: Status = "in part" if person else "from the record"
    return Answered(item, said, person, status)


def counts(rows: Sequence[Answered]) -> dict[Status, int]:
    """Return how many items are answered by whom."""
    found = Counter(row.status for row in rows)
    return {status: found[status] for status in STATUSES}


def to_csv(rows: Sequence[Answered]) -> str:
    """Return a checklist as CSV that no spreadsheet runs."""
    return csv_text(
        COLUMNS,
        (
            {
                "item": row.item.number,
                "part": row.item.part,
                "asks": row.item.asks,
                "status": row.status,
                "record": guarded(row.record),
                "person": guarded(row.person),
            }
            for row in rows
        ),
    )
