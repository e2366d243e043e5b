"""Readings as stored: training, opened, drafted, answered, signed, closing answers."""

import secrets
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Select, delete, func, insert, literal, select

from reader_study.errors import StudyError
from reader_study.formats.canonical import canonical_bytes
from reader_study.formats.questionnaire import Answer
from reader_study.store import tables
from reader_study.store.stored import stored_json, stored_word
from reader_study.store.transaction import Head, Transaction


@dataclass(frozen=True, kw_only=True)
class Closing:
    """A reader's answers after the last trial.

    Attributes:
        reader: Name of the reader.
        recognised: How many cases of trial 1 were known again: none, few or many.
        which: The cases recognised, in the reader's words.
        synthetic: Number of pictures believed to be synthetic, by trial.
        cues: What gave them away, in the reader's words.
        confidence: Confidence in all this, from 1 to 5.
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
    """Return the answers by reader."""
    query = select(*(c for c in tables.closing_answers.columns if c.name != "salt"))
    rows = connection.execute(
        query.order_by(tables.closing_answers.c.reader)
    ).mappings()
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
    return t.keep(tables.closing_answers, row, "closing.answered", closing.reader, {})


class Step(StrEnum):
    """What a reader can do with a training case."""

    ANSWERED = "answered"
    SEEN = "seen"
    """The feedback was read."""

    SKIPPED = "skipped"
    """All that was left of the training, without a token; with one, a case whose
    picture could not be shown."""


@dataclass(frozen=True, kw_only=True)
class TrainingStep:
    """Something that a reader did in training.

    Attributes:
        reader: Name of the reader.
        trial: Number of the trial that it comes before.
        token: Token of the training case; empty for all that was left.
        step: What was done.
        answers: Answer by question, where answered.
        reasons: Explanation by question.
        simulated: Whether a bot did it.
        recorded_at: Time of the server.
    """

    reader: str
    trial: int
    token: str
    step: Step
    answers: Mapping[str, Answer]
    reasons: Mapping[str, str]
    simulated: bool
    recorded_at: str


def find_training_steps(
    connection: Connection, reader: str | None = None
) -> tuple[TrainingStep, ...]:
    """Return what a reader, or everybody, did in training, in the order of time."""
    t = tables.training_steps.c
    query = select(*(c for c in tables.training_steps.columns if c.name != "salt"))
    if reader is not None:
        query = query.where(t.reader == reader)
    found = connection.execute(query.order_by(t.reader, t.trial, t.recorded_at, t.step))
    return tuple(
        TrainingStep(
            **row
            | {"step": stored_word(Step, row["step"], _key("training_steps", row))}
            | _parsed(row, "training_steps")
        )
        for row in map(dict, found.mappings())
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
    return t.keep(tables.training_steps, row, event, step.reader, details)


@dataclass(frozen=True)
class Opened:
    """A reading that a reader has seen."""

    reader: str
    trial: int
    token: str
    position: int
    opened_at: str


@dataclass(frozen=True)
class Response:
    """A stored response; the last revision is the one that counts.

    Attributes:
        reader: Name of the reader who answered.
        trial: Number of the trial.
        token: Token of the picture.
        revision: 1, then 2 for the first correction, and so on.
        position: Place in the presentation order, from 1.
        answers: Answer by question; empty if the reader could not answer.
        reasons: Explanation by question.
        note: Reason for a correction, or for no answer.
        opened_at: Time at which the reader first saw it.
        submitted_at: Time at which it was stored.
        active_seconds: Seconds of activity, as the reader's browser counted them.
        simulated: Whether a bot answered.
        log_n: Entry of the log that tells of it.
    """

    reader: str
    trial: int
    token: str
    revision: int
    position: int
    answers: Mapping[str, Answer]
    reasons: Mapping[str, str]
    note: str
    opened_at: str
    submitted_at: str
    active_seconds: float | None
    simulated: bool
    log_n: int

    def row(self, salt: str) -> dict[str, object]:
        """Return the row of table `responses`."""
        return {
            **vars(self),
            "answers": canonical_bytes(dict(self.answers)).decode(),
            "reasons": canonical_bytes(dict(self.reasons)).decode(),
            "salt": salt,
        }


@dataclass(frozen=True)
class Signature:
    """A reader's word that a trial is done."""

    reader: str
    trial: int
    n_readings: int
    signed_at: str
    log_n: int


@dataclass(frozen=True)
class Draft:
    """Answers on the way."""

    answers: Mapping[str, Answer]
    reasons: Mapping[str, str]


