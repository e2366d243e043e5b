"""Where a reader stands: which reading is next, and whether it may be read: pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from reader_study.clock import from_text, to_text


@dataclass(frozen=True)
class Progress:
    """Where a reader stands.

    Attributes:
        reader: Who.
        trial: The trial at hand; the last one when all is done.
        n_readings: Readings of this trial.
        n_answered: How many of them are answered.
        token: The reading at hand; None if there is none to read now.
        position: Its place in the order from 1; 0 if there is none.
        may_sign: Whether the trial is answered and waits for the signature.
        washout_until: Before this time the trial may not begin; None if it may.
        finished: Whether all trials are signed.
    """

    reader: str
    trial: int
    n_readings: int
    n_answered: int
    token: str | None = None
    position: int = 0
    may_sign: bool = False
    washout_until: str | None = None
    finished: bool = False


@dataclass(frozen=True)
class Course:
    """What is known of a reader's way through the study.

    Attributes:
        reader: Who.
        orders: By trial the tokens in the order of presentation.
        answered: Tokens that have a response.
        signed: Time of the signature by trial.
        early: Trials that may begin before the washout is over.
    """

    reader: str
    orders: Mapping[int, Sequence[str]]
    answered: Collection[str]
    signed: Mapping[int, str]
    early: Collection[int] = ()


def progress(course: Course, *, washout_days: float, now: str) -> Progress:
    """Say where a reader stands.

    Args:
        course: What is known of the reader.
        washout_days: Least time between two trials.
        now: Time of the server.
    """
    trials = sorted(course.orders)
    trial = next((t for t in trials if t not in course.signed), None)
    if trial is None:
        n = len(course.orders[trials[-1]])
        return Progress(course.reader, trials[-1], n, n, finished=True)
    order = course.orders[trial]
    left = [token for token in order if token not in course.answered]
    at_hand = (course.reader, trial, len(order), len(order) - len(left))
    until = _washout_until(course, trial, washout_days)
    if until is not None and now < until:
        return Progress(*at_hand, washout_until=until)
    if not left:
        return Progress(*at_hand, may_sign=True)
    return Progress(*at_hand, token=left[0], position=order.index(left[0]) + 1)


def _washout_until(course: Course, trial: int, washout_days: float) -> str | None:
    earlier = [signed for t, signed in course.signed.items() if t < trial]
    if not earlier or trial in course.early:
        return None
    return to_text(from_text(max(earlier)) + timedelta(days=washout_days))
