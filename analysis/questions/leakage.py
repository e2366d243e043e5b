"""Does the answer in trial 2 depend on the answer in trial 1 beyond the method?

Of each case a reader sees one synthetic picture, in one of the trials. Who recognises a
case and knows this may call the second picture what the first was not called.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from analysis.arrays import BoolArray, FloatArray, IntArray
from analysis.questions.judgements import Judgements

_MISSING = -1


@dataclass(frozen=True, eq=False)
class _TrialPairs:
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


def _trial_pairs(judgements: Judgements) -> _TrialPairs:
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
    return _TrialPairs(answers[0], answers[1], synthetic_first)


Permute = Literal["cases", "within_readers"]


@dataclass(frozen=True)
class Leakage:
    """Result of `complement_leakage`.

    Attributes:
        n: Reader-case pairs with a judgement in each trial.
        switched: Share of pairs that got different answers in the two trials.
        expected: The same if, within a reader and an order of methods, the answers to
            a case did not depend on one another.
        p_value: Two-sided permutation p-value; NaN where nothing can be said.
        p_more_switching: One-sided, against more switching than expected.
        permute: What was exchanged.
        n_permutations: How many permutations were drawn.
        undefined_reason: Why nothing can be said, else None.
    """

    n: int
    switched: float
    expected: float
    p_value: float
    p_more_switching: float
    permute: Permute
    n_permutations: int
    undefined_reason: str | None = None

    @property
    def excess(self) -> float:
        """Share of pairs switched beyond what is expected; above 0 hints at leakage."""
        return self.switched - self.expected


def complement_leakage(
    judgements: Judgements,
    *,
    rng: np.random.Generator,
    permute: Permute = "cases",
    n_permutations: int = 10_000,
) -> Leakage:
    """Test whether answers of the two trials go together more or less than by chance.

    Pictures that look synthetic under both methods make readers repeat an answer, which
    lowers `switched`; leakage raises it. The test sees only the sum of the two.

    Args:
        judgements: With their trials.
        rng: Source of the permutations.
        permute: `cases` exchanges the answers of trial 2 between cases, those of all
            readers together, among cases whose order of methods is the same for every
            reader; it keeps that readers agree about a picture. `within_readers`
            exchanges them for each reader alone, which is right only where readers'
            answers to a picture are independent; it also works where each reader has
            an order of methods of their own.
        n_permutations: How many to draw, 1 or more.

    Raises:
        ValueError: If the trials are not known or an option is.
    """
    if permute not in ("cases", "within_readers"):
        msg = f"Permute must be cases or within_readers, got {permute!r}"
        raise ValueError(msg)
    if n_permutations < 1:
        msg = f"Permutations must be 1 or more, got {n_permutations}"
        raise ValueError(msg)
    pairs = _trial_pairs(judgements)
    n = int(pairs.complete.sum())
    first, second = pairs.centred(pairs.first), pairs.centred(pairs.second)
    strata = pairs.strata
    reason = _reason(n, first, second, strata if permute == "cases" else None)
    switched = _mean(pairs.first != pairs.second, pairs.complete)
    # Of a 0/1 pair, switching is p + q - 2 P(both 1), so its excess is -2 covariances.
    excess = -2 * float((first * second).sum()) / max(1, n)
    if reason:
        return Leakage(
            n, switched, math.nan, math.nan, math.nan, permute, n_permutations, reason
        )
    if permute == "cases":
        drawn = _permuted_cases(first, second, strata, n_permutations, rng)
    else:
        drawn = _permuted_within(first, second, pairs, n_permutations, rng)
    sums = np.append(drawn, (first * second).sum())
    seen, tie = sums[-1], 1e-9
    return Leakage(
        n=n,
        switched=switched,
        expected=switched - excess,
        p_value=float(np.mean(np.abs(sums) >= abs(seen) - tie)),
        p_more_switching=float(np.mean(sums <= seen + tie)),
        permute=permute,
        n_permutations=n_permutations,
    )


def _reason(
    n: int, first: FloatArray, second: FloatArray, strata: IntArray | None
) -> str | None:
    if n == 0:
        return "no case was judged by a reader in both trials"
    if not (np.abs(first).max() and np.abs(second).max()):
        return "each reader gave one answer only in a trial, so nothing can go together"
    if strata is not None and np.bincount(strata).max() < 2:
        return (
            "no two cases have the same order of methods for all readers, so whole "
            "cases cannot be exchanged; within_readers can"
        )
    return None


def _mean(event: BoolArray, members: BoolArray) -> float:
    return float(event[members].mean()) if members.any() else math.nan


def _permuted_cases(
    first: FloatArray,
    second: FloatArray,
    strata: IntArray,
    n_permutations: int,
    rng: np.random.Generator,
) -> FloatArray:
    met = first.T @ second  # (cases, cases): trial 1 of one with trial 2 of another
    total = np.zeros(n_permutations)
    for stratum in np.unique(strata):
        members = np.flatnonzero(strata == stratum)
        order = rng.permuted(np.tile(members, (n_permutations, 1)), axis=1)
        total += met[members, order].sum(axis=1)
    return total


def _permuted_within(
    first: FloatArray,
    second: FloatArray,
    pairs: _TrialPairs,
    n_permutations: int,
    rng: np.random.Generator,
) -> FloatArray:
    total = np.zeros(n_permutations)
    for reader in range(len(first)):
        for order in (0, 1):
            mine = pairs.complete[reader] & (pairs.synthetic_first[reader] == order)
            answers = np.tile(second[reader, mine], (n_permutations, 1))
            total += rng.permuted(answers, axis=1) @ first[reader, mine]
    return total
