"""Judgements of question 1, and how many pictures readers believe were synthetic."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np

from analysis.arrays import BoolArray, IntArray
from analysis.intervals import ConfidenceInterval, student_quantile
from reader_study.formats.closing import ClosingAnswer
from reader_study.formats.questionnaire import Code, Question
from reader_study.formats.responses import Responses


@dataclass(frozen=True, eq=False)
class Judgements:
    """Answers to "is this picture real?", one per reading.

    Attributes:
        reader: `(n,)` position of the reader in `readers`.
        case: `(n,)` position of the case in `cases`.
        synthetic: `(n,)` whether the picture was of the test method.
        called_synthetic: `(n,)` whether the reader said that it was not real.
        readers: Names of the readers.
        cases: Names of the cases.
        trial: `(n,)` 1 or 2; 0 where it is not known.
        n_missing: Readings without an answer that says real or synthetic.

    Raises:
        ValueError: If the columns differ in length.
    """

    reader: IntArray
    case: IntArray
    synthetic: BoolArray
    called_synthetic: BoolArray
    readers: tuple[str, ...]
    cases: tuple[str, ...]
    trial: IntArray
    n_missing: int = 0

    def __post_init__(self) -> None:
        names = ("case", "synthetic", "called_synthetic", "trial")
        lengths = {name: len(getattr(self, name)) for name in names}
        if set(lengths.values()) != {len(self.reader)}:
            got = ", ".join(f"{n} of {name}" for name, n in lengths.items())
            msg = f"Columns must be as long as reader ({len(self.reader)}), got {got}"
            raise ValueError(msg)

    @property
    def n(self) -> int:
        """Number of judgements."""
        return len(self.reader)

    @property
    def correct(self) -> BoolArray:
        """`(n,)` whether the reader was right."""
        return np.asarray(self.synthetic == self.called_synthetic)

    def subset(self, kept: BoolArray) -> Self:
        """Keep some judgements; names and positions stay.

        Args:
            kept: `(n,)` which ones.
        """
        return type(self)(
            self.reader[kept],
            self.case[kept],
            self.synthetic[kept],
            self.called_synthetic[kept],
            self.readers,
            self.cases,
            self.trial[kept],
        )


def judgements_of(
    responses: Responses,
    question: str = "Q1",
    *,
    real_code: Code = 1,
    synthetic_code: Code = 0,
) -> Judgements:
    """Take the judgements from the readings of a study.

    The paper asks "Do you think this is a real CT perfusion map?" with 1 for Yes and 0
    for No (Figure S.3), so 0 calls a picture synthetic. A further code, such as one for
    "cannot tell", is no judgement and counts as missing.

    Args:
        responses: The readings.
        question: The question that was asked.
        real_code: Answer that calls the picture real.
        synthetic_code: Answer that calls it synthetic.

    Raises:
        ValueError: If the question was not asked or a code is not on its scale.
    """
    _check_codes(responses, question, (real_code, synthetic_code))
    readings = responses.readings
    judged = [
        reading
        for reading in readings
        if reading.answers.get(question) in (real_code, synthetic_code)
    ]
    readers = {name: i for i, name in enumerate(responses.readers)}
    cases = {name: i for i, name in enumerate(dict.fromkeys(r.case for r in readings))}
    return Judgements(
        reader=np.array([readers[r.reader] for r in judged], dtype=np.int64),
        case=np.array([cases[r.case] for r in judged], dtype=np.int64),
        synthetic=np.array([r.method == responses.test for r in judged], dtype=bool),
        called_synthetic=np.array(
            [r.answers[question] == synthetic_code for r in judged], dtype=bool
        ),
        readers=tuple(readers),
        cases=tuple(cases),
        trial=np.array([r.trial or 0 for r in judged], dtype=np.int64),
        n_missing=len(readings) - len(judged),
    )


def _check_codes(
    responses: Responses, question: str, codes: tuple[Code, Code]
) -> Question:
    asked = {q.id: q for q in responses.questionnaire}
    if question not in asked:
        msg = f"Question must be one of {', '.join(asked)}, got {question}"
        raise ValueError(msg)
    scale = asked[question].codes
    if codes[0] == codes[1] or not set(codes) <= set(scale):
        msg = (
            f"The codes for real and synthetic must be two of {scale}, "
            f"got {codes[0]!r} and {codes[1]!r}"
        )
        raise ValueError(msg)
    return asked[question]


@dataclass(frozen=True)
class Guess:
    """What one reader believes of one trial.

    Attributes:
        reader: Name of the reader.
        trial: 1 or 2.
        guessed: Pictures believed to be synthetic.
        n_synthetic: Pictures that were.
        n_called: Pictures that the reader called synthetic one by one, None where the
            judgements are not known.
    """

    reader: str
    trial: int
    guessed: int
    n_synthetic: int
    n_called: int | None = None

    @property
    def excess(self) -> int:
        """How many too many were believed to be synthetic."""
        return self.guessed - self.n_synthetic


@dataclass(frozen=True)
class Guesses:
    """All guesses, and by how many they are too high.

    Attributes:
        guesses: One per reader and trial with a guess and a known truth.
        mean_excess: Mean over readers of their mean excess per trial; NaN without any.
        standard_error: Of it, with readers as the sample; NaN with fewer than two.
    """

    guesses: tuple[Guess, ...]
    mean_excess: float
    standard_error: float

    @property
    def n_readers(self) -> int:
        """Readers who guessed."""
        return len({guess.reader for guess in self.guesses})

    @property
    def undefined_reason(self) -> str | None:
        """Why the mean excess has no interval, else None."""
        if not self.guesses:
            return "no reader guessed how many pictures were synthetic"
        if math.isnan(self.standard_error):
            return "only one reader guessed"
        return None

    def confidence_interval(self, confidence_level: float = 0.95) -> ConfidenceInterval:
        """Return the mean excess +- t x standard error, readers being the sample.

        Raises:
            ValueError: If the level is not between 0 and 1.
        """
        quantile = student_quantile(confidence_level, self.n_readers - 1)
        if self.undefined_reason:
            return ConfidenceInterval(math.nan, math.nan, self.undefined_reason)
        margin = quantile * self.standard_error
        return ConfidenceInterval(self.mean_excess - margin, self.mean_excess + margin)


def guessed_numbers(
    closing: Iterable[ClosingAnswer], judgements: Judgements | None = None
) -> Guesses:
    """Compare the readers' own guesses with the truth.

    Args:
        closing: What readers said at the end.
        judgements: Their judgements, to tell how many each called synthetic.
    """
    guesses = tuple(
        Guess(answer.reader, trial, guessed, n_test, _called(judgements, answer, trial))
        for answer in closing
        for trial, guessed, n_test in zip(
            (1, 2), answer.guessed, answer.n_test, strict=True
        )
        if guessed is not None and n_test is not None
    )
    by_reader: dict[str, list[int]] = {}
    for guess in guesses:
        by_reader.setdefault(guess.reader, []).append(guess.excess)
    excess = np.array([np.mean(values) for values in by_reader.values()])
    n = len(excess)
    mean = float(excess.mean()) if n else math.nan
    error = float(excess.std(ddof=1)) / math.sqrt(n) if n > 1 else math.nan
    return Guesses(guesses, mean, error)


def _called(
    judgements: Judgements | None, answer: ClosingAnswer, trial: int
) -> int | None:
    if judgements is None or answer.reader not in judgements.readers:
        return None
    mine = judgements.reader == judgements.readers.index(answer.reader)
    mine = mine & (judgements.trial == trial)
    return int(judgements.called_synthetic[mine].sum())
