"""The questionnaire: which questions were asked, on which scales."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from analysis.responses.faults import ResponsesError

Code = int | str

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


@dataclass(frozen=True)
class Question:
    """A question with its scale, codes in the order of the scale.

    Attributes:
        id: Short name, which is its column in responses.csv.
        text: As the reader sees it.
        codes: Two or more, all different.
        labels: What each code means.
        reason_codes: Codes that ask for a short explanation.
    """

    id: str
    text: str
    codes: tuple[Code, ...]
    labels: tuple[str, ...]
    reason_codes: frozenset[Code] = frozenset()

    @property
    def reason_column(self) -> str:
        """Column of responses.csv that keeps the explanation."""
        return f"{self.id}_reason"

    @cached_property
    def _by_text(self) -> dict[str, Code]:
        return {str(code): code for code in self.codes}

    def parse(self, cell: str) -> Code | None:
        """Give the code that a cell holds; None if it is not on the scale.

        Whole numbers that a spreadsheet wrote as `1.0` are understood.
        """
        text = cell.strip()
        if text not in self._by_text and text.endswith(".0"):
            text = text.removesuffix(".0")
        return self._by_text.get(text)


@dataclass(frozen=True)
class Questionnaire:
    """Questions in the order in which they were asked."""

    title: str
    version: str
    questions: tuple[Question, ...]

    def __iter__(self) -> Iterator[Question]:
        """Go through the questions."""
        return iter(self.questions)

    @property
    def ids(self) -> list[str]:
        """Names of the questions."""
        return [question.id for question in self.questions]


def load_questionnaire(path: Path) -> Questionnaire:
    """Read and check questionnaire.json.

    Raises:
        ResponsesError: If it is not such a file; all faults are named.
        OSError: If it cannot be read.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ResponsesError([f"{path}: not a JSON file ({error})"]) from error
    entries = content.get("questions") if isinstance(content, dict) else None
    if not isinstance(entries, list) or not entries:
        raise ResponsesError([f"{path}: must hold a list of questions"])
    faults: list[str] = []
    questions = [_question(entry, n, faults) for n, entry in enumerate(entries, 1)]
    ids = [question.id for question in questions]
    faults += [
        f"question {i} stands twice" for i in sorted(set(ids)) if ids.count(i) > 1
    ]
    if faults:
        raise ResponsesError([f"{path}: {fault}" for fault in faults])
    title, version = content.get("title", path.stem), content.get("version", "")
    return Questionnaire(str(title), str(version), tuple(questions))


def _question(given: object, number: int, faults: list[str]) -> Question:
    entry: dict[str, Any] = given if isinstance(given, dict) else {}
    name = str(entry.get("id", ""))
    if not name:
        faults.append(f"question {number} has no id")
    elif not _PLAIN.fullmatch(name):  # it names columns and files
        faults.append(f"question id must be letters, digits, - and _, got {name!r}")
    named = f"question {name or number}"
    scale = entry.get("scale")
    steps = scale if isinstance(scale, list) else []
    steps = [step for step in steps if isinstance(step, dict) and "code" in step]
    codes = tuple(step["code"] for step in steps)
    if len(codes) < 2 or len(steps) != len(scale or ()):
        faults.append(
            f"{named} must have a scale of two or more steps, each with a code"
        )
    if any(isinstance(code, bool) or not isinstance(code, int | str) for code in codes):
        faults.append(f"{named} must have whole numbers or texts as codes")
        codes = tuple(map(str, codes))
    if len({str(code) for code in codes}) != len(codes):
        faults.append(f"{named} has a code twice")
    return Question(
        id=name,
        text=str(entry.get("text", name)),
        codes=codes,
        labels=tuple(str(step.get("label", step["code"])) for step in steps),
        reason_codes=frozenset(s["code"] for s in steps if s.get("requires_reason"))
        if not faults
        else frozenset(),
    )
