"""Records of what a reader does, and the receipts for them."""

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import select

from reader_study.building.study import Study
from reader_study.formats.questionnaire import Answer
from reader_study.reading.answers import Seen
from reader_study.store.milestones import Deviation, add_deviation
from reader_study.store.readings import Opened, Response, Signature, remove_draft
from reader_study.store.tables import (
    audit_log,
    presentations,
    responses,
    signatures,
    views,
    views_again,
)
from reader_study.store.transaction import Head, Transaction

PICTURE_NOT_SHOWN = "picture_not_shown"
TRAINING_NOT_SHOWN = "training_not_shown"


@dataclass(frozen=True)
class Receipt:
    """Proof that a response was stored.

    Attributes:
        reader: Name of the reader who answered.
        trial: Number of the trial.
        token: Token of the picture.
        pseudo_id: Name under which the reader knows the case in this trial.
        revision: 1, then 2 for the first correction, and so on.
        stored_at: Time of the server.
        head: Entry of the log that tells of it.
    """

    reader: str
    trial: int
    token: str
    pseudo_id: str
    revision: int
    stored_at: str
    head: Head

    @property
    def code(self) -> str:
        """Short form for the screen.

        Examples:
            >>> Receipt("anna", 1, "t", "K7", 1, "", Head(12, "ab" * 32, "")).code
            '12-ABABABAB'
        """
        return short_code(self.head)

    def to_dict(self) -> dict[str, Any]:
        """Return the content as plain values, which `verify` takes as an anchor."""
        return asdict(self) | {"code": self.code}


@dataclass(frozen=True)
class TrialReceipt:
    """Proof that a trial was signed.

    Attributes:
        reader: Name of the reader who signed.
        trial: Number of the trial.
        n_readings: Readings of the trial.
        signed_at: Time of the server.
        head: Entry of the log that tells of it; it covers all that came before.
    """

    reader: str
    trial: int
    n_readings: int
    signed_at: str
    head: Head

    @property
    def code(self) -> str:
        """Short form for the screen."""
        return short_code(self.head)

    def to_dict(self) -> dict[str, Any]:
        """Return the content as plain values, which `verify` takes as an anchor."""
        return asdict(self) | {"code": self.code}


def short_code(head: Head) -> str:
    """Return number and first digits of an entry's hash."""
    return f"{head.n}-{head.sha256[:8].upper()}"


@dataclass(frozen=True)
class SubmittedAnswers:
    """What a reader sends.

    Attributes:
        answers: Answer by question; empty if the reader cannot answer.
        reasons: Explanation by question.
        note: Reason for a correction, or for no answer.
        active_seconds: Seconds of activity, as the reader's browser counted them.
        seen: Of a stack, what was on screen; None if the browser did not tell.
    """

    answers: dict[str, Answer]
    reasons: dict[str, str]
    note: str = ""
    active_seconds: float | None = None
    seen: Seen | None = None

    @classmethod
    def of(
        cls,
        answers: Mapping[str, Answer],
        reasons: Mapping[str, str],
        *,
        note: str = "",
        active_seconds: float | None = None,
    ) -> "SubmittedAnswers":
        """Take what was checked; empty explanations are none."""
        kept = {question: text for question, text in reasons.items() if text}
        return cls(dict(answers), kept, note, active_seconds)

    def same_as(self, stored: Response) -> bool:
        """Whether this has been stored already, as after a double click."""
        return self.answers == stored.answers and self.reasons == stored.reasons


def record_opening(t: Transaction, reader: str, trial: int, token: str, n: int) -> None:
    """Keep that a reader sees a reading, the n-th of the trial, for the first time."""
    opened = Opened(reader, trial, token, n, t.now)
    details = {"trial": trial, "token": token, "position": n}
    t.keep(presentations, vars(opened), "reading.opened", reader, details)


