"""Data protection and electronic records: what is asked, and what answers it."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from reader_study.formats import checking
from reader_study.formats.delimited import csv_text

COLUMNS = ("law", "asks", "mechanism", "command", "tests", "missing")


@checking.record(kw_only=True)
class Requirement:
    """One requirement.

    Attributes:
        law: Where it stands.
        asks: What it asks for.
        mechanism: What of this project answers it.
        command: How to see it, empty where nothing is typed.
        tests: Tests of the repository that show it, `file::name`.
        missing: What this project does not do.
    """

    law: checking.Filled
    asks: checking.Filled
    mechanism: checking.Filled
    tests: tuple[checking.Filled, ...]
    command: checking.Text = ""
    missing: checking.Text = ""


@cache
def requirements() -> tuple[Requirement, ...]:
    """Return all of them, law by law."""
    return tuple(Requirement(**one) for one in _content()["requirement"])


def to_csv() -> str:
    """Return them as CSV."""
    return csv_text(
        COLUMNS,
        (
            {name: getattr(one, name) for name in COLUMNS}
            | {"tests": "; ".join(one.tests)}
            for one in requirements()
        ),
    )


@cache
def erasure() -> tuple[str, ...]:
    """Return how erasure goes together with a log that nothing can be taken out of."""
    return tuple(_content()["erasure"])


def _content() -> dict[str, Any]:
    path = files("analysis.dossier").joinpath("requirements.toml")
    return tomllib.loads(path.read_text("utf-8"))
