"""What can be wrong with responses.csv, each found in one function."""

import re
from collections.abc import Iterator, Sequence

from analysis.responses.questionnaire import Questionnaire
from analysis.responses.readings import Reading

REQUIRED = ("reader", "case", "method")
TRUE = frozenset({"1", "true", "yes"})
"""Texts that set a flag, in lower case."""

_LOOKS_LIKE_A_QUESTION = re.compile(r"Q\d+[A-Za-z]?(_reason)?")

Located = tuple[int, str]
"""A line of the file and what to say about it."""


def check_header(names: Sequence[str], questionnaire: Questionnaire) -> list[str]:
    """Name missing and repeated columns, and questions that were not asked."""
    needed = [*REQUIRED, *questionnaire.ids]
    faults = [f"column {name} is missing" for name in needed if name not in names]
    if len(faults) == len(needed):
        return [f"a header is missing; it must name {', '.join(needed)}"]
    repeated = sorted({name for name in names if names.count(name) > 1})
    faults += [f"column {name or '(without a name)'} stands twice" for name in repeated]
    known = {
        *questionnaire.ids,
        *(question.reason_column for question in questionnaire),
    }
    faults += [
        f"column {name} is not a question of the questionnaire"
        for name in names
        if _LOOKS_LIKE_A_QUESTION.fullmatch(name) and name not in known
    ]
    return faults


def whole_number(cell: str) -> int | None:
    """Give the whole number of 1 or more that a cell holds, else None.

    Examples:
        >>> whole_number("2"), whole_number("2.0"), whole_number("0"), whole_number("")
        (2, 2, None, None)
    """
    text = cell.strip().removesuffix(".0")
    return int(text) or None if text.isascii() and text.isdigit() else None


def find_repeated(readings: Sequence[Reading]) -> Iterator[Located]:
    """Find readings of the same reader, case and method."""
    first: dict[tuple[str, str, str], int] = {}
    for reading in readings:
        key = (reading.reader, reading.case, reading.method)
        if key in first:
            yield (
                reading.line,
                f"reader {reading.reader} has read case {reading.case} under "
                f"{reading.method} before, on line {first[key]}",
            )
        first.setdefault(key, reading.line)


def find_missing_partners(
    readings: Sequence[Reading], reference: str, test: str
) -> Iterator[Located]:
    """Find readings whose case the reader did not read under the other method."""
    read = {(reading.reader, reading.case, reading.method) for reading in readings}
    other = {reference: test, test: reference}
    for reading in readings:
        partner = other[reading.method]
        if (reading.reader, reading.case, partner) not in read:
            yield (
                reading.line,
                f"reader {reading.reader} has not read case {reading.case} "
                f"under {partner}",
            )


def find_missing_reasons(
    readings: Sequence[Reading], questionnaire: Questionnaire
) -> Iterator[Located]:
    """Find answers that ask for an explanation and have none."""
    for reading in readings:
        for question in questionnaire:
            answer = reading.answers.get(question.id)
            if answer is None or answer not in question.reason_codes:
                continue
            if question.id not in reading.reasons:
                label = question.labels[question.codes.index(answer)]
                yield reading.line, f"{question.id} is {label} without a reason"
