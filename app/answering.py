"""From what stands in the fields of a reading to answers and reasons: pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reader_study.formats.questionnaire import Question, Questionnaire

Fields = Mapping[str, object]
"""Content of the page's fields by their key."""


@dataclass(frozen=True)
class Form:
    """The answers of one reading, as fields that no other reading shares.

    Attributes:
        questionnaire: What is asked.
        token: Of the reading; part of every key, so that nothing is carried over.
        purpose: Keeps a reading and its correction apart.
    """

    questionnaire: Questionnaire
    token: str
    purpose: str = "reading"

    def answer_key(self, question: str) -> str:
        """Name the field of an answer."""
        return f"{self.purpose}-answer-{question}-{self.token}"

    def reason_key(self, question: str) -> str:
        """Name the field of an explanation."""
        return f"{self.purpose}-reason-{question}-{self.token}"

    def answers(self, fields: Fields) -> dict[str, int]:
        """Return the codes of the questions that are answered."""
        found = {}
        for question in self.questionnaire.questions:
            code = fields.get(self.answer_key(question.id))
            if isinstance(code, int):
                found[question.id] = code
        return found

    def reasons(self, fields: Fields) -> dict[str, str]:
        """Return the explanations of answers that ask for one; others are hidden."""
        answers = self.answers(fields)
        found = {}
        for question in self.questionnaire.questions:
            text = fields.get(self.reason_key(question.id))
            if asks_for_reason(question, answers.get(question.id)) and text:
                found[question.id] = str(text)
        return found

    def filled(
        self, answers: Mapping[str, int], reasons: Mapping[str, str]
    ) -> dict[str, object]:
        """Return the content of all fields for answers kept before; none is chosen."""
        content: dict[str, object] = {}
        for question in self.questionnaire.ids:
            content[self.answer_key(question)] = answers.get(question)
            content[self.reason_key(question)] = reasons.get(question, "")
        return content

    def missing(self, fields: Fields) -> tuple[str, ...]:
        """Return the questions that have no answer, or lack their explanation."""
        problems = self.questionnaire.problems(
            self.answers(fields), self.reasons(fields)
        )
        at_fault = {problem.question for problem in problems}
        return tuple(q for q in self.questionnaire.ids if q in at_fault)


def asks_for_reason(question: Question, code: object) -> bool:
    """Whether an answer asks for a short explanation."""
    choice = question.choice(code)
    return choice is not None and choice.requires_reason


def reasoned_choices(question: Question) -> tuple[int, ...]:
    """Return the places on the scale, from 0, of the answers that ask for a reason."""
    numbered = enumerate(question.scale)
    return tuple(number for number, choice in numbered if choice.requires_reason)


def missing_text(missing: Iterable[str]) -> str:
    """Say which questions still wait.

    Examples:
        >>> missing_text(["Q1", "Q2A", "Q4"])
        'Please complete Q1, Q2A and Q4.'
    """
    *first, last = missing
    names = f"{', '.join(first)} and {last}" if first else last
    return f"Please complete {names}."


def plain_markdown(text: str) -> str:
    r"""Escape a text so that Markdown shows it as it is.

    Examples:
        >>> print(plain_markdown("a*b <i>"))
        a\*b \<i\>
    """
    return "".join(f"\\{c}" if c in "\\`*_{}[]()<>#+-.!|$~:@&" else c for c in text)