def record_response(
    t: Transaction,
    opened: Opened,
    given: SubmittedAnswers,
    revision: int,
    *,
    simulated: bool,
) -> Response:
    """Keep a response or its correction."""
    response = Response(
        reader=opened.reader,
        trial=opened.trial,
        token=opened.token,
        revision=revision,
        position=opened.position,
        answers=given.answers,
        reasons=given.reasons,
        note=given.note,
        opened_at=opened.opened_at,
        submitted_at=t.now,
        active_seconds=given.active_seconds,
        simulated=simulated,
        log_n=t.head.n + 1,
    )
    event = "reading.submitted" if given.answers else "reading.declined"
    details = {"trial": opened.trial, "token": opened.token, "revision": revision}
    row = response.row(secrets.token_hex(16))
    remove_draft(t.connection, opened)
    t.keep(
        responses,
        row,
        "reading.corrected" if revision > 1 else event,
        opened.reader,
        details,
    )
    return response


def record_view(t: Transaction, opened: Opened, seen: Seen, revision: int = 1) -> None:
    """Keep what was on screen before an answer, or before its correction."""
    row = {
        "reader": opened.reader,
        "trial": opened.trial,
        "token": opened.token,
        "seen": seen.to_json(),
        "salt": secrets.token_hex(16),
    }
    details = {"trial": opened.trial, "token": opened.token}
    if revision > 1:
        row["revision"] = details["revision"] = revision
    table = views_again if revision > 1 else views
    t.keep(table, row, "reading.viewed", opened.reader, details)


def record_not_shown(t: Transaction, study: Study, opened: Opened) -> None:
    """Keep as a deviation that the picture of a reading could not be shown."""
    pseudo_id = study.manifest.presentation(opened.token).pseudo_id
    reason = f"the picture of {pseudo_id} is damaged"
    _record_deviation(t, PICTURE_NOT_SHOWN, opened.reader, opened.trial, reason)


def record_untrained(t: Transaction, reader: str, trial: int) -> None:
    """Keep as a deviation that the training was damaged when a reader began."""
    reason = "the list of training cases is damaged"
    _record_deviation(t, TRAINING_NOT_SHOWN, reader, trial, reason)


def record_training_not_shown(
    t: Transaction, reader: str, trial: int, position: int
) -> None:
    """Keep as a deviation that the picture of a training case could not be shown."""
    reason = f"the picture of training case {position} is damaged"
    _record_deviation(t, TRAINING_NOT_SHOWN, reader, trial, reason)


def _record_deviation(
    t: Transaction, kind: str, reader: str, trial: int, reason: str
) -> None:
    add_deviation(t, Deviation(kind, reader, trial, reason, reader))


def record_signature(t: Transaction, reader: str, trial: int, n: int) -> Signature:
    """Keep that a reader has signed a trial of n readings."""
    signature = Signature(reader, trial, n, t.now, t.head.n + 1)
    details = {"trial": trial, "readings": n}
    t.keep(signatures, vars(signature), "trial.signed", reader, details)
    return signature


def receipt_of(t: Transaction, study: Study, response: Response) -> Receipt:
    """Return the receipt of a stored response."""
    pseudo_id = study.manifest.presentation(response.token).pseudo_id
    head = _entry(t, response.log_n, response.submitted_at)
    return _reading_receipt(response, pseudo_id, head)


def receipt_of_trial(t: Transaction, signature: Signature) -> TrialReceipt:
    """Return the receipt of a signed trial."""
    return _trial_receipt(signature, _entry(t, signature.log_n, signature.signed_at))


def _reading_receipt(response: Response, pseudo_id: str, head: Head) -> Receipt:
    """Make the receipt of a response; the same one whenever it is asked for."""
    r = response
    return Receipt(
        r.reader, r.trial, r.token, pseudo_id, r.revision, r.submitted_at, head
    )


def _trial_receipt(signature: Signature, head: Head) -> TrialReceipt:
    """Make the receipt of a signed trial; the same one whenever it is asked for."""
    s = signature
    return TrialReceipt(s.reader, s.trial, s.n_readings, s.signed_at, head)


def _entry(t: Transaction, n: int, time: str) -> Head:
    if n == t.head.n:
        return t.head
    found = t.connection.execute(select(audit_log.c.sha256).where(audit_log.c.n == n))
    return Head(n, found.scalar_one(), time)
