"""What each reader answered to each case, one table per method."""

from dataclasses import dataclass

import numpy as np

from analysis.arrays import FloatArray
from reader_study.formats.responses import Responses


@dataclass(frozen=True, eq=False)
class MethodRatings:
    """Answers to one question under both methods, for the same cases and readers.

    Attributes:
        reference: `(cases, readers)` positions on the scale, NaN where missing.
        test: The same under the test method.
        cases: Names of the cases.
        readers: Names of the readers.
        k: Number of categories on the scale.
    """

    reference: FloatArray
    test: FloatArray
    cases: tuple[str, ...]
    readers: tuple[str, ...]
    k: int


def method_ratings(responses: Responses, question: str) -> MethodRatings:
    """Arrange the answers to a question by method, case and reader.

    Args:
        responses: The readings.
        question: Its id.

    Raises:
        ValueError: If the question was not asked.
    """
    asked = {q.id: q for q in responses.questionnaire}
    if question not in asked:
        msg = f"Question must be one of {', '.join(asked)}, got {question}"
        raise ValueError(msg)
    codes = {code: i for i, code in enumerate(asked[question].codes)}
    readers = {name: i for i, name in enumerate(responses.readers)}
    names = dict.fromkeys(reading.case for reading in responses.readings)
    cases = {name: i for i, name in enumerate(names)}
    methods = {responses.reference: 0, responses.test: 1}
    ratings = np.full((2, len(cases), len(readers)), np.nan)
    for reading in responses.readings:
        answer = reading.answers.get(question)
        if answer is not None:
            place = (methods[reading.method], cases[reading.case])
            ratings[(*place, readers[reading.reader])] = codes[answer]
    return MethodRatings(
        ratings[0], ratings[1], tuple(cases), tuple(readers), len(codes)
    )
