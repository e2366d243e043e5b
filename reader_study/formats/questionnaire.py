"""The questionnaire: questions, their answer scales, and which answers are valid."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

from reader_study.formats import checking
from reader_study.formats.canonical import sha256_of
from reader_study.formats.checking import Code as Code

FILE_NAME = "questionnaire.json"
PAPER = "paper"
"""The name under which a protocol asks for the questionnaire of Figure S.3."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_COLUMNS = frozenset(
    {
        "reader",
        "trial",
        "position",
        "pseudo_id",
        "case",
        "method",
        "shown",
        "severity",
        "truth",
        "truth_source",
        "note",
        "revision",
        "opened_at",
        "submitted_at",
        "seconds",
        "active_seconds",
        "simulated",
        "reconstructed",
        "step",
        "recorded_at",
        "image",
    }
)
"""Columns of the tables that also have one per question."""
_SUFFIXES = ("_expected", "_feedback", "_reason")


@checking.record
class Choice:
    """One step of an answer scale.

    Attributes:
        code: What is stored: a whole number, or a text.
        label: What the reader sees.
        requires_reason: Whether this answer asks for a short explanation.
    """

    code: Code
    label: checking.Filled
    requires_reason: checking.YesNo = False


@checking.record
class Question:
    """A question with its scale, choices in the order of the scale.

    Attributes:
        id: Short name, which is its column in responses.csv.
        text: As the reader sees it.
        scale: Two or more choices with different codes.
    """

    id: checking.Filled
    text: checking.Filled
    scale: tuple[Choice, ...]

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):  # it names columns and files
            why = f"must be letters, digits, - and _, got {self.id!r}"
            raise checking.Invalid(why, "id")
        if len(self.scale) < 2:
            why = f"must have two or more choices, got {len(self.scale)}"
            raise checking.Invalid(why, "scale")
        codes = [str(code) for code in self.codes]
        if len(set(codes)) != len(codes):
            msg = f"must have different codes, got {self.codes}"
            raise checking.Invalid(msg, "scale")

    @staticmethod
    def of(
        name: str,
        text: str,
        codes: tuple[int | str, ...],
        labels: tuple[str, ...] | None = None,
    ) -> "Question":
        """Return a question from codes and, unless they are the codes, labels."""
        named = labels or tuple(str(code) for code in codes)
        scale = tuple(map(Choice, codes, named))
        return Question(name, text, scale)

    @cached_property
    def codes(self) -> tuple[int | str, ...]:
        """Codes in the order of the scale."""
        return tuple(choice.code for choice in self.scale)

    @property
    def labels(self) -> tuple[str, ...]:
        """What each code means, in the order of the scale."""
        return tuple(choice.label for choice in self.scale)

    @property
    def reason_codes(self) -> frozenset[int | str]:
        """Codes that ask for a short explanation."""
        return frozenset(c.code for c in self.scale if c.requires_reason)

    @property
    def reason_column(self) -> str:
        """Column of responses.csv that keeps the explanation."""
        return f"{self.id}_reason"

    def choice(self, code: object) -> Choice | None:
        """Return the choice with this code; None if it is not on the scale."""
        same = [c for c in self.scale if c.code == code and type(c.code) is type(code)]
        return same[0] if same else None

    def parse(self, cell: str) -> int | str | None:
        """Return the code that a cell holds; None if it is not on the scale.

        Whole numbers that a spreadsheet wrote as `1.0` are understood.
        """
        text = cell.strip()
        if text not in self._by_text and text.endswith(".0"):
            text = text.removesuffix(".0")
        return self._by_text.get(text)

    @cached_property
    def _by_text(self) -> dict[str, int | str]:
        return {str(code): code for code in self.codes}


@dataclass(frozen=True)
class Problem:
    """What keeps a set of answers from being complete and valid."""

    question: str
    message: str


