"""Bots that diagnose with a planted accuracy: pure, chance is handed in.

What a bot sees of a case is a number of a binormal model: of variance 1, and on average
as much higher in diseased cases as the AUC asks for. Fixed cuts make a rating of it, so
that the AUC of the ratings, with ties, is the one planted. The number has a part of the
case, which all readers see, a part of the reader in each class, and a rest; a share of
each is the same by both methods, as large as the planted kappa of the diagnosis asks
for, as far as the AUCs leave it free.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from reader_study.formats.checking import Code
from reader_study.formats.rating import Rating
from reader_study.rehearsal.bots import FALL, SimulationPlan, TrueAgreement

_Numbers = NDArray[np.float64]

DEFAULT_AUC = 0.85

_N_GRID = 4000  # points of the integral over what both methods share
_FARTHEST = 40.0  # means of the two classes, in standard deviations


@dataclass(frozen=True, eq=False)
class AccurateBots:
    """How bots rate.

    Attributes:
        rating: Of the plan of the study.
        plan: With `auc`, `auc_test`, `kappa`, `within_case` and `within_reader`.
        diseased: `(cases,)` class of each case.
        n_methods: Methods that they read by; all but the first have the test's AUC.
        repeated: Whether they read pictures a second time.
    """

    rating: Rating
    plan: SimulationPlan
    diseased: NDArray[np.bool_]
    n_methods: int = 2
    repeated: bool = False

    @property
    def auc(self) -> tuple[float, float]:
        """Planted AUC of the reference and of the test method."""
        reference = DEFAULT_AUC if self.plan.auc is None else self.plan.auc
        test = self.plan.auc_test
        return reference, reference if test is None else test

    def agreement(self) -> dict[str, TrueAgreement]:
        """Return the agreement of the methods that this plants, by question."""
        joint = self._joint(self._shared)
        return {
            name: self._agreement(joint, place)
            for place, name in enumerate(self.rating.names)
        }

    def draw(
        self, n_readers: int, rng: np.random.Generator
    ) -> Mapping[str, NDArray[Any]]:
        """Draw what every bot answers to every case by either method.

        Args:
            n_readers: Number of bots.
            rng: Source of chance.

        Returns:
            By question of the rating the codes `(readers, cases, methods)`: reference
            and test methods; then as many of second readings, where there are any.
        """
        shared, diseased = self._shared, self.diseased
        n_cases = len(diseased)
        reference, test = self._apart
        apart = [reference, *(test for _ in range(self.n_methods - 1))]
        apart *= 2 if self.repeated else 1

        def part(*shape: int) -> _Numbers:
            same, own = (
                rng.standard_normal((*shape, 1)),
                rng.standard_normal((*shape, len(apart))),
            )
            return math.sqrt(shared) * same + math.sqrt(1 - shared) * own

        of_case, of_reader = self.plan.within_case, self.plan.within_reader
        rest = max(0.0, 1 - of_case - of_reader)
        seen = (
            np.where(diseased[:, None], 0.5, -0.5) * np.array(apart)
            + math.sqrt(of_case) * part(n_cases)
            + math.sqrt(of_reader) * part(n_readers, 2)[:, diseased.astype(int)]
            + math.sqrt(rest) * part(n_readers, n_cases)
        )
        ratings = np.searchsorted(self._cuts, seen)
        kind = np.searchsorted(self._breaks[1:-1], rng.random(n_cases), side="right")
        return {
            name: self._codes(place)[kind[:, None], ratings]
            for place, name in enumerate(self.rating.names)
        }

    @property
    def _cuts(self) -> _Numbers:
        n = len(self.rating.scale)
        cuts: _Numbers = ndtri(np.arange(1, n) / n)
        return cuts

    @property
    def _options(self) -> list[list[tuple[Code, ...]]]:
        """Answers that make each rating, in the order of the scale."""
        table = self.rating.table
        return [[c for c, v in table.items() if v == one] for one in self.rating.scale]

    @property
    def _breaks(self) -> _Numbers:
        """Where a case's own number, 0 to 1, changes the answers behind a rating."""
        ends = {end for options in self._options for end in _ends(len(options))}
        return np.array(sorted({0.0, 1.0} | ends))

    def _codes(self, place: int) -> NDArray[Any]:
        """Return the answer to a question, by kind of case and step of the rating."""
        middles = [(low + high) / 2 for low, high in pairwise(self._breaks)]
        return np.array(
            [
                [
                    options[int(np.searchsorted(_ends(len(options)), at))][place]
                    for options in self._options
                ]
                for at in middles
            ],
            dtype=np.object_ if self.rating.limits else np.int64,
        )

    @cached_property
    def _apart(self) -> tuple[float, float]:
        """Return how far the classes are apart by each method."""
        one, other = (_root(self._auc_at, auc, _FARTHEST) for auc in self.auc)
        return one, other

    def _auc_at(self, apart: float) -> float:
        """Return the AUC of the ratings, ties half, where the classes are so far."""
        sick, well = (self._chances(mean) for mean in (apart / 2, -apart / 2))
        return float(sick @ (np.cumsum(well) - well / 2))

    def _chances(self, mean: float) -> _Numbers:
        return np.diff(ndtr(self._cuts - mean), prepend=0.0, append=1.0)

    @cached_property
    def _shared(self) -> float:
        """Return the share that both methods have, for the planted kappa.

        It is 0 where the AUCs alone make the methods agree more, 1 where they differ
        too much for it.
        """
        return _root(
            lambda shared: self._agreement(self._joint(shared), 0).kappa,
            self.plan.kappa,
            1.0,
        )

    def _joint(self, shared: float) -> _Numbers:
        """Return the chance of each two ratings, of reference and test method."""
        same = math.sqrt(shared) * ndtri((np.arange(_N_GRID) + 0.5) / _N_GRID)
        spread = math.sqrt(max(1 - shared, 1e-12))
        found = np.zeros((len(self.rating.scale),) * 2)
        prevalence = float(np.mean(self.diseased))
        for weight, side in ((prevalence, 0.5), (1 - prevalence, -0.5)):
            by_method = [
                np.diff(
                    ndtr((self._cuts[:, None] - side * apart - same) / spread),
                    axis=0,
                    prepend=0.0,
                    append=1.0,
                )
                for apart in self._apart
            ]
            found += weight * by_method[0] @ by_method[1].T / _N_GRID
        return found

    def _agreement(self, joint: _Numbers, place: int) -> TrueAgreement:
        """Return the agreement of a question from that of the ratings."""
        codes = self._codes(place)
        every = np.unique(codes)
        table = np.zeros((len(every),) * 2)
        for kind, weight in zip(codes, np.diff(self._breaks), strict=True):
            is_code = (kind[:, None] == every).astype(float)
            table += weight * is_code.T @ joint @ is_code
        observed = float(np.trace(table))
        expected = float(table.sum(axis=1) @ table.sum(axis=0))
        kappa = (observed - expected) / (1 - expected)
        return TrueAgreement(round(observed, 4), round(kappa, 4))


def _ends(n: int) -> _Numbers:
    """Return where the shares of so many answers end, each less than the one before."""
    shares = FALL ** np.arange(n)
    ends: _Numbers = np.cumsum(shares / shares.sum())[:-1]
    return ends


def _root(of: Callable[[float], float], wanted: float, most: float) -> float:
    """Return where a rising function from 0 to `most` comes to a value."""
    if wanted <= of(0.0):
        return 0.0
    if wanted >= of(most):
        return most
    return float(brentq(lambda x: of(x) - wanted, 0.0, most, xtol=1e-9))
