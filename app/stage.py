"""Which screen a reader is on: decided by the store, never by the page; pure."""

from dataclasses import dataclass
from enum import StrEnum

from reader_study.phase import Phase
from reader_study.progress import Progress


class Stage(StrEnum):
    """The screens of a reader who has signed in, in their order."""

    CLOSED = "closed"
    INSTRUCTIONS = "instructions"
    DISPLAY = "display"
    READING = "reading"
    REVIEW = "review"
    WASHOUT = "washout"
    FINISHED = "finished"


@dataclass(frozen=True)
class Acknowledged:
    """What a reader has confirmed.

    Attributes:
        instructions: Those of this protocol, with consent to take part.
        display: That it shows all grey steps, since the last sign-in.
    """

    instructions: bool = False
    display: bool = False


def stage_of(progress: Progress, phase: Phase, acknowledged: Acknowledged) -> Stage:
    """Give the screen that a reader is on."""
    needs = (
        (Stage.FINISHED, progress.finished),
        (Stage.CLOSED, phase is not Phase.OPEN),
        (Stage.WASHOUT, progress.washout_until is not None),
        (Stage.INSTRUCTIONS, not acknowledged.instructions),
        (Stage.DISPLAY, not acknowledged.display),
        (Stage.REVIEW, progress.may_sign),
    )
    return next((stage for stage, needed in needs if needed), Stage.READING)
