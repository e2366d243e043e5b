"""Pairs of answers: one reader, one case, one question, both methods."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analysis.arrays import IntArray
from analysis.multireader.pairs import Pairs
from analysis.tables import ContingencyTable
from reader_study.formats.questionnaire import Answer, Question
from reader_study.formats.responses import Responses

Answers = dict[tuple[str, str], Answer | None]
"""Answer per reader and case; None where the question was left open."""


@dataclass(frozen=True)
class PairedAnswers:
    """Answers to one question under both methods.

    Attributes:
        question: What was asked.
        table: Complete pairs, reference method in rows.
        n_one_answer: Pairs with an answer under one method only.
        n_no_answer: Pairs without any.
        by_reader: Per method `(readers, k)` counts of all answers given, in the order
            of `Responses.readers`; None where they are not known.
    """

    question: Question
    table: ContingencyTable
    n_one_answer: int = 0
    n_no_answer: int = 0
    by_reader: Mapping[str, IntArray] | None = None

    @property
    def n_incomplete(self) -> int:
        """Pairs that lack an answer."""
        return self.n_one_answer + self.n_no_answer


def pair_answers(responses: Responses, question: Question) -> PairedAnswers:
    """Pair the answers that readers gave to a question under the two methods.

    A case that a reader has read under one method only counts as a pair with one
    answer, or with none.
    """
    reference = _answers(responses, question, responses.reference)
    test = _answers(responses, question, responses.test)
    keys = dict.fromkeys([*reference, *test])
    pairs = [(reference.get(key), test.get(key)) for key in keys]
    n_given = [sum(answer is not None for answer in pair) for pair in pairs]
    complete = [pair for pair, n in zip(pairs, n_given, strict=True) if n == len(pair)]
    return PairedAnswers(
        question=question,
        table=ContingencyTable.from_pairs(
            [a for a, _ in complete], [b for _, b in complete], question.codes
        ),
        n_one_answer=n_given.count(1),
        n_no_answer=n_given.count(0),
        by_reader={
            responses.reference: _by_reader(responses, question, reference),
            responses.test: _by_reader(responses, question, test),
        },
    )


def paired_readings(responses: Responses, question: Question) -> Pairs:
    """Return complete pairs of answers that know their reader and their case.

    Pairs that lack an answer are left out; `pair_answers` counts them.
    """
    reference = _answers(responses, question, responses.reference)
    test = _answers(responses, question, responses.test)
    both = [
        key
        for key, code in reference.items()
        if code is not None and test.get(key) is not None
    ]
    return Pairs.from_labels(
        [reader for reader, _ in both],
        [case for _, case in both],
        [reference[key] for key in both],
        [test[key] for key in both],
        question.codes,
    )


def paired_with_open(responses: Responses, question: Question) -> Pairs:
    """Return pairs with one answer or two; an open one is a category of its own.

    So a pair with exactly one answer is a disagreement. A reader who has not read a
    case under both methods counts as having left it open.
    """
    reference = _answers(responses, question, responses.reference)
    test = _answers(responses, question, responses.test)
    keys = [
        key
        for key in dict.fromkeys([*reference, *test])
        if reference.get(key) is not None or test.get(key) is not None
    ]

    def label(code: Answer | None) -> Answer:
        return _OPEN if code is None else code

    return Pairs.from_labels(
        [reader for reader, _ in keys],
        [case for _, case in keys],
        [label(reference.get(key)) for key in keys],
        [label(test.get(key)) for key in keys],
        (*question.codes, _OPEN),
    )


_OPEN = "\N{NULL}open"  # no file can hold such a code


def _answers(responses: Responses, question: Question, method: str) -> Answers:
    return {
        (reading.reader, reading.case): reading.answers.get(question.id)
        for reading in responses.readings
        if reading.method == method
    }


def _by_reader(responses: Responses, question: Question, answers: Answers) -> IntArray:
    row = {reader: index for index, reader in enumerate(responses.readers)}
    column: dict[Answer, int] = {
        code: index for index, code in enumerate(question.codes)
    }
    counts = np.zeros((len(row), len(column)), dtype=np.int64)
    for (reader, _), code in answers.items():
        if code is not None:
            counts[row[reader], column[code]] += 1
    return counts
