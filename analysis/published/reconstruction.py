"""One set of 280 readings that is consistent with the published tables.

It reproduces every printed margin, pooled table and agreement, and nothing else: which
case an answer belongs to, and how the answers of a reader to different questions go
together, is arbitrary (drawn with a fixed seed). Nothing that needs that link may be
reported from it. `python -m analysis.published.reconstruction` prints the file that is
shipped as reconstructed_responses.csv.
"""

import csv
import io
import sys
from collections.abc import Iterator

import numpy as np

from analysis.arrays import IntArray
from analysis.published import data
from analysis.recovery import tables_by_reader
from analysis.responses.pairing import PairedAnswers
from reader_study.formats.questionnaire import Code, Question

_SEED = 20  # any; the number of cases
_NOT_ANSWERED = -1

AnswersOfQuestion = IntArray
"""`(methods, readers, cases)` positions on the scale, -1 where not answered."""


def reconstruct_readings() -> list[dict[str, str]]:
    """Reconstruct the readings as rows of responses.csv."""
    published = data.load_published()
    rng = np.random.default_rng(_SEED)
    pairs = data.published_pairs(published, data.recover_all(published))
    answers = {p.question.id: _spread(p, published, rng) for p in pairs}
    questions = [p.question for p in pairs]
    return [
        _row(questions, answers, published, (reader, case, method))
        for reader in range(published.n_readers)
        for case in range(published.n_cases)
        for method in range(2)
    ]


def to_csv(rows: list[dict[str, str]]) -> str:
    """Write the rows as the text of a CSV file."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _spread(
    pairs: PairedAnswers, published: data.Published, rng: np.random.Generator
) -> AnswersOfQuestion:
    """Deal out pairs of answers to each reader, over the cases in random order."""
    return np.array(
        [
            rng.permutation(of_reader)
            for of_reader in _pairs_of_readers(pairs, published, rng)
        ]
    ).transpose(2, 0, 1)


def _pairs_of_readers(
    pairs: PairedAnswers, published: data.Published, rng: np.random.Generator
) -> Iterator[IntArray]:
    """Pairs of each reader: by printed totals, else dealt out at random."""
    if pairs.by_reader is None:
        dealt = rng.permutation(_with_incomplete(pairs))
        yield from np.split(dealt, published.n_readers)
        return
    rows, columns = (pairs.by_reader[m] for m in (published.reference, published.test))
    for table in tables_by_reader(pairs.table, rows, columns) or ():
        yield table.to_pairs()


def _with_incomplete(pairs: PairedAnswers) -> IntArray:
    """Add the incomplete pairs; a single answer is the test method's second category.

    Any category of either method would do: kappa with the open answer as a category of
    its own is .331 for four of the eight (see docs/method/published-numbers.md).
    """
    one = [[_NOT_ANSWERED, 1]] * pairs.n_one_answer
    none = [[_NOT_ANSWERED, _NOT_ANSWERED]] * pairs.n_no_answer
    return np.array([*pairs.table.to_pairs().tolist(), *one, *none])


def _row(
    questions: list[Question],
    answers: dict[str, AnswersOfQuestion],
    published: data.Published,
    place: tuple[int, int, int],
) -> dict[str, str]:
    reader, case, method = place
    codes = {
        question.id: _code(question, answers[question.id][method, reader, case])
        for question in questions
    }
    reasons = {
        question.reason_column: "(reason not published)"
        if codes[question.id] in question.reason_codes
        else ""
        for question in questions
        if question.reason_codes
    }
    written = {name: "" if code is None else str(code) for name, code in codes.items()}
    unknown = dict.fromkeys(("trial", "position", "pseudo_id"), "")
    return {
        "reader": f"Doctor {reader + 1}",
        **unknown,
        "case": f"case-{case + 1:02d}",
        "method": (published.reference, published.test)[method],
        "severity": "",
        **written,
        **reasons,
        "simulated": "0",
        "reconstructed": "1",
    }


def _code(question: Question, position: int) -> Code | None:
    return None if position == _NOT_ANSWERED else question.codes[position]


if __name__ == "__main__":
    sys.stdout.write(to_csv(reconstruct_readings()))
