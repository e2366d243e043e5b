"""The reading at hand, and whether a reader may send something for it."""

from dataclasses import dataclass, field

from sqlalchemy import Connection

from reader_study.build.study import Study
from reader_study.errors import StudyError
from reader_study.reading.situation import Situation
from reader_study.store.phase import require_open
from reader_study.store.readings import Draft, Opened, Response, find_draft, find_opened


class StaleReadingError(StudyError):
    """What is sent belongs to a reading that is not at hand; show the next one."""


@dataclass(frozen=True)
class Reading:
    """The reading at hand.

    Attributes:
        token: Names it towards the store; not to be shown.
        pseudo_id: What the reader may see of the case.
        trial: Which trial.
        position: Place in the order, from 1.
        n_readings: Readings of the trial.
        draft: Answers kept on the way; empty at first.
        opened_at: When the reader first saw it; empty if only now.
    """

    token: str
    pseudo_id: str
    trial: int
    position: int
    n_readings: int
    draft: Draft = field(default_factory=lambda: Draft({}, {}))
    opened_at: str = ""


def find_reading(
    study: Study, connection: Connection, situation: Situation
) -> Reading | None:
    """Give the reading at hand, if there is one.

    Raises:
        StudyError: If the study is not open.
    """
    require_open(situation.milestones)
    p = situation.progress
    if p.token is None:
        return None
    opened = find_opened(connection, p.reader, p.token)
    return Reading(
        token=p.token,
        pseudo_id=study.manifest.presentation(p.token).pseudo_id,
        trial=p.trial,
        position=p.position,
        n_readings=p.n_readings,
        draft=find_draft(connection, p.reader, p.token) or Draft({}, {}),
        opened_at=opened[p.reader, p.token].opened_at if opened else "",
    )


def require_opened(connection: Connection, reader: str, token: object) -> Opened:
    """Give a reading that the reader has seen.

    Raises:
        StaleReadingError: If the reader has not seen such a one.
    """
    # Anything may come over the wire, also what a database refuses as text.
    known = isinstance(token, str) and token.isascii() and token.isprintable()
    opened = find_opened(connection, reader, str(token)) if known else {}
    if not opened:
        msg = "This reading has not been opened; nothing was stored"
        raise StaleReadingError(msg)
    return opened[reader, str(token)]


def require_at_hand(situation: Situation, opened: Opened) -> None:
    """Refuse what is not for the reading at hand.

    Raises:
        StaleReadingError: If it is for another one.
        StudyError: If the study is not open.
    """
    require_open(situation.milestones)
    p = situation.progress
    if opened.token == p.token:
        return
    if opened.token in situation.course.answered:
        what = "has been answered already, otherwise"
    else:
        what = "is not the one at hand"
    msg = (
        f"Reading {opened.position} of trial {opened.trial} {what}; nothing was stored"
    )
    raise StaleReadingError(msg)


def require_correctable(situation: Situation, stored: tuple[Response, ...]) -> None:
    """Refuse a correction that the protocol does not allow.

    Raises:
        StaleReadingError: If the reading was not answered, or its trial is signed.
        StudyError: If the protocol allows no corrections, or the study is not open.
    """
    require_open(situation.milestones)
    if not situation.protocol.corrections:
        msg = "The protocol allows no corrections; the answer stays as it is"
        raise StudyError(msg)
    if not stored:
        msg = "A correction must be of an answered reading; nothing was stored"
        raise StaleReadingError(msg)
    trial = stored[0].trial
    if trial in situation.course.signed:
        msg = f"Trial {trial} is signed; its answers stay as they are"
        raise StaleReadingError(msg)


def require_signable(situation: Situation, trial: int) -> int:
    """Give the number of readings of a trial that may be signed.

    Raises:
        StudyError: If readings are not answered, or the study is not open.
    """
    require_open(situation.milestones)
    p = situation.progress
    if trial != p.trial or not p.may_sign:
        msg = (
            f"Trial {trial!r:.20} must be complete to be signed; trial {p.trial} is "
            f"at hand, {p.n_answered} of {p.n_readings} readings answered"
        )
        raise StudyError(msg)
    return p.n_readings
