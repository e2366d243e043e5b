"""Worth of methods from choices and rankings: Bradley-Terry and Plackett-Luce.

A choice among pictures takes each with a chance in proportion to its worth; a ranking
is a choice of the best, then of the best of the rest, and so on (Plackett; Luce). Of
two pictures that is the model of Bradley and Terry. A tie of two counts half for each.

Displays of one reader, and of one case, go together: what each display adds to the
estimate (its influence) is taken as effect of its case + effect of its reader + rest.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.special import expit

from analysis.arrays import BoolArray, FloatArray, IntArray
from analysis.intervals import ConfidenceInterval
from analysis.multiplicity import holm
from analysis.multireader import estimate as multireader
from analysis.multireader.score import proportion_of

_STEPS = 100
_CLOSE = 1e-10


@dataclass(frozen=True, eq=False)
class Preferences:
    """Displays of several pictures of a case, each with what a reader put first.

    Attributes:
        methods: Names of the methods.
        reader: `(n,)` whole numbers, one per reader.
        case: `(n,)` whole numbers, one per case.
        shown: `(n, m)` method at each place from the left, as its number.
        order: `(n, r)` methods from the best on, as far as they were put in order: one
            of a choice, all of a ranking; -1 of a tie, which takes two pictures.
        readers: Names of the readers.

    Raises:
        ValueError: If the columns differ in length.
    """

    methods: tuple[str, ...]
    reader: IntArray
    case: IntArray
    shown: IntArray
    order: IntArray
    readers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        lengths = {len(self.reader), len(self.case), len(self.shown), len(self.order)}
        if len(lengths) > 1:
            msg = f"Columns must be of one length, got {sorted(lengths)}"
            raise ValueError(msg)

    @property
    def n(self) -> int:
        """Number of displays."""
        return len(self.reader)

    @cached_property
    def stages(self) -> tuple["_Stage", ...]:
        """Choices of which displays are made: of the best, then of the best left."""
        m = self.shown.shape[1] if self.n else 0
        found, left = [], np.zeros((self.n, len(self.methods)), dtype=bool)
        np.put_along_axis(left, self.shown, values=True, axis=1)
        for r in range(min(self.order.shape[1] if self.n else 0, m - 1)):
            chosen = self.order[:, r]
            target = np.zeros(left.shape)
            tied = chosen < 0
            target[tied] = left[tied] / left[tied].sum(axis=1, keepdims=True)
            target[np.flatnonzero(~tied), chosen[~tied]] = 1
            found.append(_Stage(left.copy(), target))
            left[np.flatnonzero(~tied), chosen[~tied]] = False
        return tuple(found)

    def wins(self) -> FloatArray:
        """Return `(k, k)` how often the row's method was put before the column's."""
        k = len(self.methods)
        table = np.zeros((k, k))
        for stage in self.stages:
            for a in range(k):
                rest = stage.left * (np.arange(k) != a)
                table[a] += (stage.target[:, [a]] * rest).sum(axis=0)
        return table

    def by_pair(self, one: int, other: int) -> tuple[FloatArray, IntArray]:
        """Return which of two methods came first, where that is known.

        Returns:
            `(n,)` 1 where `one` did, 0 where `other` did and 0.5 of a tie, and the
            places of those displays.
        """
        rank = np.full((self.n, len(self.methods)), math.inf)
        for r in range(self.order.shape[1] if self.n else 0):
            known = np.flatnonzero(self.order[:, r] >= 0)
            rank[known, self.order[known, r]] = r
        there = (self.shown == one).any(axis=1) & (self.shown == other).any(axis=1)
        told = np.isfinite(np.minimum(rank[:, one], rank[:, other]))
        tied = np.asarray((self.order < 0).any(axis=1))
        at = np.flatnonzero(there & (told | tied))
        first = (rank[at, one] < rank[at, other]).astype(np.float64)
        first[tied[at] & ~told[at]] = 0.5
        return first, at


@dataclass(frozen=True, eq=False)
class _Stage:
    """A choice in each display: `(n, k)` what was left, and what was chosen of it."""

    left: BoolArray
    target: FloatArray

    def chances(self, worth: FloatArray) -> FloatArray:
        strength = np.where(self.left, np.exp(worth - worth.max()), 0.0)
        return np.asarray(strength / strength.sum(axis=1, keepdims=True))


@dataclass(frozen=True)
class Contrast:
    """Two methods: how much more often one is put before the other.

    Attributes:
        methods: The two, the reference first.
        log_odds: Log worth of the second minus that of the first.
        share: How often the second came first where both were shown and one of them
            was said to, ties half.
        adjusted: Its `p_value`, adjusted by Holm's method for all contrasts; NaN where
            the two were never compared.
    """

    methods: tuple[str, str]
    log_odds: multireader.ClusteredEstimate
    share: multireader.ClusteredEstimate
    adjusted: float = math.nan

    @property
    def p_value(self) -> float:
        """Two-sided p of `share` being one half; defined if one always came first."""
        return self.share.p_value(0.5)

    @property
    def chance(self) -> float:
        """Chance that the second is put before the first."""
        return float(expit(self.log_odds.estimate))

    def chance_interval(self, confidence_level: float = 0.95) -> ConfidenceInterval:
        """Return the interval of `chance`: that of the log odds, transformed."""
        found = self.log_odds.confidence_interval(confidence_level)
        if found.caution is not None:
            return found
        return ConfidenceInterval(float(expit(found.low)), float(expit(found.high)))


@dataclass(frozen=True, eq=False)
class Worths:
    """Worth of each method, and every two of them compared.

    Attributes:
        preferences: What was chosen.
        log_worth: `(k,)` log worths, their mean 0; NaN where there are none.
        contrasts: Every two methods, in their order.
        first: `(k,)` share of the displays that show a method in which it came first.
        undefined_reason: Why there are no finite worths, else None.
    """

    preferences: Preferences
    log_worth: FloatArray
    contrasts: tuple[Contrast, ...]
    first: FloatArray
    undefined_reason: str | None = None

    @property
    def p_value(self) -> float:
        """The p-value of all methods being worth the same, by Holm."""
        known = [c.adjusted for c in self.contrasts if not math.isnan(c.adjusted)]
        return min(known, default=math.nan)


def fit_worths(
    preferences: Preferences, variance: multireader.Variance = "crossed"
) -> Worths:
    """Fit the model of Plackett and Luce by Newton's method, with crossed errors.

    Args:
        preferences: What was chosen.
        variance: What varies from study to study; see `from_influence`.

    Raises:
        ValueError: If there are no displays.

    References:
        Plackett RL. J R Stat Soc C 1975;24:193. doi:10.2307/2346567
        Bradley RA, Terry ME. Biometrika 1952;39:324. doi:10.2307/2334029
        Hunter DR. Ann Stat 2004;32:384. doi:10.1214/aos/1079120141
    """
    if not preferences.n:
        msg = "Preferences must be of one display or more, got none"
        raise ValueError(msg)
    reason = _why_infinite(preferences)
    k = len(preferences.methods)
    worth, influence = np.full(k, math.nan), np.full((preferences.n, k), math.nan)
    if reason is None:
        worth, influence = _fitted(preferences)
    pairs = list(combinations(range(k), 2))
    found = [
        _contrast(preferences, pair, (worth, influence), variance, reason)
        for pair in pairs
    ]
    adjusted = holm([c.p_value for c in found])
    contrasts = tuple(
        replace(c, adjusted=p) for c, p in zip(found, adjusted, strict=True)
    )
    return Worths(preferences, worth, contrasts, _first(preferences), reason)


def _contrast(
    preferences: Preferences,
    pair: tuple[int, int],
    fitted: tuple[FloatArray, FloatArray],
    variance: multireader.Variance,
    reason: str | None,
) -> Contrast:
    (one, other), (worth, influence) = pair, fitted
    names = (preferences.methods[one], preferences.methods[other])
    values, at = preferences.by_pair(other, one)
    share = proportion_of(
        values, preferences.reader[at], preferences.case[at], variance
    )
    log_odds = multireader.from_influence(
        float(worth[other] - worth[one]),
        influence[:, other] - influence[:, one],
        preferences.reader,
        preferences.case,
        variance,
    )
    if reason is not None:
        log_odds = replace(log_odds, undefined_reason=reason)
    return Contrast(names, log_odds, share)


def _first(preferences: Preferences) -> FloatArray:
    stage = preferences.stages[0]
    shown = np.maximum(stage.left.sum(axis=0), 1)
    return np.asarray(stage.target.sum(axis=0) / shown)


def _why_infinite(preferences: Preferences) -> str | None:
    """Return why no finite worths are likeliest, None if some are.

    They are where nobody can part the methods in two so that one part always came
    before the other (Ford; Hunter 2004, assumption 1).
    """
    wins = preferences.wins()
    n_parts, part = connected_components(
        csr_array(wins > 0), directed=True, connection="strong"
    )
    if n_parts == 1:
        return None
    names = preferences.methods
    for of in range(n_parts):
        mine = part == of
        lost = wins[np.ix_(~mine, mine)].sum()
        if not lost:
            first = _listed(
                [n for n, is_mine in zip(names, mine, strict=True) if is_mine]
            )
            return f"{first} always came first, so no finite worth is likeliest"
    return "some methods were never shown with others"


def _listed(names: Sequence[str]) -> str:
    return " and ".join(names)


def _fitted(preferences: Preferences) -> tuple[FloatArray, FloatArray]:
    """Return log worths and the influence `(n, k)` of each display on them."""
    k, stages = len(preferences.methods), preferences.stages
    worth = np.zeros(k)
    for _ in range(_STEPS):
        gradient, information = _derivatives(stages, worth)
        step = _inverse(information) @ gradient
        largest = float(np.abs(step).max())
        worth = worth + step * min(1.0, 2.0 / max(largest, _CLOSE))
        if largest < _CLOSE:
            break
    _, information = _derivatives(stages, worth)
    scores = sum(stage.target - stage.chances(worth) for stage in stages)
    influence = preferences.n * scores @ _inverse(information)
    return worth - worth.mean(), np.asarray(influence)


def _inverse(information: FloatArray) -> FloatArray:
    """Return the inverse but for the sum of all worths, of which nothing is known."""
    return np.asarray(np.linalg.pinv(information, rcond=1e-9, hermitian=True))


def _derivatives(
    stages: Sequence[_Stage], worth: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the gradient `(k,)` and the information `(k, k)` of the likelihood."""
    k = len(worth)
    gradient, information = np.zeros(k), np.zeros((k, k))
    for stage in stages:
        chances = stage.chances(worth)
        gradient += (stage.target - chances).sum(axis=0)
        information += np.diag(chances.sum(axis=0)) - chances.T @ chances
    return gradient, information
