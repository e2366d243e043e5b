"""The plan of analysis: checked at the build, handed on when a study is unblinded."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from reader_study.build.study import Study
from reader_study.errors import StudyError
from reader_study.formats.checking import line_of
from reader_study.formats.protocol import Protocol
from reader_study.formats.questionnaire import Questionnaire
from reader_study.store.milestones import Kind, Milestone
from reader_study.store.phase import amended

_Problem = tuple[str, str]  # key, and why it cannot be used


def check_plan(protocol: Protocol, questionnaire: Questionnaire, path: Path) -> None:
    """Check the keys of `[analysis]` that a report reads; others are left alone.

    Args:
        protocol: With the plan.
        questionnaire: Of the study.
        path: The file study.toml.

    Raises:
        StudyError: If a value cannot be used; the line is named.
    """
    plan = protocol.analysis
    for key, why in (*_number_problems(plan), *_question_problems(plan, questionnaire)):
        line = line_of(path.read_text(encoding="utf-8"), ("analysis", key))
        msg = f"{path} line {line}: analysis.{key} {why}"
        raise StudyError(msg)


def plan_content(study: Study, milestones: Sequence[Milestone]) -> dict[str, Any]:
    """Give the content of plan.json, which names the methods.

    Args:
        study: The built study.
        milestones: Its course; settings are given as amended.
    """
    p = amended(study.protocol, milestones)
    rehearsed = [m.details for m in milestones if m.kind is Kind.SIMULATED]
    return {
        "schema": 1,
        "study_id": study.manifest.study_id,
        "title": p.title,
        "reference": p.reference,
        "test": p.test,
        "allocation": p.allocation,
        "order": p.order,
        "n_readers": p.n_readers,
        "n_cases": p.n_cases,
        "washout_days": p.washout_days,
        "corrections": p.corrections,
        "roles": list(p.roles),
        "analysis": dict(p.analysis),
        "simulated": bool(rehearsed),
        "planted": rehearsed[0].get("planted") if rehearsed else None,
    }


def _between(low: float, high: float) -> Callable[[object], bool]:
    def holds(value: object) -> bool:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and low < float(str(value)) < high

    return holds


_NUMBERS = {
    "confidence_level": (_between(0, 1), "must be between 0 and 1"),
    "non_inferiority_margin": (_between(0, 1), "must be between 0 and 1"),
    "equivalence_margin": (_between(0, 0.5), "must be between 0 and 0.5"),
    "incomplete_pairs": (
        lambda value: value in ("exclude", "disagree"),
        "must be exclude or disagree",
    ),
}


def _number_problems(plan: Mapping[str, Any]) -> Iterator[_Problem]:
    for key, (holds, rule) in _NUMBERS.items():
        if key in plan and not holds(plan[key]):
            yield key, f"{rule}, got {plan[key]!r}"


def _question_problems(
    plan: Mapping[str, Any], questionnaire: Questionnaire
) -> Iterator[_Problem]:
    ids = questionnaire.question_ids
    turing = plan.get("turing_question", "")
    if turing != "" and turing not in ids:
        yield "turing_question", f"must be one of {', '.join(ids)}, got {turing!r}"
    for key in ("acceptability_questions", "ordinal_questions"):
        names = plan.get(key, [])
        wrong = [n for n in names if n not in ids] if isinstance(names, list) else names
        if wrong or not isinstance(names, list):
            yield key, f"must be a list of {', '.join(ids)}, got {wrong!r}"
            return
    yield from _code_problems(plan, questionnaire)


def _code_problems(
    plan: Mapping[str, Any], questionnaire: Questionnaire
) -> Iterator[_Problem]:
    codes, asked = plan.get("acceptable_codes", []), plan.get("acceptability_questions")
    if not isinstance(codes, list):
        yield "acceptable_codes", f"must be a list of codes, got {codes!r}"
        return
    for question in questionnaire.questions:
        wrong = [code for code in codes if question.choice(code) is None]
        if question.id in (asked or ()) and wrong:
            yield (
                "acceptable_codes",
                f"must be codes of {question.id}, got {wrong[0]!r}",
            )
