"""plan.json: what a study was set to analyse before its data were seen."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from analysis.responses.faults import ResponsesError
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
        check, requirement = _RULES[name]
        if check(given[name]):
            value = given[name] or None if name == "turing_question" else given[name]
            values[name] = tuple(value) if isinstance(value, list) else value
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


Rule = tuple[Callable[[Any], bool], str]
"""When a value can be used, and how to say so."""


def _between(low: float, high: float) -> Callable[[Any], bool]:
    return lambda value: _is_number(value) and low < value < high


def _optional(rule: Rule) -> Rule:
    check, requirement = rule
    return (lambda value: value is None or check(value)), f"{requirement}, or null"


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_list_of_texts(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_list_of_codes(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(code, int | str) and not isinstance(code, bool) for code in value
    )


_TEXT: Rule = (_is_text, "a text")
_COUNT: Rule = (_is_count, "a whole number of 1 or more")
_QUESTIONS: Rule = (_is_list_of_texts, "a list of question ids")
_MARGIN: Rule = (_between(0, 1), "a number between 0 and 1")
_FLAG: Rule = (lambda value: isinstance(value, bool), "true or false")

_RULES: Mapping[str, Rule] = {
    "title": (lambda value: isinstance(value, str), "a text"),
    "reference": _TEXT,
    "test": _TEXT,
    "allocation": _optional(_TEXT),
    "order": _optional(_TEXT),
    "n_readers": _optional(_COUNT),
    "n_cases": _optional(_COUNT),
    "washout_days": _optional(
        (lambda value: _is_number(value) and value >= 0, "0 or more days")
    ),
    "confidence_level": _MARGIN,
    "incomplete_pairs": (lambda v: v in ("exclude", "disagree"), "exclude or disagree"),
    "non_inferiority_margin": _optional(_MARGIN),
    "equivalence_margin": _optional((_between(0, 0.5), "a number between 0 and 0.5")),
    "turing_question": _optional((lambda v: isinstance(v, str), "a question id")),
    "acceptability_questions": _QUESTIONS,
    "acceptable_codes": (_is_list_of_codes, "a list of codes"),
    "ordinal_questions": _QUESTIONS,
    "simulated": _FLAG,
}
_KNOWN = [field.name for field in fields(AnalysisPlan) if field.name in _RULES]
