"""The questionnaire: questions, their answer scales, and which answers are valid."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

from reader_study.formats import checking
from reader_study.formats.asking.question import Answer as Answer
from reader_study.formats.asking.question import Choice as Choice
from reader_study.formats.asking.question import Condition as Condition
from reader_study.formats.asking.question import Question as Question
from reader_study.formats.canonical import sha256_of
from reader_study.formats.checking import Code as Code

FILE_NAME = "questionnaire.json"
PAPER = "paper"
"""The name under which a protocol asks for the questionnaire of Figure S.3."""

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
        names = [name.lower() for q in self.questions for name in _columns_of(q)]
        for place, question in enumerate(self.questions):
            if any(names.count(n.lower()) > 1 for n in _columns_of(question)):
                why = f"must name one column, got {question.id!r} twice"
                raise checking.Invalid(why, "questions", place, "id")
            fault = _condition_fault(question, self.questions[:place])
            if fault:
                raise checking.Invalid(
                    fault.why, "questions", place, "shown_if", *fault.path
                )

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

    def shown(self, answers: Mapping[str, object]) -> tuple[Question, ...]:
        """Return the questions that are asked after some answers.

        What was answered to a question that is not asked itself counts as nothing.
        """
        found: list[Question] = []
        given: dict[str, tuple[Question, Answer | None]] = {}
        for question in self.questions:
            earlier = (given.get(one.question) for one in question.shown_if)
            pairs = zip(question.shown_if, earlier, strict=True)
            if all(of is not None and one.holds(*of) for one, of in pairs):
                found.append(question)
                answer = question.answer_of(answers.get(question.id))
                given[question.id] = question, answer
        return tuple(found)

    def kept(
        self, answers: Mapping[str, object], reasons: Mapping[str, str]
    ) -> tuple[dict[str, Answer], dict[str, str]]:
        """Return valid answers to questions that are asked, as they are stored."""
        asked = self.shown(answers)
        given = {q.id: q.answer_of(answers.get(q.id)) for q in asked}
        ids = {question.id for question in asked}
        return (
            {name: answer for name, answer in given.items() if answer is not None},
            {name: text for name, text in reasons.items() if name in ids},
        )

    def problems(
        self, answers: Mapping[str, object], reasons: Mapping[str, str]
    ) -> list[Problem]:
        """Return what is missing or not allowed; nothing if complete and valid.

        Args:
            answers: Answer by question id.
            reasons: Explanation by question id; an empty text counts as none.
        """
        found = [
            Problem(name, "is not a question of this study")
            for name in sorted({*answers, *reasons} - {*self.ids})
        ]
        shown = {question.id for question in self.shown(answers)}
        for question in self.questions:
            message = _problem(question, answers, reasons)
            if question.id not in shown:
                message = _HIDDEN * (question.id in {*answers, *reasons})
            if message:
                found.append(Problem(question.id, message))
        if not found and not answers:  # that would be a reading left unanswered
            found.append(
                Problem(self.questions[0].id, "has no answer, nor has another")
            )
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return the content of questionnaire.json; schema 1 where that can say it."""
        return {
            "schema": 1 if all(q.of_schema_1 for q in self.questions) else 2,
            "version": self.version,
            "title": self.title,
            "questions": [question.to_dict() for question in self.questions],
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
    """Read questionnaire.json, of schema 1 or 2 or in the form of earlier studies.

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
    content = checking.require_object(source, schemas=(1, 2))
    if "name" in content:
        return _read_first_form(content, source)
    if content.get("schema", 1) == 1:
        _require_schema_1(content.get("questions"), source)
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


_HIDDEN = "must be left out, for it is not asked after these answers"
_LATER_KEYS = {f.name for f in fields(Question)} - {"id", "text", "scale"}


def _require_schema_1(questions: object, source: checking.Source) -> None:
    """Refuse a key of schema 2 in a file of schema 1.

    Raises:
        FormatError: If there is one; the first is named.
    """
    for place, question in enumerate(questions if isinstance(questions, list) else []):
        for key in question if isinstance(question, dict) else ():
            if key in _LATER_KEYS:
                why = f"must be 2 in a file whose questions[{place}] has {key}, got 1"
                raise source.error([checking.Fault(("schema",), why)])


def _columns_of(question: Question) -> tuple[str, ...]:
    """Return the names that tables give to a question, its codes and its reason."""
    of_codes = question.yes_no() if question.type == "several" else ()
    return (question.id, question.reason_column, *(q.id for q in of_codes))


def _condition_fault(
    question: Question, earlier: Sequence[Question]
) -> checking.Fault | None:
    known = {one.id: one for one in earlier}
    for place, condition in enumerate(question.shown_if):
        if condition.question not in known:
            names = ", ".join(known) or "none"
            why = f"must be an earlier question ({names}), got {condition.question!r}"
            return checking.Fault((place, "question"), why)
        fault = condition.fault(known[condition.question])
        if fault:
            return checking.Fault((place, *fault.path), fault.why)
    return None


def _completed(questions: object) -> object:
    """Return questions with what a file may leave out."""
    if not isinstance(questions, list):
        return questions
    return [
        {"text": question.get("id"), **question, **_labelled(question)}
        if isinstance(question, dict)
        else question
        for question in questions
    ]


def _labelled(question: Mapping[str, Any]) -> dict[str, object]:
    scale = question.get("scale")
    if not isinstance(scale, list):
        return {}
    named = [
        {"label": str(choice["code"]), **choice}
        if isinstance(choice, dict) and "code" in choice
        else choice
        for choice in scale
    ]
    return {"scale": named}


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
    question: Question, answers: Mapping[str, object], reasons: Mapping[str, object]
) -> str:
    reason = reasons.get(question.id, "")
    if not isinstance(reason, str):
        return "must have a text as explanation"
    if question.id not in answers:
        return "has no answer" if question.required else ""
    answer = question.answer_of(answers[question.id])
    if answer is None:
        # What came may be anything, so it is not repeated.
        return f"must be answered by {question.must_be}"
    if lacking := question.lacks(answer):
        return lacking
    asking_why = [c.label for c in question.chosen(answer) if c.requires_reason]
    if asking_why and not reason.strip():
        return f"needs a short explanation when answered {', '.join(asking_why)}"
    return ""
