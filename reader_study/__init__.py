"""Blinded two-trial reader studies: design, sealing, answers, unblinding.

Examples:
    >>> import reader_study
    >>> study = reader_study.open_study("STUDY")  # doctest: +SKIP
    >>> study.status()  # doctest: +SKIP
"""

from importlib import import_module

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
    "restore": "api",
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
    "restore",
    "simulate",
    "unblind",
]


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("magic-ctp")
    if name not in _HOME:
        msg = f"module {__name__!r} from {__file__} has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
