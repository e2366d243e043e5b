"""Blinded two-trial reader studies: design, sealing, answers, unblinding.

Examples:
    >>> import reader_study
    >>> study = reader_study.open_study("STUDY")  # doctest: +SKIP
    >>> study.status()  # doctest: +SKIP
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reader_study.api import (
        RunningStudy,
        audit,
        build,
        open_study,
        simulate,
        unblind,
    )
    from reader_study.blinding_audit.findings import AuditReport
    from reader_study.building.builder import BuiltStudy
    from reader_study.errors import StudyError
    from reader_study.formats.checking import FormatError
    from reader_study.formats.manifest import Manifest
    from reader_study.formats.protocol import Protocol, read_protocol
    from reader_study.formats.questionnaire import (
        Questionnaire,
        paper_questionnaire,
        read_questionnaire,
    )
    from reader_study.reading.reading_session import ReadingSession
    from reader_study.rehearsal.bots import SimulationPlan
    from reader_study.rehearsal.simulation import Simulated
    from reader_study.running.flow import Flow
    from reader_study.running.status import StudyStatus
    from reader_study.running.unblinding import Unblinded
    from reader_study.store.verifying import Verification

    __version__: str

_HOME = {
    "AuditReport": "blinding_audit.findings",
    "BuiltStudy": "building.builder",
    "Flow": "running.flow",
    "FormatError": "formats.checking",
    "Manifest": "formats.manifest",
    "Protocol": "formats.protocol",
    "Questionnaire": "formats.questionnaire",
    "ReadingSession": "reading.reading_session",
    "RunningStudy": "api",
    "Simulated": "rehearsal.simulation",
    "SimulationPlan": "rehearsal.bots",
    "StudyError": "errors",
    "StudyStatus": "running.status",
    "Unblinded": "running.unblinding",
    "Verification": "store.verifying",
    "audit": "api",
    "build": "api",
    "open_study": "api",
    "paper_questionnaire": "formats.questionnaire",
    "read_protocol": "formats.protocol",
    "read_questionnaire": "formats.questionnaire",
    "simulate": "api",
    "unblind": "api",
}
"""Module of each name, so that importing the package loads none of them."""

__all__ = [
    "AuditReport",
    "BuiltStudy",
    "Flow",
    "FormatError",
    "Manifest",
    "Protocol",
    "Questionnaire",
    "ReadingSession",
    "RunningStudy",
    "Simulated",
    "SimulationPlan",
    "StudyError",
    "StudyStatus",
    "Unblinded",
    "Verification",
    "audit",
    "build",
    "open_study",
    "paper_questionnaire",
    "read_protocol",
    "read_questionnaire",
    "simulate",
    "unblind",
]


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("magic-ctp")
    if name not in _HOME:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