def find_opened(
    connection: Connection, reader: str | None = None, token: str | None = None
) -> dict[tuple[str, str], Opened]:
    """Return what has been opened, by reader and token."""
    query = select(tables.presentations)
    if token is not None:
        query = query.where(tables.presentations.c.token == token)
    if reader is not None:
        query = query.where(tables.presentations.c.reader == reader)
    found = [Opened(**row) for row in connection.execute(query).mappings()]
    return {(opened.reader, opened.token): opened for opened in found}


def find_responses(
    connection: Connection,
    reader: str | None = None,
    token: str | None = None,
    *,
    lost: Collection[tuple[str, str]] = (),
) -> tuple[Response, ...]:
    """Return all revisions of all responses, sorted by trial, position, revision.

    Args:
        connection: Reading the state of one moment.
        reader: One reader; None for all.
        token: One picture; None for all.
        lost: Readings, by reader and token, whose rows are damaged; left out.
    """
    query: Select[tuple[object, ...]] = select(
        *(column for column in tables.responses.columns if column.name != "salt")
    )
    if reader is not None:
        query = query.where(tables.responses.c.reader == reader)
    if token is not None:
        query = query.where(tables.responses.c.token == token)
    r = tables.responses.c
    query = query.order_by(r.reader, r.trial, r.position, r.token, r.revision)
    rows = connection.execute(query).mappings()
    return tuple(
        _response(dict(row))
        for row in rows
        if (row["reader"], row["token"]) not in lost
    )


def find_views(connection: Connection) -> dict[tuple[str, str, int], str]:
    """Return what was on screen before an answer or correction, as JSON.

    Returns:
        By reader, token and revision.
    """
    v, again = tables.views.c, tables.views_again.c
    first = select(v.reader, v.token, literal(1), v.seen)
    later = select(again.reader, again.token, again.revision, again.seen)
    rows = [*connection.execute(first), *connection.execute(later)]
    return {(reader, token, revision): seen for reader, token, revision, seen in rows}


def latest(revisions: tuple[Response, ...]) -> dict[tuple[str, str], Response]:
    """Return the revisions that count, by reader and token."""
    return {(response.reader, response.token): response for response in revisions}


def answered_tokens(connection: Connection, reader: str) -> frozenset[str]:
    """Return the tokens that a reader has answered."""
    query = select(tables.responses.c.token).where(
        tables.responses.c.reader == reader, tables.responses.c.revision == 1
    )
    return frozenset(connection.execute(query).scalars())


def count_responses(connection: Connection) -> int:
    """Return the number of stored revisions."""
    return connection.execute(
        select(func.count()).select_from(tables.responses)
    ).scalar_one()


def find_signatures(
    connection: Connection, reader: str | None = None
) -> dict[tuple[str, int], Signature]:
    """Return the signatures, by reader and trial."""
    query = select(tables.signatures)
    if reader is not None:
        query = query.where(tables.signatures.c.reader == reader)
    found = [Signature(**row) for row in connection.execute(query).mappings()]
    return {(signature.reader, signature.trial): signature for signature in found}


def find_draft(connection: Connection, reader: str, token: str) -> Draft | None:
    """Return the draft of a reading, if there is one that can be read."""
    query = select(tables.drafts).where(
        tables.drafts.c.reader == reader, tables.drafts.c.token == token
    )
    row = connection.execute(query).mappings().first()
    with suppress(StudyError):  # a damaged draft is none
        return Draft(**_parsed(dict(row), "drafts")) if row else None
    return None


def replace_draft(
    connection: Connection, opened: Opened, draft: Draft, saved_at: str
) -> None:
    """Keep a draft instead of the one before."""
    remove_draft(connection, opened)
    row = {
        "reader": opened.reader,
        "trial": opened.trial,
        "token": opened.token,
        "answers": canonical_bytes(dict(draft.answers)).decode(),
        "reasons": canonical_bytes(dict(draft.reasons)).decode(),
        "saved_at": saved_at,
    }
    connection.execute(insert(tables.drafts), row)


def remove_draft(connection: Connection, opened: Opened) -> None:
    """Remove the draft of a reading."""
    connection.execute(
        delete(tables.drafts).where(
            tables.drafts.c.reader == opened.reader,
            tables.drafts.c.token == opened.token,
        )
    )


def _counts(text: str) -> dict[int, int]:
    counts = stored_json(text, "closing_answers")
    return {int(trial): n for trial, n in counts.items()}


def _response(row: dict[str, object]) -> Response:
    return Response(**row | _parsed(row, "responses"))  # type: ignore[arg-type]


def _parsed(row: Mapping[str, object], table: str) -> dict[str, Any]:
    where = _key(table, row)
    return {name: stored_json(row[name], where) for name in ("answers", "reasons")}


def _key(table: str, row: Mapping[str, object]) -> str:
    columns = tables.metadata.tables[table].primary_key.columns
    return f"{table} {[row[column.name] for column in columns]}"
