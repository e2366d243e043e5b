"""From what stands in the fields of a reading to answers and reasons."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from app.components import mark_on, marks_on
from app.words import say
from reader_study.formats.asking.question import SEPARATOR, Condition
from reader_study.formats.questionnaire import Answer, Question, Questionnaire
from reader_study.store.readings import Draft

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

    def choice_key(self, question: str, place: int) -> str:
        """Name the field of one of several, by its place on the scale from 0."""
        return f"{self.purpose}-choice-{question}-{place}-{self.token}"

    def given(self, fields: Fields) -> dict[str, Answer]:
        """Return what stands in the fields, valid or not, also of hidden questions."""
        found = {}
        for question in self.questionnaire.questions:
            answer = self._given(question, fields)
            if answer is not None:
                found[question.id] = answer
        return found

    def answers(self, fields: Fields) -> dict[str, Answer]:
        """Return the answers to the questions that are asked."""
        given = self.given(fields)
        asked = [question.id for question in self.questionnaire.shown(given)]
        return {name: given[name] for name in asked if name in given}

    def draft(self, fields: Fields) -> Draft:
        """Return what is worth keeping: nothing of a hidden question is lost."""
        given = self.given(fields)
        valid = {
            question.id: answer
            for question in self.questionnaire
            if (answer := question.answer_of(given.get(question.id))) is not None
        }
        return Draft(valid, self._reasons(given, fields))

    def reasons(self, fields: Fields) -> dict[str, str]:
        """Return the explanations of answers that ask for one; others are hidden."""
        return self._reasons(self.answers(fields), fields)

    def _reasons(self, answers: Mapping[str, Answer], fields: Fields) -> dict[str, str]:
        found = {}
        for question in self.questionnaire.questions:
            text = fields.get(self.reason_key(question.id))
            if asks_for_reason(question, answers.get(question.id)) and text:
                found[question.id] = str(text)
        return found

    def _given(self, question: Question, fields: Fields) -> Answer | None:
        if question.type == "several":
            places = range(len(question.codes))
            keys = [self.choice_key(question.id, place) for place in places]
            chosen = [place for place in places if fields.get(keys[place]) is True]
            texts = [str(question.codes[place]) for place in chosen]
            return SEPARATOR.join(texts) or None
        value = fields.get(self.answer_key(question.id))
        if question.type == "analogue":
            return mark_on(value)
        if question.marked:
            return marks_on(value)
        if question.textual:
            return str(value).strip() or None if value else None
        number = isinstance(value, int | float) and question.numeric
        return value if number or isinstance(value, int) else None  # type: ignore[return-value]

    def missing(self, fields: Fields) -> tuple[str, ...]:
        """Return the questions that have no answer, or lack their explanation."""
        problems = self.questionnaire.problems(
            self.answers(fields), self.reasons(fields)
        )
        at_fault = {problem.question for problem in problems}
        return tuple(q for q in self.questionnaire.ids if q in at_fault)


def asks_for_reason(question: Question, code: object) -> bool:
    """Whether an answer asks for a short explanation."""
    return any(choice.requires_reason for choice in question.chosen(code))


def reasoned_choices(question: Question) -> tuple[int, ...]:
    """Return the places on the scale, from 0, of the answers that ask for a reason."""
    numbered = enumerate(question.scale)
    return tuple(number for number, choice in numbered if choice.requires_reason)


def asked_if(questionnaire: Questionnaire) -> dict[str, list[dict[str, object]]]:
    """Return what must hold for a question to be asked, as the page checks it itself.

    Returns:
        Conditions by the id of each question that has some: the earlier `question`, and
        the `places` on its scale, from 0, or what its number must be at `least` and at
        `most`.
    """
    codes = {question.id: question.codes for question in questionnaire}

    def told(one: Condition) -> dict[str, object]:
        if not one.codes:
            return {
                "question": one.question, "least": one.at_least, "most": one.at_most,
            }  # fmt: skip
        places = [codes[one.question].index(code) for code in one.codes]
        return {"question": one.question, "places": places}

    return {
        q.id: [told(one) for one in q.shown_if] for q in questionnaire if q.shown_if
    }


def missing_text(missing: Iterable[str]) -> str:
    """Say which questions still wait.

    Examples:
        >>> missing_text(["Q1", "Q2A", "Q4"])
        'Please complete Q1, Q2A and Q4.'
    """
    *first, last = missing
    names = last
    if first:
        names = say("{first} and {last}", first=", ".join(first), last=last)
    return say("Please complete {names}.", names=names)


def plain_markdown(text: str) -> str:
    r"""Escape a text so that Markdown shows it as it is.

    Examples:
        >>> print(plain_markdown("a*b <i>"))
        a\*b \<i\>
    """
    return "".join(f"\\{c}" if c in "\\`*_{}[]()<>#+-.!|$~:@&" else c for c in text)
