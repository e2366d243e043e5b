"""How readers practised, as the store keeps it."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, select

from reader_study.formats.canonical import canonical_bytes
from reader_study.store.chain import Head
from reader_study.store.tables_around import training_steps
from reader_study.store.transaction import Transaction


class Step(StrEnum):
    """What a reader can do with a training case."""

    ANSWERED = "answered"
    SEEN = "seen"
    """The feedback was read."""

    SKIPPED = "skipped"
    """All that was left of the training; it has no token."""


@dataclass(frozen=True, kw_only=True)
class TrainingStep:
    """Something that a reader did in training.

    Attributes:
        reader: Who.
        trial: Before which trial.
        token: Of the training case; empty for all that was left.
        step: What.
        answers: Code by question, where answered.
        reasons: Explanation by question.
        simulated: Whether a bot did it.
        recorded_at: Time of the server.
    """

    reader: str
    trial: int
    token: str
    step: Step
    answers: Mapping[str, int]
    reasons: Mapping[str, str]
    simulated: bool
    recorded_at: str


def find_training_steps(
    connection: Connection, reader: str | None = None
) -> tuple[TrainingStep, ...]:
    """Give what a reader, or everybody, did in training, in the order of time."""
    t = training_steps.c
    query = select(*(c for c in training_steps.columns if c.name != "salt"))
    if reader is not None:
        query = query.where(t.reader == reader)
    rows = connection.execute(query.order_by(t.reader, t.trial, t.recorded_at, t.step))
    return tuple(
        TrainingStep(
            **dict(row)
            | {"step": Step(row["step"])}
            | {name: json.loads(row[name]) for name in ("answers", "reasons")}
        )
        for row in rows.mappings()
    )


def keep_training_step(t: Transaction, step: TrainingStep) -> Head:
    """Keep what a reader did in training, and log it without the answers."""
    row = {
        **vars(step),
        "step": step.step.value,
        "answers": canonical_bytes(dict(step.answers)).decode(),
        "reasons": canonical_bytes(dict(step.reasons)).decode(),
        "salt": secrets.token_hex(16),
    }
    details = {"trial": step.trial, "token": step.token}
    event = f"training.{step.step}"
    return t.keep(training_steps, row, event, step.reader, details)
