"""Data protection and electronic records: what is asked, and what answers it."""

import tomllib
from functools import cache
from importlib.resources import files

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
    text = files("analysis.dossier").joinpath("requirements.toml").read_text("utf-8")
    return tuple(Requirement(**one) for one in tomllib.loads(text)["requirement"])


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


ERASURE = (
    "The log of a study is append-only: each entry holds the hash of the one before, "
    "so none can be taken out or changed without `magic-study verify` finding it. That is "
    "what makes the record trustworthy, and it is why single entries cannot be erased.",
    "Patients: nothing in STUDY, its database and its log names one; a pseudo-ID leads "
    "back through the sealed key alone. Destroying the key and the link that an import "
    "wrote makes that impossible. A case can be withdrawn while readings go on: its "
    "pictures are shown no more and its answers do not count; the picture files "
    "themselves stay until the folder is deleted.",
    "Readers: names, specialty, years and what they write stand in the log as they "
    "were given. Where erasure may be asked for, add readers by a code (R1, R2) and "
    "keep the list of names elsewhere: deleting a line of that list erases the name and leaves "
    "the chain whole. Names that were given in clear text can be erased only with the "
    "whole study, after the data were deposited, which replaces them (R1, R2).",
    "Article 17(3)(d) exempts research where erasure would make it impossible or "
    "seriously impair it, under the safeguards of Article 89(1); whether that holds "
    "here, the controller decides and writes down. What is missing: a command that "
    "encrypts each reader's entries under a key of their own, so that they could be "
    "erased by forgetting it.",
)
"""How erasure goes together with a log that nothing can be taken out of."""