@checking.record
class Questionnaire:
    """Questions in the order in which they are asked.

    Attributes:
        title: Heading.
        version: Of this questionnaire, in its author's words.
        questions: One or more, with different ids.
        first_form: Whether it came in the form of studies built before schema 1,
            in which it is hashed then.
    """

    title: str
    version: str
    questions: tuple[Question, ...]
    first_form: bool = field(default=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if not self.questions:
            msg = "must hold one or more questions, got none"
            raise checking.Invalid(msg, "questions")
        names = [n.lower() for q in self.questions for n in (q.id, q.reason_column)]
        for place, question in enumerate(self.questions):
            if names.count(question.id.lower()) > 1:
                why = f"must name one column, got {question.id!r} twice"
                raise checking.Invalid(why, "questions", place, "id")

    def __iter__(self) -> Iterator[Question]:
        """Go through the questions."""
        return iter(self.questions)

    @property
    def ids(self) -> tuple[str, ...]:
        """Names of the questions."""
        return tuple(question.id for question in self.questions)

    @cached_property
    def sha256(self) -> str:
        """Hash of the content in the form in which it came."""
        return sha256_of(_first_form(self) if self.first_form else self.to_dict())

    def problems(
        self, answers: Mapping[str, int], reasons: Mapping[str, str]
    ) -> list[Problem]:
        """Return what is missing or not allowed; nothing if complete and valid.

        Args:
            answers: Code by question id.
            reasons: Explanation by question id; an empty text counts as none.
        """
        found = [
            Problem(name, "is not a question of this study")
            for name in sorted({*answers, *reasons} - {*self.ids})
        ]
        for question in self.questions:
            message = _problem(question, answers, reasons)
            if message:
                found.append(Problem(question.id, message))
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return the content of questionnaire.json, schema 1."""
        return {
            "schema": 1,
            "version": self.version,
            "title": self.title,
            "questions": [
                {
                    "id": question.id,
                    "text": question.text,
                    "scale": [_step(choice) for choice in question.scale],
                }
                for question in self.questions
            ],
        }

    def to_json(self) -> str:
        """Return the text of questionnaire.json."""
        return checking.json_text(self.to_dict())


def paper_questionnaire() -> Questionnaire:
    """Return the questionnaire of Figure S.3 of the paper."""
    return read_questionnaire(paper_questionnaire_path())


def paper_questionnaire_path() -> Path:
    """Return the file of the questionnaire of Figure S.3 of the paper."""
    return Path(str(files("reader_study").joinpath("formats/paper.json")))


def read_questionnaire(path: str | Path) -> Questionnaire:
    """Read questionnaire.json, of schema 1 or in the form of earlier studies.

    Raises:
        FormatError: If it cannot be read or used; all faults are named, with file and
            line.
    """
    return questionnaire_of(checking.read_json(path))


def questionnaire_beside(responses: str | Path) -> Questionnaire:
    """Return the questionnaire in the folder of responses.csv, else that of the paper.

    Raises:
        FormatError: If there is one that cannot be used.
    """
    found = Path(responses).with_name(FILE_NAME)
    return read_questionnaire(found) if found.exists() else paper_questionnaire()


def questionnaire_of(source: checking.Source) -> Questionnaire:
    """Return the questionnaire that the content of a questionnaire.json describes.

    Raises:
        FormatError: If it describes none; all faults are named, with file and line.
    """
    content = checking.require_object(source)
    if "name" in content:
        return _read_first_form(content, source)
    given = {key: value for key, value in content.items() if key != "schema"}
    given.setdefault("title", Path(source.where).stem)
    given["version"] = str(given.get("version", ""))
    if "questions" in given:
        given["questions"] = _completed(given["questions"])
    return checking.check(Questionnaire, given, source)


def check_for_reading(questionnaire: Questionnaire, where: str) -> None:
    """Check what a questionnaire needs if readers are to answer it here.

    Raises:
        FormatError: If a code is a text, or a question takes another column's name;
            the message begins with `where`.
    """
    faults = []
    ids = {name.lower() for name in questionnaire.ids}
    taken = _COLUMNS | {f"{name}{suffix}" for name in ids for suffix in _SUFFIXES}
    for question in questionnaire:
        texts = [code for code in question.codes if isinstance(code, str)]
        if texts:
            why = f"must have whole numbers as codes, got {texts[0]!r}"
            faults.append(f"{where}: {question.id} {why}")
        if question.id.lower() in taken:
            why = f"must not be the name of another column, got {question.id!r}"
            faults.append(f"{where}: the id of a question {why}")
    if faults:
        raise checking.FormatError(faults)


def _completed(questions: object) -> object:
    """Return questions with what schema 1 lets a file leave out."""
    if not isinstance(questions, list):
        return questions
    return [
        {"text": question.get("id"), **question, "scale": _labelled(question)}
        if isinstance(question, dict)
        else question
        for question in questions
    ]


def _labelled(question: Mapping[str, Any]) -> object:
    scale = question.get("scale", ())
    if not isinstance(scale, list):
        return scale
    return [
        {"label": str(choice["code"]), **choice}
        if isinstance(choice, dict) and "code" in choice
        else choice
        for choice in scale
    ]


# The form of STUDY/questionnaire.json before schema 1: read for ever, never written.
_FIRST_NAMES = {"name": "title", "choices": "scale", "needs_reason": "requires_reason"}
_LATER_NAMES = {later: first for first, later in _FIRST_NAMES.items()}


def _read_first_form(
    content: Mapping[str, Any], source: checking.Source
) -> Questionnaire:
    found = checking.check(
        Questionnaire,
        _renamed(content, _FIRST_NAMES),
        source,
        lambda path: tuple(_LATER_NAMES.get(str(p), p) for p in path),
    )
    return replace(found, first_form=True)


def _first_form(questionnaire: Questionnaire) -> object:
    content = questionnaire.to_dict()
    del content["schema"]
    for question in content["questions"]:
        for choice in question["scale"]:
            choice.setdefault("requires_reason", False)
    return _renamed(content, _LATER_NAMES)


def _renamed(content: Any, names: Mapping[str, str]) -> Any:  # noqa: ANN401
    if isinstance(content, list):
        return [_renamed(entry, names) for entry in content]
    if isinstance(content, dict):
        return {names.get(k, k): _renamed(v, names) for k, v in content.items()}
    return content


def _problem(
    question: Question, answers: Mapping[str, int], reasons: Mapping[str, str]
) -> str:
    if question.id not in answers:
        return "has no answer"
    choice = question.choice(answers[question.id])
    if choice is None:
        codes = ", ".join(str(code) for code in question.codes)
        # What came may be anything, so it is not repeated.
        return f"must be answered by one of {codes}"
    return _reason_problem(choice, reasons.get(question.id, ""))


def _reason_problem(choice: Choice, reason: object) -> str:
    if not isinstance(reason, str):
        return "must have a text as explanation"
    if choice.requires_reason and not reason.strip():
        return f"needs a short explanation when answered {choice.label}"
    return ""


def _step(choice: Choice) -> dict[str, Any]:
    step: dict[str, Any] = {"code": choice.code, "label": choice.label}
    return step | {"requires_reason": True} if choice.requires_reason else step
