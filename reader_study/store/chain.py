"""The hash chain of the log: pure functions of text."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reader_study.formats.canonical import sha256_of

GENESIS = "0" * 64
"""What the first entry of a log follows on."""


@dataclass(frozen=True)
class Head:
    """Last entry of a log at some moment.

    Attributes:
        n: Number of the entry; 0 for a log without entries.
        sha256: Hash of the entry, which covers all entries before it.
        time: When it was written, empty for a log without entries.
    """

    n: int = 0
    sha256: str = GENESIS
    time: str = ""


def link(previous: str, entry: str) -> str:
    """Give the hash of an entry that follows on another.

    Args:
        previous: Hash of the entry before it.
        entry: The entry as canonical JSON.
    """
    return hashlib.sha256(f"{previous}\n{entry}".encode()).hexdigest()


def row_digest(table: str, row: Mapping[str, object], columns: Sequence[str]) -> str:
    """Give the hash of what a row of a table says."""
    return sha256_of([table, {name: row[name] for name in columns}])
