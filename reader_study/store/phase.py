"""How far a study has come, and the protocol as amended: pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from enum import StrEnum

from reader_study.errors import StudyError
from reader_study.formats.protocol import Protocol
from reader_study.store.milestones import Kind, Milestone

AMENDABLE = ("corrections", "n_readers", "washout_days")
"""Settings that an amendment may change while readers read; the design is fixed."""


class Phase(StrEnum):
    """How far a study has come."""

    BUILT = "built"
    OPEN = "open"
    LOCKED = "locked"
    UNBLINDED = "unblinded"


_REACHED = (
    (Kind.UNBLINDED, Phase.UNBLINDED),
    (Kind.LOCKED, Phase.LOCKED),
    (Kind.OPENED, Phase.OPEN),
)


def phase_of(milestones: Iterable[Milestone]) -> Phase:
    """Give the last phase that was reached."""
    kinds = {milestone.kind for milestone in milestones}
    return next((phase for kind, phase in _REACHED if kind in kinds), Phase.BUILT)


def is_simulated(milestones: Iterable[Milestone]) -> bool:
    """Whether bots have read; it stays so for ever."""
    return any(milestone.kind is Kind.SIMULATED for milestone in milestones)


def require_open(milestones: Iterable[Milestone]) -> None:
    """Refuse readings before the study is opened and after the data lock.

    Raises:
        StudyError: If the study is not open.
    """
    phase = phase_of(milestones)
    if phase is not Phase.OPEN:
        why = (
            "is not open yet" if phase is Phase.BUILT else "is closed, data are locked"
        )
        msg = f"The study {why}; no answer was stored"
        raise StudyError(msg)


def amended(protocol: Protocol, milestones: Sequence[Milestone]) -> Protocol:
    """Give the protocol with all amendments.

    Raises:
        StudyError: If an amended value cannot be used.
    """
    for milestone in milestones:
        if milestone.kind is Kind.AMENDED:
            protocol = replace(protocol, **milestone.details["settings"])
    return protocol
