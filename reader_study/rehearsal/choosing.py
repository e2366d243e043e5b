"""Bots that choose among pictures with a planted preference, or find the target.

What a bot sees in a picture is the worth of its method, plus a part of the case by that
method, which all readers see, plus a part of the reader, plus noise of Gumbel's form:
the largest value comes first, so that without case and reader this is the model of
Plackett and Luce. Case and reader have the shares of the variance that are planned.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from reader_study.formats.design import StudyDesign
from reader_study.formats.questionnaire import Question
from reader_study.rehearsal.bots import SimulationPlan

DEFAULT_PREFERRED, DEFAULT_CORRECT = 0.6, 0.75
_NOISE = math.pi**2 / 6  # variance of Gumbel's distribution
_DRAWS, _SEED, _FARTHEST = 40_000, 32, 30.0

_Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ChoosingBots:
    """How bots choose.

    Attributes:
        design: With its displays of several pictures.
        plan: With `preferred` or `correct`, `within_case` and `within_reader`.
    """

    design: StudyDesign
    plan: SimulationPlan

    @property
    def finds(self) -> bool:
        """Whether bots look for the reference, and not for the best."""
        return self.design.display == "choice"

    @property
    def planted(self) -> dict[str, float]:
        """What is planted, by the name of the setting."""
        if self.finds:
            given = self.plan.correct
            return {"correct": DEFAULT_CORRECT if given is None else given}
        given = self.plan.preferred
        return {"preferred": DEFAULT_PREFERRED if given is None else given}

    @cached_property
    def worths(self) -> dict[str, float]:
        """Worth of each method.

        That of the reference is such that it is found as often as planned; or each
        method is worth more than the one before, to be preferred to it as planned.
        """
        ((_, wanted),) = self.planted.items()
        step = self._apart(wanted, self.design.at_once if self.finds else 2)
        arms = self.design.arms
        if self.finds:
            return {arm: step if arm == arms[0] else 0.0 for arm in arms}
        return {arm: step * place for place, arm in enumerate(arms)}

    def draw(
        self,
        shown: Mapping[str, tuple[str, tuple[str, ...]]],
        n_readers: int,
        rng: np.random.Generator,
    ) -> list[dict[str, tuple[int, ...]]]:
        """Draw in which order every bot puts the pictures of every display.

        Args:
            shown: Case, and methods from the left, by token.
            n_readers: Number of bots.
            rng: Source of chance.

        Returns:
            For each bot, by token, places from 1 on, that of the best first.
        """
        arms = self.design.arms
        cases = {case: n for n, (case, _) in enumerate(shown.values())}
        of_case, of_reader = self._spreads
        case_part = of_case * rng.standard_normal((len(shown), len(arms)))
        reader_part = of_reader * rng.standard_normal((n_readers, len(arms)))
        found: list[dict[str, tuple[int, ...]]] = []
        for reader in range(n_readers):
            mine = {}
            for token, (case, methods) in shown.items():
                at = [arms.index(method) for method in methods]
                seen = np.array([self.worths[method] for method in methods])
                seen += case_part[cases[case], at] + reader_part[reader, at]
                seen += rng.gumbel(size=len(at))
                mine[token] = tuple((np.argsort(-seen) + 1).tolist())
            found.append(mine)
        return found

    @property
    def _spreads(self) -> tuple[float, float]:
        """Standard deviations of what a case and a reader add to a method."""
        case, reader = self.plan.within_case, self.plan.within_reader
        rest = max(1e-6, 1 - case - reader)
        return math.sqrt(_NOISE * case / rest), math.sqrt(_NOISE * reader / rest)

    def _apart(self, wanted: float, m: int) -> float:
        """Return the worth over that of others which comes first so often among m."""
        rng = np.random.default_rng(_SEED)
        around = math.hypot(*self._spreads) * rng.standard_normal((_DRAWS, m))

        def first(worth: float) -> float:
            strength = np.exp(around + np.array([worth] + [0.0] * (m - 1)))
            return float((strength[:, 0] / strength.sum(axis=1)).mean())

        return _root(lambda worth: first(worth) - wanted)


def answer_to(question: Question, places: Sequence[int]) -> int:
    """Return the code of an order: its best place, or all places as digits."""
    if question.type == "which":
        return places[0]
    return int("".join(map(str, places)))


def _root(of: Callable[[float], float]) -> float:
    if of(-_FARTHEST) >= 0:
        return -_FARTHEST
    if of(_FARTHEST) <= 0:
        return _FARTHEST
    return float(brentq(of, -_FARTHEST, _FARTHEST, xtol=1e-9))
