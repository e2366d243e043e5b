"""Numbers and marks on a line: means by method, their differences, and agreement."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.agreement.intraclass import (
    IntraclassCorrelation,
    intraclass_correlation,
)
from analysis.arrays import BoolArray, FloatArray
from analysis.multireader.estimate import ClusteredEstimate, mean_of
from analysis.multireader.limits_of_agreement import (
    LimitsOfAgreement,
    limits_of_agreement,
)
from reader_study.formats.questionnaire import Question
from reader_study.formats.responses import Reading

_TWO = 2


@dataclass(frozen=True, eq=False)
class MethodNumbers:
    """The numbers that readers gave under one method.

    Attributes:
        n: How many.
        mean: Mean, readers and cases random.
        standard_deviation: Of all numbers; NaN of fewer than two.
        quartiles: First quartile, median and third quartile.
        between_readers: ICC(2,1) of readers, on cases that all have read; None of one
            reader.
    """

    n: int
    mean: ClusteredEstimate
    standard_deviation: float
    quartiles: tuple[float, float, float]
    between_readers: IntraclassCorrelation | None


@dataclass(frozen=True, eq=False)
class NumbersCompared:
    """Two numbers of each reader and case, one under each method.

    Attributes:
        reference: The one method.
        test: The other.
        difference: Mean of test less reference, readers and cases random.
        limits: Limits of agreement, with readers and cases as samples, from cases that
            all readers have rated under both methods.
        between_methods: ICC(2,1) of the two numbers of a pair, pairs as independent.
        n_cases: Cases with a pair of any reader.
        n_whole: Cases behind the limits of agreement.
    """

    reference: str
    test: str
    difference: ClusteredEstimate
    limits: LimitsOfAgreement
    between_methods: IntraclassCorrelation
    n_cases: int
    n_whole: int


@dataclass(frozen=True, eq=False)
class NumbersOfQuestion:
    """All of one question.

    Attributes:
        question: What was asked.
        by_method: By the name of the method.
        compared: One for each two methods.
    """

    question: Question
    by_method: Mapping[str, MethodNumbers]
    compared: tuple[NumbersCompared, ...]


def numbers_of(
    readings: Sequence[Reading],
    question: Question,
    methods: Sequence[str],
    pairs: Sequence[tuple[str, str]],
) -> NumbersOfQuestion:
    """Describe and compare the numbers that answer a question.

    Args:
        readings: The first of each reader, case and method.
        question: One that a number answers.
        methods: In their order.
        pairs: Reference and test method of each comparison.
    """
    readers = _places(r.reader for r in readings)
    cases = _places(r.case for r in readings)
    cube = np.full((len(methods), len(cases), len(readers)), np.nan)
    for reading in readings:
        given = reading.answers.get(question.id)
        if isinstance(given, int | float) and reading.method in methods:
            place = methods.index(reading.method)
            cube[place, cases[reading.case], readers[reading.reader]] = given
    tables = dict(zip(methods, cube, strict=True))
    return NumbersOfQuestion(
        question,
        {name: _described(table) for name, table in tables.items()},
        tuple(_compared(*names, *(tables[name] for name in names)) for names in pairs),
    )


def _places(names: Iterable[str]) -> dict[str, int]:
    found = dict.fromkeys(names)
    return {name: place for place, name in enumerate(found)}


def _described(table: FloatArray) -> MethodNumbers:
    given = ~np.isnan(table)
    values = table[given]
    case, reader = np.nonzero(given)
    quartiles = np.percentile(values, (25, 50, 75)) if len(values) else [math.nan] * 3
    one, middle, three = map(float, quartiles)
    theirs = table[:, given.any(axis=0)]
    return MethodNumbers(
        n=len(values),
        mean=mean_of(values, reader, case),
        standard_deviation=float(values.std(ddof=1)) if len(values) > 1 else math.nan,
        quartiles=(one, middle, three),
        between_readers=intraclass_correlation(theirs)
        if theirs.shape[1] >= _TWO
        else None,
    )


def _compared(
    reference: str, test: str, before: FloatArray, after: FloatArray
) -> NumbersCompared:
    both = ~np.isnan(before) & ~np.isnan(after)
    case, reader = np.nonzero(both)
    theirs = both[:, both.any(axis=0)]
    whole = both & np.all(theirs, axis=1, keepdims=True)
    return NumbersCompared(
        reference=reference,
        test=test,
        difference=mean_of(after[both] - before[both], reader, case),
        limits=_limits(before, after, whole),
        n_cases=len(set(case.tolist())),
        n_whole=int(whole.any(axis=1).sum()),
        between_methods=intraclass_correlation(
            np.column_stack([before[both], after[both]])
        ),
    )


def _limits(
    before: FloatArray, after: FloatArray, kept: BoolArray
) -> LimitsOfAgreement:
    case, reader = np.nonzero(kept)
    if not len(case):
        return LimitsOfAgreement(
            between="methods",
            mean_difference=math.nan,
            variance=math.nan,
            variance_of_mean=math.nan,
            components={},
            undefined_reason="no case has both numbers of all readers",
        )
    scores = {
        "reader": np.tile(reader, 2),
        "case": np.tile(case, 2),
        "method": np.repeat(["reference", "test"], len(case)),
        "score": np.concatenate([before[kept], after[kept]]),
    }
    return limits_of_agreement(scores, "methods", ("test", "reference"))
