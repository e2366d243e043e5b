"""How many pictures readers believe were synthetic, against how many were."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from analysis.intervals import ConfidenceInterval, normal_quantile
from analysis.turing.judgements import Judgements
from reader_study.formats.closing import ClosingAnswer


@dataclass(frozen=True)
class Guess:
    """What one reader believes of one trial.

    Attributes:
        reader: Who.
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
        """Give the mean excess +- t x standard error, readers being the sample.

        Raises:
            ValueError: If the level is not between 0 and 1.
        """
        normal_quantile(confidence_level)
        if self.undefined_reason:
            return ConfidenceInterval(math.nan, math.nan, self.undefined_reason)
        quantile = float(stdtrit(self.n_readers - 1, (1 + confidence_level) / 2))
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
