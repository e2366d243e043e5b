"""What readers answered at the end, as the store keeps it."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from reader_study.formats.canonical import canonical_bytes
from reader_study.store.chain import Head
from reader_study.store.tables_around import closing_answers
from reader_study.store.transaction import Transaction


@dataclass(frozen=True, kw_only=True)
class Closing:
    """A reader's answers after the last trial.

    Attributes:
        reader: Who.
        recognised: How many cases of trial 1 were known again: none, few or many.
        which: Which ones, in the reader's words.
        synthetic: Number of pictures believed to be synthetic, by trial.
        cues: What gave them away, in the reader's words.
        confidence: Of all this, from 1 to 5.
        simulated: Whether a bot answered.
        answered_at: Time of the server.
    """

    reader: str
    recognised: str
    which: str
    synthetic: Mapping[int, int]
    cues: str
    confidence: int
    simulated: bool
    answered_at: str


def find_closings(connection: Connection) -> dict[str, Closing]:
    """Give the answers by reader."""
    query = select(*(c for c in closing_answers.columns if c.name != "salt"))
    rows = connection.execute(query.order_by(closing_answers.c.reader)).mappings()
    return {
        row["reader"]: Closing(**dict(row) | {"synthetic": _counts(row["synthetic"])})
        for row in rows
    }


def keep_closing(t: Transaction, closing: Closing) -> Head:
    """Keep a reader's answers, and log that they were given."""
    counts = {str(trial): n for trial, n in closing.synthetic.items()}
    row = {
        **vars(closing),
        "synthetic": canonical_bytes(counts).decode(),
        "salt": secrets.token_hex(16),
    }
    return t.keep(closing_answers, row, "closing.answered", closing.reader, {})


def _counts(text: str) -> dict[int, int]:
    return {int(trial): n for trial, n in json.loads(text).items()}
