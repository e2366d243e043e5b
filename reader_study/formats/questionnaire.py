"""The questionnaire: questions, their answer scales, and which answers are valid."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

from reader_study.errors import StudyError
from reader_study.formats.canonical import sha256_of
from reader_study.formats.checking import entries, fields, text, whole, yes_no

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


@dataclass(frozen=True)
class Choice:
    """One step of an answer scale."""

    code: int
    label: str
    needs_reason: bool = False
    """Whether this answer asks for a short explanation."""

    def __post_init__(self) -> None:
        whole(self.code, "code of a choice")
        text(self.label, f"label of code {self.code}")
        yes_no(self.needs_reason, f"needs_reason of code {self.code}")


@dataclass(frozen=True)
class Question:
    """A question with its choices in the order of the scale."""

    id: str
    text: str
    choices: tuple[Choice, ...]

    def __post_init__(self) -> None:
        # The id names a column of responses.csv.
        if not _ID.fullmatch(text(self.id, "id of a question")):
            msg = f"question id must be letters, digits, - and _, got {self.id!r}"
            raise StudyError(msg)
        text(self.text, f"text of {self.id}")
        if len(self.choices) < 2:
            msg = f"{self.id} must have two or more choices, got {len(self.choices)}"
            raise StudyError(msg)
        codes = [choice.code for choice in self.choices]
        if len(set(codes)) != len(codes):
            msg = f"codes of {self.id} must differ, got {codes}"
            raise StudyError(msg)

    def choice(self, code: object) -> Choice | None:
        """Give the choice with this code; None if it is not on the scale."""
        if isinstance(code, bool) or not isinstance(code, int):
            return None
        return next((choice for choice in self.choices if choice.code == code), None)


@dataclass(frozen=True)
class Problem:
    """What keeps a set of answers from being complete and valid."""

    question: str
    message: str


@dataclass(frozen=True)
class Questionnaire:
    """Questions in the order in which they are asked."""

    name: str
    version: str
    questions: tuple[Question, ...]

    def __post_init__(self) -> None:
        text(self.name, "name of the questionnaire")
        text(self.version, "version of the questionnaire")
        if not self.questions:
            msg = "A questionnaire must have at least one question, got none"
            raise StudyError(msg)
        names = [
            name for q in self.questions for name in (q.id.lower(), f"{q.id}_reason")
        ]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            msg = f"Question ids must differ, got {twice[0]} twice"
            raise StudyError(msg)

    @property
    def question_ids(self) -> tuple[str, ...]:
        """Names of the questions."""
        return tuple(question.id for question in self.questions)

    @cached_property
    def sha256(self) -> str:
        """Hash of the content, stored with all that depends on it."""
        return sha256_of(self.to_dict())

    def problems(
        self, answers: Mapping[str, int], reasons: Mapping[str, str]
    ) -> list[Problem]:
        """Say what is missing or not allowed; empty if complete and valid.

        Args:
            answers: Code by question id.
            reasons: Explanation by question id; an empty text counts as none.
        """
        found = [
            Problem(name, "is not a question of this study")
            for name in sorted({*answers, *reasons} - {*self.question_ids})
        ]
        for question in self.questions:
            message = _problem(question, answers, reasons)
            if message:
                found.append(Problem(question.id, message))
        return found

    def to_dict(self) -> dict[str, Any]:
        """Give the content as plain values."""
        return asdict(self)

    @staticmethod
    def from_dict(content: object) -> "Questionnaire":
        """Rebuild what `to_dict` gave.

        Raises:
            StudyError: If it is not such a content; the place is named.
        """
        given = fields(content, "questionnaire", ("name", "version", "questions"))
        questions = [
            _question(entry, f"question {number}")
            for number, entry in enumerate(entries(given["questions"], "questions"), 1)
        ]
        return Questionnaire(given["name"], given["version"], tuple(questions))

    def export(self) -> dict[str, Any]:
        """Give the content of the questionnaire.json that the analysis reads."""
        return {
            "schema": 1,
            "version": self.version,
            "title": self.name,
            "questions": [
                {
                    "id": question.id,
                    "text": question.text,
                    "scale": [_step(choice) for choice in question.choices],
                }
                for question in self.questions
            ],
        }


def _problem(
    question: Question, answers: Mapping[str, int], reasons: Mapping[str, str]
) -> str:
    if question.id not in answers:
        return "has no answer"
    choice = question.choice(answers[question.id])
    if choice is None:
        codes = ", ".join(str(choice.code) for choice in question.choices)
        # What came may be anything, so it is not repeated.
        return f"must be answered by one of {codes}"
    return _reason_problem(choice, reasons.get(question.id, ""))


def _reason_problem(choice: Choice, reason: object) -> str:
    if not isinstance(reason, str):
        return "must have a text as explanation"
    if choice.needs_reason and not reason.strip():
        return f"needs a short explanation when answered {choice.label}"
    return ""


def _step(choice: Choice) -> dict[str, Any]:
    step: dict[str, Any] = {"code": choice.code, "label": choice.label}
    return step | {"requires_reason": True} if choice.needs_reason else step


def _question(given: object, where: str) -> Question:
    entry = fields(given, where, ("id", "text", "choices"))
    choices = [
        fields(choice, f"{where}, a choice", ("code", "label"), ("needs_reason",))
        for choice in entries(entry["choices"], f"choices of {where}")
    ]
    return Question(entry["id"], entry["text"], tuple(Choice(**c) for c in choices))


PAPER = "paper"
"""The name under which a protocol asks for the questionnaire of Figure S.3."""


def paper_questionnaire() -> Questionnaire:
    """Give the questionnaire of Figure S.3 of the paper."""
    text = (
        files("reader_study").joinpath("questionnaires/paper.json").read_text("utf-8")
    )
    return Questionnaire.from_dict(json.loads(text))


def read_questionnaire(path: Path) -> Questionnaire:
    """Read and check a questionnaire.

    Raises:
        StudyError: If it cannot be read or used; the file is named.
    """
    content = read_json(path)
    try:
        return Questionnaire.from_dict(content)
    except StudyError as error:
        msg = f"{path}: {error}"
        raise StudyError(msg) from error


def read_json(path: Path) -> object:
    """Read a JSON file.

    Raises:
        StudyError: If it cannot be read or is not JSON; the file is named.
    """
    try:
        content: object = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        msg = f"{path}: {error.strerror}"
        raise StudyError(msg) from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        msg = f"{path}: not a JSON file ({error})"
        raise StudyError(msg) from error
    return content
