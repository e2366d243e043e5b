"""What tables can hold of any questionnaire: one code of a scale for each answer.

A question of several becomes one of yes and no for each code. Numbers and texts are
left out; `analysis.questions.numbers` has the former.
"""

from collections.abc import Sequence
from dataclasses import replace

from reader_study.formats.arms import Arms
from reader_study.formats.checking import FormatError
from reader_study.formats.plan import AnalysisPlan
from reader_study.formats.questionnaire import Answer, Question, Questionnaire
from reader_study.formats.responses import Reading, Responses


def on_scales(found: Responses) -> Responses:
    """Return readings with the answers that tables can hold.

    Raises:
        FormatError: If no question has any.
    """
    asked = found.questionnaire
    if all(question.on_scale for question in asked):
        return found
    return replace(
        found,
        questionnaire=scales_of(asked),
        readings=_tabled(found.readings, asked),
        repeats=_tabled(found.repeats, asked),
    )


def arms_on_scales(arms: Arms) -> Arms:
    """Return readings by method with the answers that tables can hold.

    Raises:
        FormatError: If no question has any.
    """
    asked = arms.questionnaire
    if all(question.on_scale for question in asked):
        return arms
    found = replace(
        arms.found,
        first=_tabled(arms.readings, asked),
        repeats=_tabled(arms.repeats, asked),
    )
    return replace(arms, questionnaire=scales_of(asked), found=found)


def that_rate(found: Responses, whole: Responses | None) -> Responses:
    """Return readings on scales with the numbers beside them, which can be a rating.

    Args:
        found: Of `on_scales`.
        whole: Of what, with answers of every type; None if that is the same.
    """
    numbers = _numbers(whole)
    if whole is None or not numbers:
        return found
    readings = _beside(found.readings, whole.readings, numbers)
    asked = _with(found.questionnaire, numbers)
    return replace(found, readings=readings, questionnaire=asked)


def arms_that_rate(arms: Arms, whole: Arms | None) -> Arms:
    """Do the same with readings by method."""
    numbers = _numbers(whole)
    if whole is None or not numbers:
        return arms
    first = _beside(arms.readings, whole.readings, numbers)
    asked = _with(arms.questionnaire, numbers)
    return replace(arms, questionnaire=asked, found=replace(arms.found, first=first))


def _numbers(whole: Responses | Arms | None) -> tuple[Question, ...]:
    asked = whole.questionnaire if whole is not None else ()
    return tuple(question for question in asked if question.numeric)


def _with(asked: Questionnaire, more: tuple[Question, ...]) -> Questionnaire:
    return replace(asked, questions=(*asked.questions, *more))


def _beside(
    readings: Sequence[Reading], whole: Sequence[Reading], more: Sequence[Question]
) -> list[Reading]:
    names = {question.id for question in more}
    return [
        replace(
            one,
            answers={
                **one.answers,
                **{n: of.answers[n] for n in names & of.answers.keys()},
            },
        )
        for one, of in zip(readings, whole, strict=True)
    ]


def scales_of(asked: Questionnaire) -> Questionnaire:
    """Return the questions that tables can hold, those of several by code.

    Raises:
        FormatError: If there are none.
    """
    kept = [replace(q, shown_if=()) for one in asked for q in _parts(one)]
    if not kept:
        msg = (
            f"{asked.title}: a report needs one or more questions with codes, got "
            "numbers, texts and marks only"
        )
        raise FormatError([msg])
    return Questionnaire(asked.title, asked.version, tuple(kept))


def with_ordered(plan: AnalysisPlan, asked: Questionnaire) -> AnalysisPlan:
    """Return a plan that counts questions of type `ordered` as ordinal."""
    known = plan.ordinal_questions
    ordered = [q.id for q in asked if q.type == "ordered" and q.id not in known]
    if not ordered:
        return plan
    return replace(plan, ordinal_questions=(*known, *ordered))


def _parts(question: Question) -> Sequence[Question]:
    if question.type == "several":
        return question.yes_no()
    return (question,) if question.on_scale else ()


def _tabled(readings: Sequence[Reading], asked: Questionnaire) -> list[Reading]:
    return [replace(r, answers=_answers(r, asked)) for r in readings]


def _answers(reading: Reading, asked: Questionnaire) -> dict[str, Answer]:
    found: dict[str, Answer] = {}
    for question in asked:
        given = reading.answers.get(question.id)
        if given is None:
            continue
        if question.on_scale:
            found[question.id] = given
        elif question.type == "several":
            chosen = question.chosen(given)
            parts = zip(question.yes_no(), question.scale, strict=True)
            found |= {part.id: int(choice in chosen) for part, choice in parts}
    return found
