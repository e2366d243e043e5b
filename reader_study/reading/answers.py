"""Checks of what a reader sends, before anything is stored; pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from reader_study.errors import StudyError
from reader_study.formats.asking.marks import Grid
from reader_study.formats.canonical import canonical_bytes
from reader_study.formats.questionnaire import Answer, Questionnaire

_LONGEST = 1e7  # seconds or changes

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
    questionnaire: Questionnaire,
    answers: Mapping[str, Answer],
    reasons: Mapping[str, str],
) -> None:
    """Refuse what is not valid; a draft may be incomplete, and hold what is hidden.

    Raises:
        AnswersError: If so.
    """
    unknown = {*answers, *reasons} - set(questionnaire.ids)
    if unknown:
        msg = f"The study has no question {min(map(str, unknown)):.40}"
        raise AnswersError(msg)
    for question in questionnaire.questions:
        given = answers.get(question.id)
        if question.id in answers and question.answer_of(given) is None:
            what = "a code of its scale" if question.on_scale else question.must_be
            msg = f"{question.id} must be answered by {what}"
            raise AnswersError(msg)
    check_texts(reasons)


def check_complete(
    questionnaire: Questionnaire,
    answers: Mapping[str, Answer],
    reasons: Mapping[str, str],
) -> dict[str, Answer]:
    """Return answers in the form in which they are stored; refuse what is not complete.

    Raises:
        AnswersError: If it is not, or not valid; every question at fault is named.
    """
    check_draft(questionnaire, answers, reasons)
    problems = questionnaire.problems(answers, reasons)
    if problems:
        raise AnswersError("; ".join(f"{p.question} {p.message}" for p in problems))
    return questionnaire.kept(answers, reasons)[0]


def check_places(
    questionnaire: Questionnaire, answers: Mapping[str, Answer], grid: Grid | None
) -> None:
    """Refuse marks that cannot have been drawn on the picture.

    Args:
        questionnaire: What was asked.
        answers: Which are valid.
        grid: What the picture has room for; None if nobody knows any longer.

    Raises:
        AnswersError: If so; question and mark are named.
    """
    for question in questionnaire.questions if grid else ():
        given = answers.get(question.id) if question.marked else None
        for n, mark in enumerate(
            question.rules.parsed(given) or () if given else (), 1
        ):
            fault = grid.fault(mark) if grid else ""
            if fault:
                msg = f"{question.id}: mark {n} {fault}; nothing was stored"
                raise AnswersError(msg)


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


@dataclass(frozen=True)
class Seen:
    """What was on screen before an answer, as the reader's browser counted it.

    Attributes:
        slices: Seconds by slice, from 1; slices never on screen are left out.
        window_changes: How often the window of the NCCT was changed.
    """

    slices: Mapping[int, float]
    window_changes: int = 0

    def to_json(self) -> str:
        """Return the content as canonical JSON."""
        slices = {str(n): round(self.slices[n], 2) for n in sorted(self.slices)}
        content = {"slices": slices, "window_changes": self.window_changes}
        return canonical_bytes(content).decode()


def check_seen(given: object, n_slices: int) -> Seen:
    """Return what was on screen, which may have come over any wire.

    Args:
        given: `{"slices": {"1": seconds, ...}, "window_changes": n}`.
        n_slices: Slices of every volume of the study.

    Raises:
        AnswersError: If it is anything else.
    """
    content = given if isinstance(given, Mapping) else {}
    slices, changes = content.get("slices"), content.get("window_changes", 0)
    known = {str(n): n for n in range(1, n_slices + 1)}
    right = (
        isinstance(slices, Mapping)
        and all(n in known and _is_number(slices[n]) for n in slices)
        and isinstance(changes, int)
        and _is_number(changes)
        and not {*content} - {"slices", "window_changes"}
    )
    if not right or not isinstance(slices, Mapping):
        msg = f"What was seen must be seconds by slice, 1 to {n_slices}, and changes"
        raise AnswersError(msg)
    return Seen({known[n]: float(slices[n]) for n in slices}, int(changes))


def require_all_seen(seen: Seen | None, n_slices: int, what: str = "slices") -> None:
    """Refuse an answer before all slices of a stack, or rows, were on screen.

    Raises:
        AnswersError: If so; the slices are named.
    """
    there = seen.slices if seen else {}
    left = [str(n) for n in range(1, n_slices + 1) if n not in there]
    if left:
        were = "was" if len(left) == 1 else "were"
        which = f"{len(left)} {were} not: {', '.join(left)}"
        msg = f"All {n_slices} {what} must have been on screen, {which}"
        raise AnswersError(msg)


def _is_number(given: object) -> bool:
    return (
        isinstance(given, int | float)
        and not isinstance(given, bool)
        and 0 <= given < _LONGEST
    )


def check_reason(why: str) -> str:
    """Return the reason of an act, without blanks around it.

    Raises:
        AnswersError: If it is empty or cannot be kept.
    """
    if not check_text(why, "A reason").strip():
        msg = "A reason must be given, got none"
        raise AnswersError(msg)
    return why.strip()
