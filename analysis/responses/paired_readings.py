"""Pairs of answers to a question that know their reader and their case."""

from analysis.multireader.pairs import Pairs
from analysis.responses.questionnaire import Code, Question
from analysis.responses.readings import Responses


def paired_readings(responses: Responses, question: Question) -> Pairs:
    """Pair what each reader answered to a question under the two methods, case by case.

    Pairs that lack an answer are left out; `pair_answers` counts them.
    """
    reference = _answers(responses, question, responses.reference)
    test = _answers(responses, question, responses.test)
    both = [key for key in reference if key in test]
    return Pairs.from_labels(
        [reader for reader, _ in both],
        [case for _, case in both],
        [reference[key] for key in both],
        [test[key] for key in both],
        question.codes,
    )


def _answers(
    responses: Responses, question: Question, method: str
) -> dict[tuple[str, str], Code]:
    return {
        (reading.reader, reading.case): reading.answers[question.id]
        for reading in responses.readings
        if reading.method == method and question.id in reading.answers
    }
