"""Checks of what a reader sends, before anything is stored; pure."""

import math
from collections.abc import Mapping

from reader_study.errors import StudyError
from reader_study.formats.questionnaire import Questionnaire

LONGEST_REASON = 4000
"""Characters of one explanation."""


class AnswersError(StudyError):
    """Answers are incomplete or not on the scale."""


def check_texts(reasons: Mapping[str, str]) -> None:
    """Refuse texts that are too long or that a database cannot keep as they are.

    Raises:
        AnswersError: If so; the question is named.
    """
    for question, reason in reasons.items():
        check_text(reason, f"The explanation of {question:.40}")


def check_text(text: object, what: str) -> str:
    """Return a text that can be stored as it is.

    Raises:
        AnswersError: If it is no text, too long, or holds NUL or half a character.
    """
    if not isinstance(text, str):
        msg = f"{what} must be a text, got {type(text).__name__}"
        raise AnswersError(msg)
    if len(text) > LONGEST_REASON:
        msg = f"{what} must have at most {LONGEST_REASON} characters, got {len(text)}"
        raise AnswersError(msg)
    # NUL ends a text in PostgreSQL; a lone surrogate is not Unicode.
    if any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in text):
        msg = f"{what} must not hold NUL or half a character"
        raise AnswersError(msg)
    return text


def check_draft(
    questionnaire: Questionnaire, answers: Mapping[str, int], reasons: Mapping[str, str]
) -> None:
    """Refuse what is not on the scale; a draft may be incomplete.

    Raises:
        AnswersError: If so.
    """
    unknown = {*answers, *reasons} - set(questionnaire.ids)
    if unknown:
        msg = f"The study has no question {min(map(str, unknown)):.40}"
        raise AnswersError(msg)
    for question in questionnaire.questions:
        given = answers.get(question.id)
        if question.id in answers and question.choice(given) is None:
            msg = f"{question.id} must be answered by a code of its scale"
            raise AnswersError(msg)
    check_texts(reasons)


def check_complete(
    questionnaire: Questionnaire, answers: Mapping[str, int], reasons: Mapping[str, str]
) -> None:
    """Refuse answers that are not complete and on the scale.

    Raises:
        AnswersError: If so; every question at fault is named.
    """
    check_draft(questionnaire, answers, reasons)
    problems = questionnaire.problems(answers, reasons)
    if problems:
        raise AnswersError("; ".join(f"{p.question} {p.message}" for p in problems))


def check_seconds(seconds: float | None) -> float | None:
    """Return active seconds as a number.

    Raises:
        AnswersError: If they are not a finite number of 0 or more.
    """
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not 0 <= seconds < math.inf:
        msg = f"active_seconds must be 0 or more, got {seconds!r:.40}"
        raise AnswersError(msg)
    return float(seconds)


def check_reason(why: str) -> str:
    """Return the reason of an act, without blanks around it.

    Raises:
        AnswersError: If it is empty or cannot be kept.
    """
    if not check_text(why, "A reason").strip():
        msg = "A reason must be given, got none"
        raise AnswersError(msg)
    return why.strip()
