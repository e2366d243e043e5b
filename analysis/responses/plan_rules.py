"""What an entry of plan.json must be."""

import math
from collections.abc import Callable, Mapping
from typing import Any

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


def _is_planted(value: object) -> bool:
    questions = value.get("questions") if isinstance(value, dict) else None
    return isinstance(questions, dict) and all(map(_is_truth, questions.values()))


def _is_truth(entry: object) -> bool:
    if not isinstance(entry, dict):
        return False
    return all(
        _is_number(entry.get(name)) and low <= entry[name] <= 1
        for name, low in (("agreement", 0), ("kappa", -1))
    )


_TEXT: Rule = (_is_text, "a text")
_COUNT: Rule = (_is_count, "a whole number of 1 or more")
_QUESTIONS: Rule = (_is_list_of_texts, "a list of question ids")
_MARGIN: Rule = (_between(0, 1), "a number between 0 and 1")
_FLAG: Rule = (lambda value: isinstance(value, bool), "true or false")

RULES: Mapping[str, Rule] = {
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
    "planted": _optional((_is_planted, "questions, each with its agreement and kappa")),
}
"""By entry."""
