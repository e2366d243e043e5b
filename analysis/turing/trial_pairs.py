"""A reader's two answers to a case, one per trial, and which method came first."""

from dataclasses import dataclass

import numpy as np

from analysis.arrays import BoolArray, FloatArray, IntArray
from analysis.turing.judgements import Judgements

_MISSING = -1


@dataclass(frozen=True, eq=False)
class TrialPairs:
    """Answers of the two trials; 1 calls the picture synthetic, -1 is missing.

    Attributes:
        first: `(readers, cases)` answers of trial 1.
        second: `(readers, cases)` answers of trial 2.
        synthetic_first: `(readers, cases)` 1 where the synthetic picture came first, 0
            where it came second, -1 where it is not known.
    """

    first: IntArray
    second: IntArray
    synthetic_first: IntArray

    @property
    def complete(self) -> BoolArray:
        """`(readers, cases)` where both trials have an answer."""
        return np.asarray((self.first != _MISSING) & (self.second != _MISSING))

    def centred(self, answers: IntArray) -> FloatArray:
        """Take off their mean within reader and order of methods; 0 where missing."""
        centred = np.zeros(answers.shape)
        for order in (0, 1):
            mine = self.complete & (self.synthetic_first == order)
            count = np.maximum(1, mine.sum(axis=1, keepdims=True))
            mean = np.where(mine, answers, 0).sum(axis=1, keepdims=True) / count
            centred += np.where(mine, answers - mean, 0.0)
        return centred

    @property
    def strata(self) -> IntArray:
        """`(cases,)` which cases have the same order of methods for every reader.

        What is missing tells no two cases apart.
        """
        patterns: list[IntArray] = []
        place = np.zeros(self.first.shape[1], dtype=np.int64)
        for case, column in enumerate(self.synthetic_first.T):
            for number, pattern in enumerate(patterns):
                both = (column != _MISSING) & (pattern != _MISSING)
                if (column[both] == pattern[both]).all():
                    patterns[number] = np.maximum(pattern, column)
                    place[case] = number
                    break
            else:
                place[case] = len(patterns)
                patterns.append(column)
        return place


def trial_pairs(judgements: Judgements) -> TrialPairs:
    """Put the judgements of both trials side by side.

    Raises:
        ValueError: If the trials are not known.
    """
    if not (judgements.trial > 0).any():
        msg = "Leakage between trials needs the trial of each reading, got none"
        raise ValueError(msg)
    shape = (len(judgements.readers), len(judgements.cases))
    answers = np.full((2, *shape), _MISSING)
    synthetic_first = np.full(shape, _MISSING)
    for trial in (1, 2):
        mine = judgements.trial == trial
        place = (judgements.reader[mine], judgements.case[mine])
        answers[trial - 1][place] = judgements.called_synthetic[mine]
        synthetic_first[place] = judgements.synthetic[mine] == (trial == 1)
    return TrialPairs(answers[0], answers[1], synthetic_first)
