"""plan.json: what a study was set to analyse before its data were seen."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from analysis.responses.faults import ResponsesError
from analysis.responses.plan_rules import RULES
from analysis.responses.questionnaire import Code

FILE_NAME = "plan.json"


@dataclass(frozen=True, kw_only=True)
class AnalysisPlan:
    """The plan of an analysis; its defaults are those of the paper's questionnaire.

    A margin has no default: one chosen after the data were seen proves nothing.
    """

    title: str = ""
    """Title of the study."""

    reference: str = "RAPID"
    """Reference method."""

    test: str = "MAGIC"
    """Test method."""

    allocation: str | None = None
    """How cases were allotted to methods and trials, None where not known."""

    order: str | None = None
    """Whether readers shared an order of presentation."""

    n_readers: int | None = None
    """Readers that were planned."""

    n_cases: int | None = None
    """Cases that were planned."""

    washout_days: float | None = None
    """Least days between the trials."""

    confidence_level: float = 0.95
    """Level of all intervals."""

    incomplete_pairs: Literal["exclude", "disagree"] = "exclude"
    """What is done with pairs that lack an answer."""

    non_inferiority_margin: float | None = None
    """Largest loss in the proportion acceptable that would be accepted, 0 to 1."""

    equivalence_margin: float | None = None
    """How far from 0.5 a balanced accuracy may be and count as chance, 0 to 0.5."""

    turing_question: str | None = "Q1"
    """Question that asks whether a picture is real, None if none does."""

    acceptability_questions: tuple[str, ...] = ("Q2A", "Q2B", "Q2C", "Q2D")
    """Questions that ask whether a picture is acceptable."""

    acceptable_codes: tuple[Code, ...] = (1,)
    """Answers that count as acceptable."""

    ordinal_questions: tuple[str, ...] = ("Q3", "Q4")
    """Questions whose answers are steps of a scale."""

    simulated: bool = False
    """The readings are a rehearsal's."""

    planted: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Agreement and kappa that a rehearsal's bots were made to show, by question."""

    prespecified: bool = False
    """The plan comes from a study's file, not from these defaults."""


def load_plan(path: Path) -> AnalysisPlan:
    """Read plan.json; what it leaves out keeps its default.

    Args:
        path: The file; see docs/file-formats.md. Entries not known here are left alone.

    Raises:
        ResponsesError: If it is not a JSON object or a value cannot be used. It names
            all faults.
        OSError: If it cannot be read.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ResponsesError([f"{path}: not a JSON file ({error})"]) from error
    if not isinstance(content, dict) or content.get("schema", 1) != 1:
        raise ResponsesError([f"{path}: must be a JSON object of schema 1"])
    inner = content.get("analysis") or {}
    if not isinstance(inner, dict):
        raise ResponsesError([f"{path}: analysis must be an object, got {inner!r}"])
    given = {**content, **inner}
    values: dict[str, Any] = {"prespecified": True}
    faults = []
    for name in _KNOWN:
        if name not in given:
            continue
        check, requirement = RULES[name]
        if check(given[name]):
            keep = _KEPT_AS.get(name)
            values[name] = keep(given[name]) if keep else given[name]
        else:
            faults.append(f"{path}: {name} must be {requirement}, got {given[name]!r}")
    if faults:
        raise ResponsesError(faults)
    return AnalysisPlan(**values)


def plan_beside(responses: Path) -> AnalysisPlan:
    """Give the plan that lies beside responses.csv, or the paper's without margins.

    Raises:
        ResponsesError: If there is one that cannot be used.
    """
    path = responses.with_name(FILE_NAME)
    return load_plan(path) if path.exists() else AnalysisPlan()


def _planted(given: Mapping[str, Any] | None) -> dict[str, tuple[float, float]]:
    questions = given["questions"] if given else {}
    return {name: (of["agreement"], of["kappa"]) for name, of in questions.items()}


_KEPT_AS: Mapping[str, Callable[[Any], object]] = {
    "turing_question": lambda question: question or None,
    "acceptability_questions": tuple,
    "acceptable_codes": tuple,
    "ordinal_questions": tuple,
    "planted": _planted,
}
"""How the plan keeps an entry that it does not keep as given."""
_KNOWN = [entry.name for entry in fields(AnalysisPlan) if entry.name in RULES]
